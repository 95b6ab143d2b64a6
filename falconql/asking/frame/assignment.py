"""Which column each number of an instruction is for: the one that is named nearest to it, or that alone can hold it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import said_for, stem, words
from falconql.asking.frame.conditions import comparable, holds_years, numbers_the_rows
from falconql.asking.frame.quantities import Number, Slot, either_numbers, in_units, numbers, unit_of, years_in
from falconql.asking.frame.stems import root
from falconql.types import BOOL, DATE, FLOAT, INT, TIMESTAMP

# In words: how near a name has to be, and how much nearer than one of the words that people say for it.
_NEAR = 5.0
_BESIDE = 2.0
_SAID_FOR = 1.5
_MONEY = frozenset("price cost fee salary wage pay rent fare budget revenue profit damage usd eur gbp".split())  # noqa: SIM905
_BETWEEN = re.compile(r"\bbetween \S+ and\b", re.IGNORECASE)
_BREAK = re.compile(r"[,;:.](?!\d)|\b(?:and|or|but)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Conditions on numbers.

    Attributes:
        slots: by column, each condition as the ways to write it.
        left: the numbers of which no column is certain.
    """

    slots: Mapping[str, tuple[Slot, ...]]
    left: tuple[str, ...] = ()


def assigned_numbers(corpus: Corpus, instruction: str, limits: Iterable[int]) -> Assignment:
    """Return which column each number of an instruction is for; how many rows there may be is for none."""
    rows = {str(limit) for limit in limits}
    dated = any(c.type in (DATE, TIMESTAMP) for c in corpus.columns) and not any(map(holds_years, corpus.columns))
    years = set(years_in(instruction)) if dated else set()
    found: dict[str, list[Slot]] = {}
    left: list[str] = []
    pairs = either_numbers(instruction)
    for place, said in _by_place(numbers(instruction)):
        if said[0].value in rows or {place, place - 1} & years:
            continue
        column = _column_of(corpus, instruction, place, said)
        if column is None:
            left += [number.value for number in said]
        elif pair := next((pair for pair in pairs if said[0].value in pair), None):
            one_of = (("in", f"({', '.join(pair)})"),)
            if one_of not in found.setdefault(column.name, []):
                found[column.name].append(one_of)
        else:
            unit = unit_of(words(column.name))
            tests = [(sign, number.in_unit(unit)) for number in in_units(said, unit) for sign in number.signs]
            fitting = comparable(column, [value for _, value in tests], corpus)
            slot = tuple(dict.fromkeys(test for test in tests if test[1] in fitting))
            found.setdefault(column.name, []).append(slot)
    return Assignment({name: tuple(slots) for name, slots in found.items()}, tuple(left))


def shared_by(numbers: Assignment, alternatives: Sequence[str]) -> Assignment:
    """Return the conditions with those of one alternative for both: the home team or the away team scored four."""
    own = [numbers.slots[name] for name in alternatives if name in numbers.slots]
    if len(own) != 1:
        return numbers
    return Assignment({**numbers.slots, **dict.fromkeys(alternatives, own[0])}, numbers.left)


def _by_place(said: Iterable[Number]) -> list[tuple[int, list[Number]]]:
    places: dict[int, list[Number]] = {}
    for number in said:
        places.setdefault(number.place, []).append(number)
    return sorted(places.items())


def _column_of(corpus: Corpus, instruction: str, place: int, said: list[Number]) -> Column | None:
    able = [
        column
        for column in corpus.columns
        if column.type in (INT, FLOAT)
        and not numbers_the_rows(column, corpus)
        and comparable(column, [n.in_unit(unit_of(words(column.name))) for n in said], corpus)
    ]
    # "Over 48 hours" is for the column of hours, whatever the words beside it.
    measured = [
        c for c in able if (unit := unit_of(words(c.name))) and any(n.unit and n.unit[0] == unit[0] for n in said)
    ]
    if len(measured) == 1:
        return measured[0]
    # "No" and "without" deny what follows at once.
    none = said[0].value == "0"
    if none:
        # "Nobody answered" is a column of yes and no, where there is one.
        yes_no = {stem(word) for c in corpus.columns if c.type == BOOL for word in words(c.name)}
        able = [c for c in able if not yes_no & {stem(word) for word in words(c.name)}]
    reach, since = (_BESIDE, place) if none else (_NEAR, 0)
    distances = sorted((min(_distances(column, instruction, place, since)), column.name) for column in able)
    near = [(distance, name) for distance, name in distances if distance <= reach]
    if near and (len(near) == 1 or near[0][0] < near[1][0]):
        return corpus.column(near[0][1])
    if near or none:
        return None
    if re.search(r"[$€£]\s*$", instruction[:place]) or re.match(r"[\d,.]+ ?(?:k\b|[$€£])", instruction[place:]):
        able = [column for column in able if {stem(word) for word in words(column.name)} & {stem(w) for w in _MONEY}]
    return able[0] if len(able) == 1 else None


def _distances(column: Column, instruction: str, place: int, since: int) -> Iterator[float]:
    """Yield how far from a place a column is spoken of, in words, from another place on; infinity in the end."""
    names = {stem(word) for word in words(column.name)} | {root(word) for word in words(column.name)}
    others = said_for(column)
    for found in re.finditer(r"[^\W\d_]+", instruction.lower()):
        own = bool({stem(found[0]), root(found[0])} & names)
        if found.start() >= since and (own or stem(found[0]) in others):
            between = _BETWEEN.sub("", instruction[min(place, found.end()) : max(place, found.start())])
            apart = len(between.split()) + 4 * len(_BREAK.findall(between))
            yield apart + (0 if own else _SAID_FOR)
    yield float("inf")
