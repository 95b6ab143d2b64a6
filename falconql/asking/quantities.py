"""Numbers and dates that an instruction says, as conditions may compare with them. Pure."""

from __future__ import annotations

import datetime as dt
import re

from falconql.asking.evidence import cue

_NUMBER = re.compile(r"(?<![\w.-])(\d[\d,]*(?:\.\d+)?)\s*(k|thousand|million|billion)?\b", re.IGNORECASE)
_SCALES = {"k": 10**3, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS = {word: value for value, word in enumerate(_SMALL)}
_WORDS |= {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12}
# What people say for a number of something else.
_SPANS = (
    (re.compile(r"\bhalf an hour\b", re.IGNORECASE), ("30", "0.5")),
    (re.compile(r"(?<!half )\ban hour\b", re.IGNORECASE), ("60", "1")),
    (re.compile(r"\ba week\b", re.IGNORECASE), ("7",)),
    (re.compile(r"\ba (?:month)\b", re.IGNORECASE), ("30", "31")),
    (re.compile(r"\b(?:no|nobody|none|zero|loss\w*|negative|without)\b", re.IGNORECASE), ("0",)),
)
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAY = re.compile(r"\b(\d{4})-(\d\d?)-(\d\d?)\b")
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})\s+(?:of\s+)?(\d{{4}})\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\d-])((?:1[5-9]|20)\d\d)(s)?(?![\d-])")
_COUNTED = r"(\d{1,4}|" + "|".join(word for word in _WORDS if word != "zero") + r")"
_LIMIT = re.compile(cue("limit").pattern.replace("COUNTED", _COUNTED), re.IGNORECASE)


def numbers_in(text: str) -> tuple[str, ...]:
    """Return the numbers a text says, as they are written in queries."""
    found: dict[str, None] = {}
    for number, scale in _NUMBER.findall(_DAY.sub(" ", text)):
        value = float(number.replace(",", "")) * _SCALES.get(scale.lower(), 1)
        found[f"{value:g}" if value < 1e6 and value % 1 else str(int(value))] = None
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _WORDS:
            if word == "one" and not re.search(
                r"\b(?:than|least|most|exactly|over|only) one\b|\bone \w+illion\b", text, re.I
            ):
                continue  # "one by one", "each one", "the ones"
            scaled = re.search(rf"\b{word}\s+(thousand|million|billion)\b", text, re.IGNORECASE)
            found[str(_WORDS[word] * (_SCALES[scaled[1].lower()] if scaled else 1))] = None
    for pattern, values in _SPANS:
        if pattern.search(text):
            found.update(dict.fromkeys(values))
    for year, decade in _YEAR.findall(text):
        if decade:
            found.update(dict.fromkeys((year, str(int(year) + 10), str(int(year) + 9))))
    return tuple(found)


def dates_in(text: str) -> tuple[str, ...]:
    """Return the days on which the times that a text says begin and end, in ISO format."""
    found: dict[str, None] = {}
    for year, month, day in _DAY.findall(text):
        found[f"{year}-{int(month):02d}-{int(day):02d}"] = None
    rest = _DAY.sub(" ", text)
    for name, year in _MONTH.findall(rest):
        first = dt.date(int(year), _MONTHS.index(name.lower()) + 1, 1)
        after = (first + dt.timedelta(31)).replace(day=1)
        found.update(dict.fromkeys(map(str, (first, after, after - dt.timedelta(1)))))
    for year, decade in _YEAR.findall(_MONTH.sub(" ", rest)):
        last = int(year) + (9 if decade else 0)
        found.update(dict.fromkeys((f"{year}-01-01", f"{last}-12-31", f"{last + 1}-01-01")))
    return tuple(found)


def limits_in(text: str) -> tuple[int, ...]:
    """Return how many rows a text asks for: the ten newest, top 5, 3 most read."""
    found: dict[int, None] = {}
    for before, behind in _LIMIT.findall(text):
        said = (before or behind).lower()
        number = _WORDS.get(said) or (int(said) if said.isdigit() else 0)
        if 0 < number < 1500:
            found[number] = None
    return tuple(found)
