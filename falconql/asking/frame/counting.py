"""What is counted or averaged, and by which columns, as far as the words tell."""

from __future__ import annotations

import re

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import cue, said_for, said_values, stem, words
from falconql.asking.frame.conditions import numbers_the_rows
from falconql.asking.frame.stems import root
from falconql.syntax.printer import name_text
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP

_GROUPED = cue("grouped")
_COUNTED = re.compile(r"\b(?:how many|number of|counts?)\b", re.IGNORECASE)
_COMPUTED = re.compile(
    r"\b(?:(?P<avg>averages?|mean)|(?P<sum>totals?|sum of)|"
    r"(?:(?P<max>maximum|highest|most recent|latest)|(?P<min>minimum|lowest|earliest))"
    r"(?! (?:average|mean|total|number|share)\b))\b"
    r"(?: of)?(?: the)?(?: number of| amount of)? (?P<what>[\w-]+(?: [\w-]+)?)",
    re.IGNORECASE,
)
# Pages released in total, waiting time on average.
_COMPUTED_BEHIND = re.compile(
    r"\b(?P<what>[\w-]+(?: [\w-]+)?),? (?:(?P<sum>in total|altogether|all told)|(?P<avg>on average))\b", re.IGNORECASE
)
_SHARE_OF = re.compile(
    r"\b(?:share|fraction|percentage|proportion|percent) (?:of|(?:that|which) (?:is|are|was|were|has|have)) "
    r"(?:(?:the|those|being|been) )*(?P<denied>not )?(?P<what>[\w-]+)",
    re.IGNORECASE,
)


def aggregates(corpus: Corpus, instruction: str) -> tuple[str, ...]:
    """Return what is computed over rows, as queries write it; nothing where the words leave that open."""
    found: list[str] = []
    for computed in (*_COMPUTED.finditer(instruction), *_COMPUTED_BEHIND.finditer(instruction)):
        said = {name for name, words_ in computed.groupdict().items() if words_}
        kinds = (INT, FLOAT) if said & {"avg", "sum"} else (INT, FLOAT, DATE, TIMESTAMP)
        able = [c for c in corpus.columns if c.type in kinds and not numbers_the_rows(c, corpus)]
        named = [c for c in able if any(_is_named(c, word) for word in words(computed["what"]))]
        named = named or [c for c in able if any(stem(word) in said_for(c) for word in words(computed["what"]))]
        function = next(name for name in ("avg", "sum", "max", "min") if name in said)
        if len(named) == 1:
            found.append(f"{function}({named[0].name})")
        elif function in ("avg", "sum"):
            return ()
    counted = _COUNTED.search(instruction)
    within = (
        any(computed.start() <= counted.start() < computed.end() for computed in _COMPUTED.finditer(instruction))
        if counted
        else False
    )
    if counted and not within:
        found.insert(0, "count()")
    return tuple(dict.fromkeys((*found, *column_shares(corpus, instruction).values())))


def column_shares(corpus: Corpus, instruction: str) -> dict[str, str]:
    """Return by column of yes and no the share of rows for which it holds, where that is asked: the share of paid."""
    found: dict[str, str] = {}
    for share in _SHARE_OF.finditer(instruction):
        for column in corpus.columns:
            if column.type == BOOL and any(_is_named(column, word) for word in words(share["what"])):
                found[column.name] = f"share({'not ' if share['denied'] else ''}{name_text(column.name)})"
    return found


def computes(instruction: str) -> bool:
    """Return whether the words speak of numbers of rows, averages, sums or extremes."""
    return any(pattern.search(instruction) for pattern in (_COUNTED, _COMPUTED, _COMPUTED_BEHIND))


def groups(corpus: Corpus, instruction: str, ranked: str = "") -> tuple[str, ...]:
    """Return the columns by which rows are grouped; nothing where none is named.

    Args:
        corpus: the table.
        instruction: what was asked.
        ranked: a noun whose groups are ranked.
    """
    found: list[str] = []
    named_groups = [words(instruction[grouped.start(1) :])[:2] for grouped in _GROUPED.finditer(instruction)]
    for behind in [[ranked]] if ranked else named_groups:
        if any(said_values(column, behind[0]) for column in corpus.columns):
            continue  # by the Green party
        named = [
            c.name for c in corpus.columns if _groups(c, corpus) and any(_is_named(c, word) for word in behind[:1])
        ]
        named = named or [c.name for c in corpus.columns if _groups(c, corpus) and any(_is_named(c, w) for w in behind)]
        named = named or [c.name for c in corpus.columns if _groups(c, corpus) and stem(behind[0]) in said_for(c)]
        if len(named) == 1:
            found += named
    return tuple(dict.fromkeys(found))


def _groups(column: Column, corpus: Corpus) -> bool:
    return (
        column.name != corpus.text
        and not column.is_long
        and (column.type != TEXT or not numbers_the_rows(column, corpus))
    )


def _is_named(column: Column, word: str) -> bool:
    return bool({stem(word), root(word)} & {form for name in words(column.name) for form in (stem(name), root(name))})
