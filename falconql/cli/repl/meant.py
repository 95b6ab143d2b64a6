"""Definitions of the session that a misspelt name may mean: the checker knows only those that a query uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from falconql.diagnostics.model import Diagnostic, Help
from falconql.diagnostics.suggest import near_names
from falconql.runtime.display import shown_name
from falconql.source import Source

_UNKNOWN_NAMES = ("FQL101", "FQL111")


def with_meant(found: Iterable[Diagnostic], source: Source, definitions: Sequence[str]) -> list[Diagnostic]:
    """Return what is wrong with a query, with the definitions that unknown names are near."""
    return [_with_meant(diagnostic, source, definitions) for diagnostic in found]


def _with_meant(diagnostic: Diagnostic, source: Source, definitions: Sequence[str]) -> Diagnostic:
    span = diagnostic.primary.span
    near = near_names(source.text[span.start : span.end].strip("`"), definitions)
    # Where something else is pointed at, too, the name is known.
    if diagnostic.code not in _UNKNOWN_NAMES or diagnostic.secondary or not near:
        return diagnostic
    meant = Help(f"did you mean {' or '.join(map(shown_name, near))}, which you defined?")
    return replace(diagnostic, helps=(*(each for each in diagnostic.helps if each.edit), meant))
