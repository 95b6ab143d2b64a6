"""What is counted or averaged, and by which columns, as far as the words tell."""

from __future__ import annotations

import re

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import cue, mentioned, said_for, said_values, stem, words
from falconql.asking.frame.conditions import holds_years, numbers_the_rows
from falconql.asking.frame.quantities import date_slots
from falconql.asking.frame.rows import PERIODS, row_nouns
from falconql.asking.frame.stems import root
from falconql.syntax.printer import name_text
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP

_GROUPED = cue("grouped")
# Per kind, year and month; a comma alone may begin something else: per kind, published since 2020.
_FURTHER = re.compile(r"(?:(?:,\s+\w+)+,?)?\s+and\s+(?:(?:per|by|the|each|every)\s+)*\w+", re.IGNORECASE)
_NOUN = re.compile(
    r"(?:,|\band\b)\s+(?:(?:and|per|by|the|each|every)\s+)*(?!(?:which|what|how|who)\b)(\w+)", re.IGNORECASE
)
_ROWS_BY = re.compile(r"(?:the |all )?(\w+) (?:by|per) (\w+)(?: and (\w+))?[.?]?", re.IGNORECASE)
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

_DAYS_OF_THE_WEEK = re.compile(r"\bdays?[ -]of[ -](?:the |a )?week\b", re.IGNORECASE)
_QUARTERS_OF_HOURS = re.compile(r"\bquarters?[ -](?:of an )?hours?\b", re.IGNORECASE)


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
    """Return what rows are grouped by, as a query writes it; nothing where no column is named and no period.

    Args:
        corpus: the table.
        instruction: what was asked.
        ranked: a noun whose groups are ranked.
    """
    found: list[str] = []
    for behind in [[ranked]] if ranked else _named_groups(instruction):
        if any(said_values(column, behind[0]) for column in corpus.columns):
            continue  # by the Green party
        parts = _parts_of_date(corpus, instruction, behind[0])
        if parts:
            found += parts
            continue
        able = [c for c in corpus.columns if _groups(c, corpus)]
        named = [c for c in able if _is_named(c, behind[0])]
        named = named or [c for c in able if any(_is_named(c, word) for word in behind)]
        named = named or [c for c in able if stem(behind[0]) in said_for(c)]
        if len(named) == 1:
            found.append(name_text(named[0].name))
    return tuple(dict.fromkeys(found))


def _named_groups(instruction: str) -> list[list[str]]:
    """Return the nouns of groups, each with the word behind it: per year and position."""
    found = []
    for grouped in _GROUPED.finditer(instruction):
        starts = [grouped.start(1)]
        if further := _FURTHER.match(instruction, grouped.end()):
            starts += [noun.start(1) for noun in _NOUN.finditer(instruction, *further.span())]
        named = [(words(instruction[start:])[:2], start == starts[0]) for start in starts]
        # Per kind and average price asks for a number beside the kinds.
        found += [nouns for nouns, is_first in named if is_first or not computes(" ".join(nouns))]
    return [nouns for nouns in found if nouns]


def counts_groups(corpus: Corpus, instruction: str) -> bool:
    """Return whether rows are named with nothing but groups, which asks how many there are: complaints by region."""
    named = _ROWS_BY.fullmatch(instruction.strip())
    if named is None or stem(named[1].lower()) not in row_nouns(corpus):
        return False
    nouns = [noun.lower() for noun in named.groups()[1:] if noun]
    kinds = [c for c in corpus.columns if c.type == TEXT and c.closed]
    known = [noun in PERIODS or any(_is_named(column, noun) for column in kinds) for noun in nouns]
    return all(known) and bool(groups(corpus, instruction))


def by_period(corpus: Corpus, instruction: str) -> bool:
    """Return whether rows are grouped by parts of a date."""
    return any(_parts_of_date(corpus, instruction, named[0]) for named in _named_groups(instruction))


def _parts_of_date(corpus: Corpus, instruction: str, noun: str) -> tuple[str, ...]:
    """Return the parts of the only date, or the only one spoken of, as a query writes them; none for other nouns."""
    period = noun.removesuffix("s")
    dated = [column for column in corpus.columns if column.type in (DATE, TIMESTAMP)]
    if len(dated) > 1:
        spoken = mentioned(corpus, instruction)
        dated = [column for column in dated if column.name in spoken]
    own = [c for c in corpus.columns if _is_named(c, period) and (holds_years(c) or words(c.name) == [period])]
    if period not in PERIODS or len(dated) != 1 or own:
        return ()
    name, parts = name_text(dated[0].name), PERIODS[period]
    if period == "hour" and dated[0].type == DATE:
        return ()
    if period == "quarter" and _QUARTERS_OF_HOURS.search(instruction):
        return ()
    if period == "day" and _DAYS_OF_THE_WEEK.search(instruction):
        return (f"weekday({name})",)
    whole = parts[-2] if len(parts) > 1 else ""
    if whole and re.search(rf"\b{period}s? of the {whole}\b", instruction, re.IGNORECASE):
        return (f"{period}({name})",)
    if period == "day" and dated[0].type == DATE:
        return (name,)
    if len(parts) == 2 and _is_in_one_year(instruction):
        parts = (period,)
    return tuple(f"{part}({name})" for part in parts)


def _is_in_one_year(instruction: str) -> bool:
    """Return whether the time that is spoken of begins and ends in the same year: in 2024, but not since 2024."""
    tests = [test for slot in date_slots(instruction) for test in slot]
    first, last = ({day[:4] for sign, day in tests if sign == bound} for bound in (">=", "<="))
    return first == last and len(first) == 1


def _groups(column: Column, corpus: Corpus) -> bool:
    return (
        column.name != corpus.text
        and not column.is_long
        and (column.type != TEXT or not numbers_the_rows(column, corpus))
    )


def _is_named(column: Column, word: str) -> bool:
    return bool({stem(word), root(word)} & {form for name in words(column.name) for form in (stem(name), root(name))})
