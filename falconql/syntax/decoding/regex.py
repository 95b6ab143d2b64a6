"""Regular expressions of terminals as grammar over characters.

Python's own parser reads them. ``\\w`` becomes the letters of the commonest scripts and not all of Unicode's:
what is generated from the result the terminal accepts, which is what decoding needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from re import _constants as op
from re import _parser
from typing import Any

from falconql.syntax.decoding import model

_DIGITS = (("0", "9"),)
_LETTERS = (
    ("A", "Z"),
    ("a", "z"),
    ("\u00c0", "\u00d6"),
    ("\u00d8", "\u00f6"),
    ("\u00f8", "\u02af"),
    ("\u0386", "\u0386"),
    ("\u0388", "\u038a"),
    ("\u0391", "\u03a1"),
    ("\u03a3", "\u03ff"),
    ("\u0400", "\u0481"),
    ("\u048a", "\u052f"),
    ("\u05d0", "\u05ea"),
    ("\u0620", "\u064a"),
    ("\u3041", "\u3096"),
    ("\u30a1", "\u30fa"),
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\uac00", "\ud7a3"),
)
_WORD = (*_DIGITS, ("_", "_"), *_LETTERS)
_CATEGORIES = {op.CATEGORY_DIGIT: _DIGITS, op.CATEGORY_WORD: _WORD}


def from_regex(pattern: str, flags: int = 0) -> model.Node:
    """Return what a regular expression matches; word boundaries are dropped.

    Raises:
        ValueError: it uses what a grammar cannot say (look-around, back references).
    """
    return _sequence(_parser.parse(pattern, flags))


def _sequence(items: Iterable[tuple[Any, Any]]) -> model.Node:
    parts = [part for kind, value in items if (part := _part(kind, value)) is not None]
    return parts[0] if len(parts) == 1 else model.Sequence(tuple(parts))


def _part(kind: Any, value: Any) -> model.Node | None:
    if kind is op.LITERAL:
        return model.Literal(chr(value))
    if kind is op.NOT_LITERAL:
        return model.Chars(((chr(value), chr(value)),), negated=True)
    if kind is op.ANY:
        return model.Chars((("\n", "\n"),), negated=True)
    if kind is op.IN:
        return _chars(value)
    if kind is op.SUBPATTERN:
        return _sequence(value[3])
    if kind is op.BRANCH:
        return model.Choice(tuple(_sequence(branch) for branch in value[1]))
    if kind is op.MAX_REPEAT:
        least, most, body = value
        return model.Repeat(_sequence(body), least, None if most is op.MAXREPEAT else most)
    if kind is op.AT and value is op.AT_BOUNDARY:
        return None
    raise ValueError(f"a grammar cannot say {kind} in a regular expression")


def _chars(items: Sequence[tuple[Any, Any]]) -> model.Chars:
    negated = items[0][0] is op.NEGATE
    ranges: list[tuple[str, str]] = []
    without: list[tuple[str, str]] = []
    for kind, value in items[1:] if negated else items:
        if kind is op.LITERAL:
            ranges.append((chr(value), chr(value)))
        elif kind is op.RANGE:
            ranges.append((chr(value[0]), chr(value[1])))
        elif kind is op.CATEGORY and value in _CATEGORIES:
            ranges.extend(_CATEGORIES[value])
        elif kind is op.CATEGORY and value is op.CATEGORY_NOT_WORD and negated:
            without.extend(_WORD)
        else:
            raise ValueError(f"a grammar cannot say {kind} {value} in a class")
    if without:
        # [^\W\d]: neither a character outside words nor a digit, so a word's characters less the others.
        return model.Chars(tuple(r for r in without if r not in ranges))
    return model.Chars(tuple(ranges), negated)
