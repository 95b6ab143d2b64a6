"""By which column rows are sorted and in which direction, and how many are wanted, as far as the words tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import content_words, cue, said_for, stem, vocabulary, words
from falconql.asking.frame.conditions import holds_years, numbers_the_rows
from falconql.asking.frame.rows import PEOPLE, row_nouns
from falconql.asking.frame.stems import root
from falconql.types import DATE, FLOAT, INT, TIMESTAMP

_BY = re.compile(r"\b(?:sort\w*|order\w*|rank\w*|arrang\w*) (?:them )?(?:by|on) ([^,;:.]+)", re.IGNORECASE)
_DESCENDING = re.compile(
    r"\b(?:descending|(?:from )?(?:high\w*|large\w*|big\w*|most|best|new\w*|long\w*) to "
    r"(?:low|small|few|least|worst|old|short))",
    re.IGNORECASE,
)
_ASCENDING = re.compile(
    r"\b(?:ascending|(?:from )?(?:low\w*|small\w*|few\w*|least|worst|old\w*|short\w*) to "
    r"(?:high|large|big|most|best|new|long))",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\b\w+(?: \w+)? first\b", re.IGNORECASE)
_UP, _DOWN = frozenset(vocabulary("ascending")), frozenset(vocabulary("descending"))
_SIZE = frozenset(("largest", "biggest", "smallest", "highest", "lowest", "longest", "shortest"))
# The cheapest stays are not sorted by what is called so.
_OF_PRICE = frozenset(("cheapest", "priciest", "costliest", "dearest"))
_NEW, _OLD = frozenset(vocabulary("newest")), frozenset(vocabulary("oldest"))
# How many words behind "most" or "highest" may name the column.
_BEHIND = 3


_SO_MANY = re.compile(
    r"(?P<many>\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten) "
    r"(?:(?:random|example|sample|such) )*(?P<what>[a-z]+)",
    re.IGNORECASE,
)
# The first five mails may be those that come first in the file.
_FIRST_ROWS = re.compile(r"^(?:[a-z]+ ){0,3}(?:first|last) (?:\d+|[a-z]+)\b", re.IGNORECASE)
_POLITE, _SORTED, _ORDER = cue("polite"), cue("sorted"), cue("order")
Need = Literal["no", "may", "must"]


@dataclass(frozen=True, slots=True)
class Ordering:
    """How rows are sorted.

    Attributes:
        columns: those that may decide; empty leaves it open.
        descending: None leaves it open.
    """

    columns: tuple[str, ...] = ()
    descending: bool | None = None


def ordering(corpus: Corpus, instruction: str) -> Ordering:
    """Return what the words say of how rows are sorted."""
    able = [c for c in corpus.columns if c.type in (INT, FLOAT, DATE, TIMESTAMP) and not numbers_the_rows(c, corpus)]
    said = words(instruction)
    way: bool | None = True if _DESCENDING.search(instruction) else False if _ASCENDING.search(instruction) else None
    if by := _BY.search(instruction):
        named = [c.name for c in able if any(_is_said(c, word) for word in words(by[1]))]
        first = _FIRST.search(instruction)
        return Ordering(tuple(named), way_of(f"{by[1]} {first[0] if first else ''}", way))
    dated = [c for c in able if c.type in (DATE, TIMESTAMP) or holds_years(c)]
    bracketed = [word for found in re.findall(r"\(([^()]*)\)", instruction) for word in words(found)]
    for place, word in enumerate(said):
        if place and said[place - 1] == "at":
            continue  # at least, at most
        aged = [c for c in able if c not in dated and stem(word) in said_for(c)]
        if word == "oldest" and aged and (not dated or _is_of_people(said[place + 1 :])):
            return Ordering(tuple(c.name for c in aged), True if way is None else way)
        if word in _NEW | _OLD and dated:
            return Ordering(tuple(c.name for c in dated), word in _NEW if way is None else way)
        if word in _UP | _DOWN:
            behind = said[place + 1 : place + 1 + _BEHIND] if word not in _OF_PRICE else []
            named = [c.name for c in able if any(_is_said(c, other) for other in behind)]
            named = named or [c.name for c in able if stem(word) in said_for(c)]
            numbers = [c.name for c in able if c not in dated]
            named = named or (numbers if len(numbers) == 1 and word in _SIZE else [])
            # The five biggest (units sold).
            named = named or [c.name for c in able if any(_is_said(c, other) for other in bracketed)]
            if named:
                return Ordering(tuple(named), word in _DOWN if way is None else way)
    return Ordering((), way)


def without_order(instruction: str) -> str:
    """Return an instruction without a last sentence or clause that only says how rows are sorted: Newest first."""
    return re.sub(r"[,.;]\s*(?:the |with the )?\w+(?: [\w-]+){0,2} first[\s.]*$", "", instruction, flags=re.IGNORECASE)


def _is_of_people(behind: list[str]) -> bool:
    return any(stem(word) in PEOPLE for word in behind[:2])


def way_of(said: str, way: bool | None = None) -> bool | None:
    """Return whether a superlative puts the most first, another way if there is none."""
    for word in words(said):
        if word in _DOWN | _NEW:
            return True
        if word in _UP | _OLD:
            return False
    return way


def _is_said(column: Column, word: str) -> bool:
    # "On", of `acquired_on`, says nothing.
    names = {form for name in words(column.name) if content_words(name) for form in (stem(name), root(name))}
    return bool({stem(word), root(word)} & names) or stem(word) in said_for(column)


def so_many(corpus: Corpus, instruction: str) -> tuple[int, ...]:
    """Return how many rows are asked for where nothing says which: 10 reviews, any five mails about noise."""
    found = _SO_MANY.match(_POLITE.sub("", instruction))
    number = _digits_of(found["many"]) if found and stem(found["what"].lower()) in row_nouns(corpus) else 0
    return (number,) if 0 < number < 1500 else ()


def _digits_of(said: str) -> int:
    number = stem(said)
    return int(number) if number.isdigit() else 0


def is_ordered(instruction: str, certain: bool) -> Need:
    """Return whether there is an order, ``certain`` where something else says so."""
    if certain and not _FIRST_ROWS.search(instruction):
        return "must"
    if _SORTED.search(instruction):
        return "must"
    return "may" if certain or _ORDER.search(instruction) else "no"
