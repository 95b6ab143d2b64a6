"""Numbers and dates written in texts.

Conservative on purpose: a text that can be read in two ways is null, never a guess. One text holds
one value; words around it are allowed (``"only $1,299.99!"``), a second number is not.
"""

from __future__ import annotations

import re
from datetime import date, datetime

_NUMBER = re.compile(r"(\d[\d.,'\u2019\u00a0\u202f ]*\d|\d|\.\d+)")
# The first group of digits never begins with 0: "0,500" is a half.
_GROUPED_COMMA = re.compile(r"[1-9]\d{0,2}(,\d{2,3})*,\d{3}(\.\d+)?")
_GROUPED_DOT = re.compile(r"[1-9]\d{0,2}(\.\d{3})+(,\d+)?")
_GROUPED_SPACE = re.compile(r"[1-9]\d{0,2}([ '\u2019\u00a0\u202f]\d{3})+([.,]\d+)?")
_PLAIN = re.compile(r"\d*\.?\d+|\d+\.")
_DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}|\d{4,},\d+|0,\d+")
_SEPARATORS = str.maketrans("", "", ",.'\u2019\u00a0\u202f ")
# "5½" and "5 thousand" are more than five. "10k" is ten thousand, but "5m" five metres or five million:
# not one reading, so none.
_MULTIPLIER = re.compile(
    r"\s?(k|m|b|t|bn|mn|mm|tn|trn)\b|[\s-]*(thousand|million|billion|trillion|quadrillion|lakh|crore|hundred|dozen)"
    r"|\s?[\u00bc-\u00be\u2150-\u215e]",
    re.IGNORECASE,
)
# As ledgers write what is below zero, and as a range that was cut off.
_MINUS_AFTER = re.compile(r"[-\u2212]\Z")
_CURRENCY = "$\u20ac\u00a3\u00a5\u20b9 "
# The sign of a number, with the character before it and what may come between the two.
_SIGN = re.compile(rf"(?P<lead>.?)(?P<sign>[-\u2212\u2013\u00b1])(?P<between>[(\s{_CURRENCY}]*)\Z", re.DOTALL)
# "-USD 5" and "-approx 5": a minus, or a mark in front of a word.
_WORD_AFTER_SIGN = re.compile(rf"(?:\A|\W)[-\u2212\u2013]+[^\W\d_]+[.]?[{_CURRENCY}]*\Z")
_BEFORE_MINUS = frozenset("([{:=,;.<>~\u2248\u2264\u2265\"'\u201c\u2018") | frozenset(_CURRENCY)
_LONGEST = 200


def read_number(text: str) -> float | None:
    """Return the one number a text holds, None when there is none, several, or it is ambiguous.

    >>> read_number("$1,299.99")
    1299.99
    >>> read_number("1.299,99 EUR")
    1299.99
    >>> read_number("about 40-50") is None
    True
    """
    if len(text) > _LONGEST:
        return None
    text = text.strip()
    try:
        return _finite(float(text.replace("_", "x")))
    except ValueError:
        pass
    found = list(_NUMBER.finditer(text))
    if len(found) != 1 or any(after.match(text, found[0].end()) for after in (_MULTIPLIER, _MINUS_AFTER)):
        return None
    digits = _plain_digits(found[0].group(1))
    negative = _is_negative(text, found[0].start(1))
    if digits is None or negative is None:
        return None
    return _finite(-float(digits) if negative else float(digits))


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None


def _is_negative(text: str, start: int) -> bool | None:
    """Return whether the number that begins at ``start`` is below zero, None where that is anyone's guess.

    "low: -5" is. "top-10" is not: a hyphen joins the two. "total - 5" may be either.
    """
    before = text[:start]
    if (found := _SIGN.search(before)) is None:
        bracketed = text.endswith(")") and not before.strip(f"({_CURRENCY}") and "(" in before
        return None if _WORD_AFTER_SIGN.search(before) else bracketed
    lead, sign, between = found["lead"], found["sign"], found["between"]
    if sign == "\u00b1":
        return None
    if not before[: found.start("sign")].strip(f"({_CURRENCY}"):
        return True
    if lead.isalnum() or lead == "_":
        return False if sign == "-" and not between else None
    apart = between[:1].isspace()
    return True if not apart and (lead.isspace() or lead in _BEFORE_MINUS) else None


def _plain_digits(written: str) -> str | None:
    """Return digits with a decimal point, from any unambiguous way to group them."""
    written = written.strip()
    if _PLAIN.fullmatch(written):
        return written
    if _GROUPED_COMMA.fullmatch(written):
        return written.replace(",", "")
    for grouped in (_GROUPED_DOT, _GROUPED_SPACE):
        if grouped.fullmatch(written):
            whole, separator, fraction = _split_fraction(written)
            return whole.translate(_SEPARATORS) + ("." + fraction if separator else "")
    return written.replace(",", ".") if _DECIMAL_COMMA.fullmatch(written) else None


def _split_fraction(written: str) -> tuple[str, str, str]:
    last = max(written.rfind(","), written.rfind("."))
    separator = written[last : last + 1] if last >= 0 else ""
    if (
        separator
        and (separator == "," or written.count(".") == 1)
        and any(c in written[:last] for c in ". '\u2019\u00a0\u202f")
    ):
        return written[:last], separator, written[last + 1 :]
    return written, "", ""


_MONTH_NAMES = (
    ("january", "jan"),
    ("february", "feb"),
    ("march", "mar"),
    ("april", "apr"),
    ("may",),
    ("june", "jun"),
    ("july", "jul"),
    ("august", "aug"),
    ("september", "sept", "sep"),
    ("october", "oct"),
    ("november", "nov"),
    ("december", "dec"),
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names}
_MONTH = rf"(?P<name>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})[.]?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}[.]?,? )?"
_CLOCK = (
    r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.]\d+)?)?(?: ?[ap][.]?m[.]?)?"
    r"(?: ?[a-z]{0,4}[+-]\d{2}:?\d{2}| ?[a-z]{1,4})?(?: \([a-z ]+\))?"
)
_TIME = rf"(?:,? (?:at )?{_CLOCK})?"
_NAMED = tuple(
    re.compile(_WEEKDAY + form, re.IGNORECASE)
    for form in (
        rf"{_DAY}(?: of)? {_MONTH},? {_YEAR}{_TIME}",
        rf"{_DAY}-{_MONTH}-{_YEAR}{_TIME}",
        rf"{_MONTH} {_DAY},? {_YEAR}{_TIME}",
        rf"{_MONTH} {_DAY} {_CLOCK} {_YEAR}",
        rf"{_MONTH},? {_YEAR}",
    )
)
_YEAR_FIRST = re.compile(rf"(\d{{4}})([/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.IGNORECASE)
_DAY_MONTH = re.compile(rf"(\d{{1,2}})([/.\-])(\d{{1,2}})\2(\d{{4}}){_TIME}", re.IGNORECASE)
_LONGEST_DATE = 80


def read_date(text: str) -> date | None:
    """Return the date a text is, None when it is none or could be two (03/04/2015).

    Read are ISO dates and date-times, ``2015/03/31``, ``31 March 2015``, ``March 31st, 2015``, ``31-Mar-2015``,
    ``March 2015`` (its first day), and ``31/03/2015`` or ``03/31/2015`` where only one order is a date;
    with points, ``31.03.2015``, the day is first. Months in English, with or without a weekday before. A time of day
    may follow, as in e-mails, and is passed over with its zone: the day is the one that is written.

    >>> read_date("Tuesday, March 31st, 2015")
    datetime.date(2015, 3, 31)
    >>> read_date("Tue, 31 Mar 2015 23:30:00 -0500")
    datetime.date(2015, 3, 31)
    """
    if len(text) > _LONGEST_DATE:
        return None
    text = " ".join(text.split())
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        pass
    if match := _DAY_MONTH.fullmatch(text):
        return _day_month(int(match[1]), int(match[3]), int(match[4]), match[2])
    if match := _YEAR_FIRST.fullmatch(text):
        return _date(int(match[1]), int(match[3]), int(match[4]))
    for form in _NAMED:
        if match := form.fullmatch(text):
            found = match.groupdict()
            return _date(int(found["year"]), _MONTHS[found["name"].lower()], int(found.get("day") or 1))
    return None


def _day_month(first: int, second: int, year: int, separator: str) -> date | None:
    orders = {(first, second)} if separator == "." else {(first, second), (second, first)}
    dates = {_date(year, month, day) for day, month in orders} - {None}
    return dates.pop() if len(dates) == 1 else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
