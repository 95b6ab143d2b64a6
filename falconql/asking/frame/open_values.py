"""Names that an instruction says for a column of many texts: assigned to IBM, sender contains enron."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import cue, perhaps_said, said_for, said_values, stem, words
from falconql.asking.frame.rows import ROWS
from falconql.asking.frame.stems import root
from falconql.types import TEXT

# A quoted text, a name with a capital letter, or what something contains.
_NAME = re.compile(
    r"[\"\u201c\u2018'](?P<quoted>[^\"\u201d\u2019']{2,60})[\"\u201d\u2019']|"
    r"\bcontain(?:s|ing)? (?:the word )?(?!(?:an?|the|any|no|some|one|his|her|their)\b)(?P<held>[\w.@-]+)|"
    r"(?<![.!?] )(?<!^)\b(?P<proper>[A-Z][\w.'-]*(?: [A-Z][\w.'-]*)*)"
)
_TIMES = frozenset(f"{cue('months').pattern}|monday|tuesday|wednesday|thursday|friday|saturday|sunday|i".split("|"))
_MENTIONS = cue("mentions")
# In words between what a column is called and the name.
_NEAR = 3


def open_values(corpus: Corpus, instruction: str) -> dict[str, tuple[str, ...]]:
    """Return by column of many texts the names that an instruction says for it: seen ones, and such as stand by it."""
    found = {c.name: seen for c in corpus.columns if _is_open(c, corpus) and (seen := said_values(c, instruction))}
    taken = {word for c in corpus.columns for v in said_values(c, instruction) for word in words(v)}
    for said, name in _names(instruction, taken):
        able = [column.name for column in corpus.columns[1:] if _is_open(column, corpus)]
        if len(able) == 1 and name["proper"] and re.search(r"\bby $", instruction[: name.start()]):
            found.setdefault(able[0], (said,))
            continue
        near = {
            column.name: distance
            for column in corpus.columns
            if _is_open(column, corpus)
            and (distance := _distance(column, corpus, instruction[: name.start()])) <= _NEAR
        }
        if near:
            found.setdefault(min(near, key=near.__getitem__), (said,))
    return found


def possible_values(
    corpus: Corpus, instruction: str, certain: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return by column the names that may be its own, where an instruction has no certain one for it."""
    taken = {word for c in corpus.columns for v in said_values(c, instruction) for word in words(v)}
    taken |= {word for values in certain.values() for value in values for word in words(value)}
    # What a text mentions is in the text.
    named = [(said, instruction[: name.start()]) for said, name in _names(instruction, taken) if not name["held"]]
    said = tuple(dict.fromkeys(said for said, before in named if not _MENTIONS.search(before)))
    able = [c for c in corpus.columns if c.type == TEXT and c.name != corpus.text and c.name not in certain]
    found = {c.name: seen for c in able if not said_values(c, instruction) and (seen := perhaps_said(c, instruction))}
    others = [c.name for c in able if _is_open(c, corpus) and c != corpus.columns[0]]
    return (dict.fromkeys(others, said) if said else {}) | found


def _names(instruction: str, taken: Collection[str]) -> Iterator[tuple[str, re.Match[str]]]:
    for name in _NAME.finditer(instruction):
        said = name["quoted"] or name["held"] or name["proper"]
        if words(said) and not set(words(said)) & {*taken, *_TIMES}:
            yield said, name


def _is_open(column: Column, corpus: Corpus) -> bool:
    return column.type == TEXT and not column.closed and not column.is_long and column.name != corpus.text


def _distance(column: Column, corpus: Corpus, before: str) -> float:
    """Return how many words stand between a name and what the column is called before it."""
    # "Songs by Cash" is about no song called Cash; a column that only says which row it is may hold names all the same.
    rows = ROWS | {stem(word) for word in words(f"{corpus.name} {corpus.text or ''}")}
    names = {form for word in words(column.name) for form in (stem(word), root(word))}
    names |= {word[:5] for word in words(column.name) if len(word) > 5}
    called = [
        place
        for place, word in enumerate(reversed(words(before)))
        if stem(word) not in rows and ({stem(word), root(word), word[:5]} & names or stem(word) in said_for(column))
    ]
    return min(called, default=float("inf"))
