"""How far two sides agree on what a query gives for each row: whether it is kept, and with which values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from falconql.evaluating.sides import Side
from falconql.runtime.expression import ColumnRef, Score, walk
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.plan import Field, Output
from falconql.runtime.types import INT
from falconql.specialise.questions import conditions, decided, derived
from falconql.specialise.sampling import Estimate, share_of

if TYPE_CHECKING:
    from falconql.check.typed import TypedQuery

Values = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two results over the same rows of a corpus.

    Attributes:
        rows: of the corpus.
        both, here_only, there_only: rows that both keep, or one side alone.
        kept: share of rows that both keep or both leave out.
        same: share of rows for which the results are the same: kept with the same values, or left out by both.
    """

    rows: int
    both: int
    here_only: int
    there_only: int
    kept: Estimate
    same: Estimate


def agreement(typed: TypedQuery, table: pa.Table, here: Side, there: Side) -> Agreement:
    """Run the query without groups, order and limit on the rows of ``table`` with both sides, and compare.

    Spans are compared by their places, scores not at all.

    Raises:
        ProxyError: a side fails.
    """
    first, second = _results(typed, table, here), _results(typed, table, there)
    kept = np.array([bool(a) == bool(b) for a, b in zip(first, second, strict=True)])
    same = np.array([a == b for a, b in zip(first, second, strict=True)])
    each = np.ones(len(first))
    return Agreement(
        len(first),
        sum(bool(a) and bool(b) for a, b in zip(first, second, strict=True)),
        sum(bool(a) and not b for a, b in zip(first, second, strict=True)),
        sum(bool(b) and not a for a, b in zip(first, second, strict=True)),
        share_of(kept, each),
        share_of(same, each),
    )


def _results(typed: TypedQuery, table: pa.Table, side: Side) -> list[Values]:
    """Return for every row of the table what comes out of it, one tuple per ``each`` combination."""
    name = _unused([field.name for field in typed.columns])
    number = Field(name, INT)
    numbered = MemorySource(table.append_column(name, pa.array(range(table.num_rows), pa.int64())))
    # Two models never give the same scores.
    compared = [value for value in decided(typed) if not any(isinstance(part, Score) for part in walk(value))]
    outputs = (Output(name, ColumnRef(name, INT)), *(Output(f"{name}{i}", expr) for i, expr in enumerate(compared)))
    _, model_part = conditions(typed)
    query = derived(
        replace(typed, columns=(*typed.columns, number)), where=model_part, outputs=outputs, each=typed.each
    )
    found: list[Values] = [[] for _ in range(table.num_rows)]
    for batch in side.run(query, numbered):
        columns = [column.to_pylist() for column in batch.columns]
        for row, *values in zip(*columns, strict=True):
            found[row].append(tuple(_plain(value) for value in values))
    return found


def _unused(names: list[str]) -> str:
    name = "row"
    while any(other.startswith(name) for other in names):
        name += "_"
    return name


def _plain(value: Any) -> Any:
    """Return a value that can be compared: spans by their places, NaN as a text, which it equals."""
    if isinstance(value, dict) and value.keys() == {"text", "start", "end", "score"}:
        return (value["start"], value["end"])
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return "nan" if isinstance(value, float) and math.isnan(value) else value
