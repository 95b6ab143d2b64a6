"""Sets of characters as ranges of code points, in order, none touching the next."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

Ranges = tuple[tuple[int, int], ...]

LAST = 0x10FFFF
# Half characters of UTF-16: no text has them.
_SURROGATES = ((0xD800, 0xDFFF),)


def of(characters: str) -> Ranges:
    """Return the set of some characters."""
    return union([((ord(char), ord(char)),) for char in characters])


def span(first: str, last: str) -> Ranges:
    """Return the characters from one to another."""
    return union([((ord(first), ord(last)),)])


def union(sets: Iterable[Iterable[tuple[int, int]]]) -> Ranges:
    """Return what is in any of the sets."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def outside(ranges: Ranges) -> Ranges:
    """Return every character that is not in a set."""
    found, low = [], 0
    for first, last in union([ranges, _SURROGATES]):
        if low < first:
            found.append((low, first - 1))
        low = last + 1
    return (*found, (low, LAST)) if low <= LAST else tuple(found)


def minus(ranges: Ranges, other: Ranges) -> Ranges:
    """Return what is in a set but not in another."""
    return outside(union([outside(ranges), other]))


def common(ranges: Ranges, other: Ranges) -> Ranges:
    """Return what is in both sets."""
    return minus(ranges, outside(other))


def has(ranges: Ranges, char: str) -> bool:
    """Return whether a character is in a set."""
    return any(low <= ord(char) <= high for low, high in ranges)


@cache
def matching(pattern: str, *, ignore_case: bool = False) -> Ranges:
    """Return the characters that a regular expression of one character matches."""
    runs = re.finditer(f"(?:{pattern})+", _every_character(), re.IGNORECASE if ignore_case else 0)
    return minus(tuple((run.start(), run.end() - 1) for run in runs), _SURROGATES)


@cache
def _every_character() -> str:
    return "".join(map(chr, range(LAST + 1)))
