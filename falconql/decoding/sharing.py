"""Long sets of characters written once: the letters and digits of all scripts are hundreds of ranges."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from falconql.decoding import charset
from falconql.decoding.charset import Ranges
from falconql.decoding.model import Chars, Node, Ref, choice, rewrite

_LONG = 24
_ASCII: Ranges = ((0, 127),)
# What each is called, and what it is: the part of the set outside ASCII.
_NAMED = {"WORD_BEYOND": r"\w", "LETTER_BEYOND": r"[^\W\d]", "DIGIT_BEYOND": r"\d"}


def with_shared_sets(rules: Mapping[str, Node]) -> dict[str, Node]:
    """Return rules with what long sets have beyond ASCII as terminals of their own."""
    beyond = _beyond()

    def split(node: Node) -> Node:
        if not isinstance(node, Chars) or len(node.ranges) < _LONG:
            return node
        name = beyond.get(_core(node.ranges))
        if name is None:
            return node
        near = charset.minus(node.ranges, _core(node.ranges))
        return choice([Chars(near), Ref(name)]) if near else Ref(name)

    return {name: rewrite(node, split) for name, node in rules.items()} | {
        name: Chars(ranges) for ranges, name in beyond.items()
    }


@cache
def _beyond() -> dict[Ranges, str]:
    return {_core(charset.matching(pattern)): name for name, pattern in _NAMED.items()}


def _core(ranges: Ranges) -> Ranges:
    """Return the part of a set outside ASCII, without the letters that ignoring case makes ASCII ones."""
    near = charset.union([_ASCII, charset.matching("[a-z]", ignore_case=True)])
    return charset.minus(ranges, near)
