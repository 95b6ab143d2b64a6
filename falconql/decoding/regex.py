"""Regular expressions as grammar over characters. Python's own parser reads them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from falconql.decoding import charset
from falconql.decoding.charset import Ranges
from falconql.decoding.model import EMPTY, Chars, Literal, Node, choice, repeat, seq

_CATEGORIES = {"CATEGORY_WORD": r"\w", "CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s"}


def from_regex(pattern: str, flags: int = 0) -> Node:
    """Return what a regular expression matches; a word boundary is left to what stands around it.

    Raises:
        ValueError: it uses what a grammar cannot say: look-around, back references, anchors.
    """
    return _sequence(import_module("re._parser").parse(pattern, flags))


def _sequence(items: Iterable[tuple[Any, Any]]) -> Node:
    return seq(*(_part(str(kind), value) for kind, value in items))


def _part(kind: str, value: Any) -> Node:
    match kind:
        case "LITERAL":
            return Literal(chr(value))
        case "NOT_LITERAL":
            return Chars(charset.outside(((value, value),)))
        case "ANY":
            return Chars(charset.outside(charset.of("\n")))
        case "IN":
            return Chars(_class([(str(kind), value) for kind, value in value]))
        case "SUBPATTERN":
            return _sequence(value[3])
        case "BRANCH":
            return choice(_sequence(branch) for branch in value[1])
        case "MAX_REPEAT":
            least, most, body = value
            return repeat(_sequence(body), least, None if str(most) == "MAXREPEAT" else most)
        case "AT" if str(value) == "AT_BOUNDARY":
            return EMPTY
    raise ValueError(f"a grammar cannot say {kind} {value}")


def _class(items: list[tuple[str, Any]]) -> Ranges:
    negated = items[0][0] == "NEGATE"
    ranges = charset.union(_members(kind, value) for kind, value in items[negated:])
    return charset.outside(ranges) if negated else ranges


def _members(kind: str, value: Any) -> Ranges:
    match kind:
        case "LITERAL":
            return ((value, value),)
        case "RANGE":
            return (value,)
        case "CATEGORY":
            name = str(value)
            found = charset.matching(_CATEGORIES[name.replace("_NOT_", "_")])
            return charset.outside(found) if "_NOT_" in name else found
    raise ValueError(f"a grammar cannot say {kind} {value} in a class")
