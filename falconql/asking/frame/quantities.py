"""Numbers and times that an instruction says, and how conditions may compare with them. Pure."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from falconql.asking.evidence import cue, is_english, long_form

Test = tuple[str, str]  # a sign and what it compares with
Slot = tuple[Test, ...]  # a condition, as the ways to write it

SIGNS = ("=", "!=", "<=", ">=", "<", ">")
_NUMBER = re.compile(r"(?<![\w.-])(\d[\d,]*(?:\.\d+)?)\s*(k|thousand|million|billion)?\b(?!-\d)", re.IGNORECASE)
# Where words are not parted by spaces, digits are not, either.
_DIGITS = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
_SCALES = {"k": 10**3, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_SMALL = tuple(cue("number_words").pattern.split("|"))
_WORDS = {word: value for value, word in enumerate(_SMALL)}
_WORDS |= {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12}
_WORD = re.compile(rf"\b({'|'.join(_WORDS)})\b(?: (thousand|million|billion)\b)?", re.IGNORECASE)
# What people say for a number of something else, and for none.
# In some unit of time, and as columns without one may count it.
_SPANS = (
    (re.compile(r"\bhalf an hour\b", re.IGNORECASE), ("0.5", ("time", 3600)), ("30", "0.5"), ()),
    (re.compile(r"(?<!half )\ban hour\b", re.IGNORECASE), ("1", ("time", 3600)), ("60", "1"), ()),
    (re.compile(r"\b(?:a|one) minute\b", re.IGNORECASE), ("1", ("time", 60)), ("1", "60"), ()),
    (re.compile(r"\ba day\b", re.IGNORECASE), ("1", ("time", 86400)), ("1", "24"), ()),
    (re.compile(r"\ba week\b", re.IGNORECASE), ("7", ("time", 86400)), ("7",), ()),
    (re.compile(r"\ba month\b", re.IGNORECASE), ("30", ("time", 86400)), ("30", "31"), ()),
    (re.compile(r"\b(?:no|nobody|none|zero|without)\b", re.IGNORECASE), None, ("0",), ("=",)),
    (cue("below_nothing"), None, ("0",), ("<",)),
)
_LOSS = cue("below_nothing")
_MONTHS = tuple(cue("months").pattern.split("|"))
_DAY = re.compile(r"\b(\d{4})-(\d\d?)-(\d\d?)\b")
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})\s+(?:of\s+)?(\d{{4}})\b", re.IGNORECASE)
# Not a year: 2000 words, $1900.
_YEAR = re.compile(
    r"(?<![\d$€-])((?:1[5-9]|20)\d\d)(s)?(?![\d-])"
    r"(?! (?!was\b|has\b|is\b|does\b|sales\b|reports\b|results\b|articles\b)[a-z]+(?<!s)s\b)"
)
_COUNTED = r"(\d{1,4}|" + "|".join(word for word in _WORDS if word != "zero") + r")"
_LIMIT = re.compile(cue("limit").pattern.replace("COUNTED", _COUNTED), re.IGNORECASE)
_BEFORE = {sign: cue(f"before_{name}") for sign, name in ((">=", "from"), ("<=", "to"), (">", "more"), ("<", "less"))}
_BEHIND = {sign: cue(f"behind_{name}") for sign, name in ((">=", "from"), ("<=", "to"))}
_EITHER = re.compile(r"\b(\w+) or (\w+)\b", re.IGNORECASE)
# By what is measured: seconds, grams and metres.
_SIZES: dict[str, dict[str, float]] = {
    "time": {"second": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400, "night": 86400, "week": 604800},
    "mass": {"mg": 0.001, "g": 1, "gram": 1, "kilogram": 1000, "ton": 1e6},
    "length": {"mm": 0.001, "cm": 0.01, "centimetre": 0.01, "m": 1, "metre": 1, "kilometre": 1000, "mile": 1609.344},
}
Unit = tuple[str, float]
_UNITS: dict[str, Unit] = {name: (kind, size) for kind, sizes in _SIZES.items() for name, size in sizes.items()}
_AGE = re.compile(r"\b(older|younger|newer) than\s*$", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween\s+\S*$", re.IGNORECASE)
_AND = re.compile(r"\b(?:between\s+\S+\s+and|from\s+\S+\s+(?:to|until|through))\s+\S*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is said.

    Attributes:
        value: as queries write it.
        signs: those that the words around it allow.
        place: where it stands in the text.
        unit: what the word behind it measures and how much of that it is, None when it is no unit.
    """

    value: str
    signs: tuple[str, ...]
    place: int = 0
    unit: Unit | None = None

    def in_unit(self, unit: Unit | None) -> str:
        """Return the value in another unit; the same where the two do not measure the same."""
        if not (self.unit and unit) or self.unit == unit or self.unit[0] != unit[0]:
            return self.value
        value = float(self.value) * self.unit[1] / unit[1]
        if not math.isfinite(value):
            return self.value
        return str(round(value)) if value >= 1000 else f"{value:.4g}"


def numbers_in(text: str) -> tuple[str, ...]:
    """Return the numbers a text says, as they are written in queries."""
    return tuple(dict.fromkeys(number.value for number in numbers(text)))


def number_tests(text: str, unit: Unit | None = None) -> tuple[Test, ...]:
    """Return what conditions may compare numbers with; ``unit`` is that of the column, if its name tells one."""
    said = numbers(text)
    return tuple(dict.fromkeys((sign, n.in_unit(unit)) for n in in_units(said, unit) for sign in n.signs))


def in_units(said: Iterable[Number], unit: Unit | None) -> list[Number]:
    """Return the numbers for a column of a unit; what is said in a unit is not meant as a bare number, too."""
    said = list(said)
    measured = {number.place for number in said if number.unit and unit}
    return [number for number in said if number.unit or number.place not in measured]


def values_in_any_unit(text: str) -> frozenset[str]:
    """Return the numbers of a text as any column may have them: two hours are 2 or 120.

    Of a text in another language the words for units are not known, so that its numbers may be in any.
    """
    said = numbers(text)
    if not is_english(text):
        digits = [found.replace(",", "") for found in _DIGITS.findall(text)]
        said += [Number(number, SIGNS, unit=unit) for number in digits for unit in (None, *_UNITS.values())]
    return frozenset(number.in_unit(unit) for number in said for unit in (None, *_UNITS.values()))


def unit_of(words: Iterable[str]) -> Unit | None:
    """Return the first unit among some words, None without one."""
    # "ms" are no metres.
    named = (
        word for said in words for word in (long_form(said), said.lower().removesuffix("s" if len(said) > 2 else ""))
    )
    return next((_UNITS[word] for word in named if word in _UNITS), None)


def numbers(text: str) -> list[Number]:
    """Return the numbers that a text says, in digits, in words, or as time."""
    without_days = _DAY.sub(lambda found: " " * len(found[0]), text)
    found = []
    for match in _NUMBER.finditer(without_days):
        value = float(match[1].replace(",", "")) * _SCALES.get((match[2] or "").lower(), 1)
        if not math.isfinite(value):
            continue
        shown = f"{value:g}" if value < 1e6 and value % 1 else str(int(value))
        found.append(
            Number(shown, _signs(text, *match.span()) or SIGNS, match.start(), _unit_behind(text, match.end()))
        )
    for match in _WORD.finditer(text):
        signs = _signs(text, *match.span())
        starred = re.match(r"[ -]stars?\b", text[match.end() :], re.IGNORECASE)
        if match[1].lower() == "one" and not (signs or match[2] or starred):
            continue  # "one by one", "each one", "the ones"
        scale = _SCALES.get((match[2] or "").lower(), 1)
        whole = str(_WORDS[match[1].lower()] * scale)
        found.append(Number(whole, signs or SIGNS, match.start(), _unit_behind(text, match.end())))
    for pattern, timed, values, signs in _SPANS:
        if span := pattern.search(text):
            sure = signs or _signs(text, *span.span()) or SIGNS
            found += [Number(timed[0], sure, span.start(), timed[1])] if timed else []
            found += [Number(value, sure, span.start()) for value in values]
    for match in _YEAR.finditer(text):
        if match[2]:
            first = int(match[1])
            place = match.start()
            found.append(Number(str(first), (">=",), place))
            # The end of a decade is a condition of its own.
            found += [Number(str(first + 10), ("<",), place + 1), Number(str(first + 9), ("<=",), place + 1)]
    return found


def words_for_numbers(text: str) -> list[str]:
    """Return the words that say a number without naming one: at a loss."""
    return [word for found in _LOSS.finditer(text) for word in re.findall(r"\w+", found[0])]


def either_numbers(text: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of numbers of which one holds: two or four."""
    pairs = ((_digits(one), _digits(other)) for one, other in _EITHER.findall(text))
    return tuple((one, other) for one, other in pairs if one and other)


def _digits(word: str) -> str:
    """Return a small number that is said in digits or in a word, empty for anything else."""
    return word if word.isdigit() else str(_WORDS.get(word.lower(), ""))


def years_in(text: str) -> tuple[int, ...]:
    """Return the places of years."""
    return tuple(match.start() for match in _YEAR.finditer(_DAY.sub(lambda found: " " * len(found[0]), text)))


def _unit_behind(text: str, place: int) -> Unit | None:
    # "m/s" is no length; between 20 and 50 hours, 20 are hours, too.
    said = re.match(r"\W{0,2}(?:(?:and|to|or|-)\W[\d.,]+\W?)?([A-Za-z]+)(?!\s?/)", text[place : place + 24])
    return unit_of([said[1]]) if said else None


def _signs(text: str, start: int, end: int) -> tuple[str, ...]:
    """Return the signs that the words around a place allow; none when they say nothing."""
    before, behind = re.sub(r"[$€(\s]+$", " ", text[:start]), text[end:]
    if _AND.search(before.rstrip() + " "):
        return ("<=",)
    if _BETWEEN.search(before.rstrip() + " "):
        return (">=",)
    for sign, pattern in _BEHIND.items():
        if pattern.match(behind):
            return (sign,)
    if _YEAR.match(text, start) and (than := _AGE.search(before)):
        return ("<",) if than[1].lower() == "older" else (">",)  # of years, older ones are less
    for sign, pattern in _BEFORE.items():
        if pattern.search(before):
            return (sign,)
    return ()


def dates_in(text: str) -> tuple[str, ...]:
    """Return all days that conditions may compare with, in ISO format."""
    return tuple(dict.fromkeys(day for slot in date_slots(text) for _, day in slot))


def date_slots(text: str) -> tuple[tuple[Test, ...], ...]:
    """Return the conditions that a text puts on a time, each as the ways to write it: ``in 2020`` puts two."""
    return tuple(
        slot for first, after, span in _times(text) for slot in _slots(first, after, _signs_of_time(text, *span))
    )


_IN_TIME = re.compile(r"\w+s from\s*$", re.IGNORECASE)


def _signs_of_time(text: str, start: int, end: int) -> tuple[str, ...]:
    """Return the signs for a time; reviews from 2023 are those of that year, from 2023 on they are not."""
    signs = _signs(text, start, end)
    goes_on = re.match(r"\s*(?:to|until|till|through|and|on|onwards?|-|or)\b", text[end:])
    return () if signs == (">=",) and _IN_TIME.search(text[:start]) and not goes_on else signs


def _slots(first: dt.date, after: dt.date, signs: tuple[str, ...]) -> list[tuple[Test, ...]]:
    """Return the conditions for a time from its first day to the day after it."""
    last = after - dt.timedelta(1)
    from_, until = (">=", str(first)), ("<=", str(last))
    if first == last:
        return [tuple((sign, str(first)) for sign in signs or ("=",))]
    match signs:
        case (">=",):
            return [(from_,)]
        case ("<=",):
            return [(until, ("<", str(after)))]
        case (">",):
            return [((">", str(last)), (">=", str(after)))]
        case ("<",):
            return [(("<", str(first)),)]
    return [(from_,), (("<", str(after)), until)]


def _times(text: str) -> Iterator[tuple[dt.date, dt.date, tuple[int, int]]]:
    """Yield the days, months, years and decades of a text: first day, day after, place."""
    rest = text
    for match in _DAY.finditer(text):
        try:
            day = dt.date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            continue
        yield day, day + dt.timedelta(1), match.span()
    rest = _DAY.sub(lambda found: " " * len(found[0]), rest)
    for match in _MONTH.finditer(rest):
        first = dt.date(int(match[2]), _MONTHS.index(match[1].lower()) + 1, 1)
        yield first, (first + dt.timedelta(31)).replace(day=1), match.span()
    rest = _MONTH.sub(lambda found: " " * len(found[0]), rest)
    for match in _YEAR.finditer(rest):
        year = int(match[1])
        yield dt.date(year, 1, 1), dt.date(year + (10 if match[2] else 1), 1, 1), match.span()


def limits_in(text: str) -> tuple[int, ...]:
    """Return how many rows a text asks for: the ten newest, top 5, 3 most read."""
    found: dict[int, None] = {}
    for before, behind in _LIMIT.findall(text):
        said = (before or behind).lower()
        number = _WORDS.get(said) or (int(said) if said.isdigit() else 0)
        if 0 < number < 1500:
            found[number] = None
    return tuple(found)
