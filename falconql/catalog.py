"""What the checker knows of a corpus and of the world outside the query.

Descriptions only, no I/O and no Arrow: ``falconql.api`` makes a catalog from an Arrow schema with
``falconql.runtime.io.arrow``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from falconql.runtime.plan import Field

ParameterValue = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The corpus schema and the parameters.

    Attributes:
        fields: the columns in file order; None when no corpus is given (``check`` without
            ``--from``): then every column name is accepted with type Unknown.
        parameters: values bound from outside, by name without ``$``. A str from the command line
            may stand where a number, date or boolean is needed if it reads as one.
        corpus: the name of the corpus in messages.
    """

    fields: tuple[Field, ...] | None
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    corpus: str = "the corpus"
