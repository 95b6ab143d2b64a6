"""Numbers and dates written in texts.

Conservative on purpose: a text that can be read in two ways is null, never a guess. One text holds
one value; words around it are allowed (``"only $1,299.99!"``), a second number is not.
"""

from __future__ import annotations

import re
from datetime import date, datetime

_NUMBER = re.compile(r"(\d[\d.,'\u2019\u00a0\u202f ]*\d|\d|\.\d+)")
_GROUPED_COMMA = re.compile(r"\d{1,3}(,\d{2,3})*,\d{3}(\.\d+)?")
_GROUPED_DOT = re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?")
_GROUPED_SPACE = re.compile(r"\d{1,3}([ '\u2019\u00a0\u202f]\d{3})+([.,]\d+)?")
_PLAIN = re.compile(r"\d*\.?\d+|\d+\.")
_DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}|\d{4,},\d+")
_SEPARATORS = str.maketrans("", "", ",.'\u2019\u00a0\u202f ")
# "10k" is ten thousand, "5m" five metres or five million: not one reading, so none.
_MULTIPLIER = re.compile(r"\s?(k|m|b|bn|mn|mm)\b|\s?(thousand|million|billion|lakh|crore|hundred)", re.IGNORECASE)
_CURRENCY = "$\u20ac\u00a3\u00a5\u20b9 "
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
    if len(found) != 1 or _MULTIPLIER.match(text, found[0].end()):
        return None
    digits = _plain_digits(found[0].group(1))
    if digits is None:
        return None
    return _finite(-float(digits) if _is_negative(text, found[0]) else float(digits))


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None


def _is_negative(text: str, found: re.Match[str]) -> bool:
    before = text[: found.start(1)].rstrip(_CURRENCY)
    bracketed = text.startswith("(") and text.endswith(")") and before in ("(", "")
    signed = before.endswith(("-", "\u2212")) and not before[:-1].strip(_CURRENCY)
    return bracketed or signed


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


_DATE_FORMS = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d %B %Y",
    "%d %b %Y",
    "%B %d %Y",
    "%b %d %Y",
    "%d-%b-%Y",
    "%d-%B-%Y",
    "%B %Y",
    "%b %Y",
)
_DAY_MONTH = re.compile(r"(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})")
_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th)\b", re.IGNORECASE)
_WEEKDAY = re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)


def read_date(text: str) -> date | None:
    """Return the date a text is, None when it is none or could be two (03/04/2015).

    Read are ISO dates and date-times, ``2015/03/31``, ``31 March 2015``, ``March 31st, 2015``, ``31-Mar-2015``,
    ``March 2015`` (its first day), and ``31/03/2015`` or ``03/31/2015`` where only one order is a date.

    >>> read_date("Tuesday, March 31st, 2015")
    datetime.date(2015, 3, 31)
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        pass
    match = _DAY_MONTH.fullmatch(text)
    if match:
        return _day_month(int(match[1]), int(match[3]), int(match[4]), match[2])
    plain = _ORDINAL.sub("", _WEEKDAY.sub("", text)).replace(",", " ").replace(" of ", " ")
    plain = re.sub(r"\.(?=\s)|\.$", "", " ".join(plain.split()))
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(plain, form).date()
        except ValueError:
            continue
    return None


def _day_month(first: int, second: int, year: int, separator: str) -> date | None:
    readings = {(first, second)} if separator == "." else {(first, second), (second, first)}
    dates = set()
    for day, month in readings:
        try:
            dates.add(date(year, month, day))
        except ValueError:
            continue
    return dates.pop() if len(dates) == 1 else None
