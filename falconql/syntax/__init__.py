"""Query text to syntax tree and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falconql.syntax.parser import ParseResult, parse, parse_tolerant

if TYPE_CHECKING:
    from falconql.syntax.formatter import format_query, format_source

__all__ = ["ParseResult", "format_query", "format_source", "parse", "parse_tolerant"]


def __getattr__(name: str) -> Any:
    # A check prints nothing back, so it does not pay for the formatter.
    if name in ("format_query", "format_source"):
        from falconql.syntax import formatter

        return getattr(formatter, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
