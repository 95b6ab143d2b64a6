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

from falconql.asking.evidence import cue, rewordings

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
    if first >= last or (" and " in found["joint"] and last != first + 1):
        return found[0]
    behind = re.search(r"\b(?:between|from|of|in|during)(?: the)?\s*$", found.string[: found.start()], re.IGNORECASE)
    said = behind[0].split()[0].lower() if behind else ""
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
