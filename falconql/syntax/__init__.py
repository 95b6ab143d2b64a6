"""Query text to syntax tree and back."""

from __future__ import annotations

from falconql.syntax.parser import ParseResult, parse, parse_tolerant

__all__ = ["ParseResult", "parse", "parse_tolerant"]
