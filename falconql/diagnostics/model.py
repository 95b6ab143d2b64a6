"""What is wrong with a query, as data.

A diagnostic is made by the stage that finds the problem and shown by ``render``; the same value
goes to the terminal, to JSON and to programs that repair queries. Knows nothing of any stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from falconql.source import Span


class Severity(StrEnum):
    """How bad it is: an error stops the query, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A place in the query and what to say right under it (may be empty)."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what stands under ``span`` with ``new_text``."""

    span: Span
    new_text: str


@dataclass(frozen=True, slots=True)
class Help:
    """Advice; with an edit when the fix can be applied as it is."""

    text: str
    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, one place, in the user's terms.

    ``code`` is stable and listed in ``falconql.diagnostics.codes``; ``message`` is lower case
    without a full stop and states the fact, ``helps`` say what to do about it.
    """

    code: str
    message: str
    primary: Label
    severity: Severity = Severity.ERROR
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[Help, ...] = ()
