"""One wording for many: what people say in several ways is put in the one that the rules of ``frame`` know.

::

    "Hi, could you please show me reviews from 1 May 2022 to 31 May 2022? Leave out refunds. Thanks!"
    "show me reviews from 2022-05-01 to 2022-05-31. except refunds"

Dates become ISO dates, greetings go, and of the ways to leave something out, to go through things one by one and
to wish for something one each is left (``rewordings`` in the vocabulary). English only; what is not known stays.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import (
    actions,
    content_words,
    cue,
    rewordings,
    stem,
    stems_of,
    vocabulary,
    words,
    yes_no_phrases,
)
from falconql.types import BOOL

_MONTHS = tuple(cue("months").pattern.split("|"))
_MONTH = r"(?P<month{0}>" + "|".join(f"{name[:3]}(?:{name[3:]}|t)?" for name in _MONTHS) + r")\.?"
_DAY = r"(?:the )?(?P<day{0}>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:1[5-9]|20)\d\d)"
_ONE = _MONTH.format("")
_RANGE = r"(?P<joint>\s+(?:and|to|until|till|through)\s+(?:the )?|\s?(?:-|\u2013)\s?)"


def plain_wording(instruction: str) -> str:
    """Return an instruction in the wording that rules read; one that already is in it stays the same."""
    text = " ".join(instruction.replace("\u2019", "'").split())
    for pattern, reworded in _TIMES:
        text = pattern.sub(reworded, text)
    for pattern, said in rewordings():
        text = pattern.sub(said, text)
    return text.strip()


def column_wording(corpus: Corpus, instruction: str) -> str:
    """Return an instruction with columns of yes and no called by their names: failed, for not `passed`.

    Only where a part of the instruction says nothing else, and nowhere when it has the name of the column itself.
    """
    instruction = _RATE.sub(lambda found: _share_of(corpus, found), instruction)
    said = {stem(word) for word in words(instruction)}
    for column in corpus.columns:
        name = [word for word in words(column.name) if word not in _SMALL]
        if column.type != BOOL or not name or {stem(word) for word in name} <= said:
            continue
        for of, *ways in yes_no_phrases():
            if not {stem(word) for word in name} <= {stem(word) for word in of}:
                continue
            for phrase, prefix in zip(reversed(ways), ("not ", ""), strict=True):
                found = None if phrase is None else phrase.search(instruction)
                if found and _is_all_of_a_part(corpus, instruction, found):
                    called = f"{prefix}{' '.join(words(column.name))}"
                    before = _WHO.sub("", instruction[: found.start()])
                    return column_wording(corpus, before + called + instruction[found.end() :])
    return instruction


def _share_of(corpus: Corpus, rate: re.Match[str]) -> str:
    """Reword the pass rate, where a column of yes and no tells what passed."""
    for column in corpus.columns:
        if column.type == BOOL and stem(rate[1]) in map(stem, words(column.name)):
            return f"share of {' '.join(words(column.name))}"
    return rate[0]


def _is_all_of_a_part(corpus: Corpus, instruction: str, found: re.Match[str]) -> bool:
    """Return whether a part of an instruction has nothing but a phrase, words for rows, numbers and who did it."""
    cut = [match.span() for name in ("hard_boundary", "soft_boundary") for match in cue(name).finditer(instruction)]
    start = max((end for _, end in cut if end <= found.start()), default=0)
    end = min((begin for begin, _ in cut if begin >= found.end()), default=len(instruction))
    rest = content_words(instruction[start : found.start()] + " " + instruction[found.end() : end])
    rows = {stem(word) for word in words(f"{corpus.name} {corpus.text or ''}")}
    names = {stem(word) for c in corpus.columns for word in words(c.name)}
    known = (
        rows
        | names
        | stems_of("rows")
        | stems_of("people")
        | stems_of("roles")
        | stems_of("comparing")
        | stems_of("glue")
    )
    known |= {stem(word) for order in cue("order").findall(instruction) for word in words(order)}
    return not {word for word in rest - known - actions() if not word[0].isdigit()}


# Who did it: that the owner got back.
_WHO = re.compile(
    rf"(?:(?<=that )|(?<=which ))(?:the |its |their )?(?:{'|'.join((*vocabulary('roles'), *vocabulary('people')))}) $",
    re.IGNORECASE,
)
_RATE = re.compile(r"\b([a-z]+) rates?\b", re.IGNORECASE)
_SMALL = ("is", "has", "was", "made", "be", "been")


def _month(name: str) -> int:
    return next(place for place, month in enumerate(_MONTHS, 1) if month[:3] == name[:3].lower())


def _day(found: re.Match[str]) -> str:
    try:
        return str(dt.date(int(found["year"]), _month(found["month"]), int(found["day"])))
    except ValueError:
        return found[0]


def _days(found: re.Match[str]) -> str:
    """Reword 3 to 9 May 2022, and 28 April to 3 May 2022."""
    second = found["month2"]
    first = found.groupdict().get("month1") or second
    try:
        start = dt.date(int(found["year"]), _month(first), int(found["day1"]))
        end = dt.date(int(found["year"]), _month(second), int(found["day2"]))
    except ValueError:
        return found[0]
    behind = re.search(r"\b(?:between|from)\s*$", found.string[: found.start()], re.IGNORECASE)
    return f"{'' if behind else 'from '}{start}{_joint(found) if behind else ' to '}{end}"


def _months(found: re.Match[str]) -> str:
    """Reword April to June 2022, and May and June 2022."""
    year, first, last = int(found["year"]), _month(found["month1"]), _month(found["month2"])
    behind = re.search(r"\b(?:between|from|of|in|during)(?: the)?\s*$", found.string[: found.start()], re.IGNORECASE)
    said = behind[0].split()[0].lower() if behind else ""
    # "In May and July" are two months.
    if first >= last or (" and " in found["joint"] and last != first + 1 and said != "between"):
        return found[0]
    start = "" if said in ("between", "from") else "between "
    joint = " to " if said == "from" else " and "
    return f"{start}{dt.date(year, first, 1)}{joint}{dt.date(year, last, calendar.monthrange(year, last)[1])}"


def _part_of_year(found: re.Match[str]) -> str:
    """Reword the second quarter of 2022, Q2 2022 and the first half of 2022."""
    year, quarter, half = int(found["year"]), found["quarter"] or found["nth"], found["half"]
    if half:
        first, last = (1, 6) if half.lower() == "first" else (7, 12)
    else:
        number = (
            int(quarter) if quarter.isdigit() else ("first", "second", "third", "fourth").index(quarter.lower()) + 1
        )
        first, last = 3 * number - 2, 3 * number
    return f"between {dt.date(year, first, 1)} and {dt.date(year, last, calendar.monthrange(year, last)[1])}"


def _whole_month(found: re.Match[str]) -> str:
    return f"{_MONTHS[_month(found['month']) - 1].capitalize()} {found['year']}"


def _joint(found: re.Match[str]) -> str:
    return " and " if found["joint"].strip().lower() == "and" else " to "


_TIMES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reworded)
    for pattern, reworded in (
        (
            rf"\b{_DAY.format(1)}(?: {_MONTH.format(1)})?{_RANGE}"
            rf"{_DAY.format(2)}(?: of)? {_MONTH.format(2)},? {_YEAR}\b",
            _days,
        ),
        (rf"\b{_DAY.format('')}(?: of)? {_ONE},? {_YEAR}\b", _day),
        (rf"\b{_ONE} {_DAY.format('')},? {_YEAR}\b", _day),
        (rf"\b{_MONTH.format(1)}{_RANGE}{_MONTH.format(2)} (?:of )?{_YEAR}\b", _months),
        (
            r"(?:\b(?:in|during|of) )?(?:\bthe )?(?:\bq(?P<quarter>[1-4])(?: of)?|"
            rf"\b(?P<nth>first|second|third|fourth) quarter of|\b(?P<half>first|second) half of) {_YEAR}\b",
            _part_of_year,
        ),
        (rf"\b{_ONE} (?:of )?{_YEAR}\b", _whole_month),
    )
)
