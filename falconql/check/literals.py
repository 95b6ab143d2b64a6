"""Constants: texts that must read as dates, numbers or booleans, and coercions written out.

A text literal reads as a date where a date is needed; a parameter given as text (as the command
line does) also as a number or a boolean.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from falconql.catalog import ParameterValue
from falconql.runtime.expression import Cast, Expr, Literal
from falconql.types import BOOL, DATE, FLOAT, INT, LABEL, NULL, SPAN, TEXT, TIMESTAMP, UNKNOWN, Type

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?")
_YEAR_FIRST = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})")
_NUMBER = re.compile(r"[+-]?(\d+(_\d+)*\.?\d*|\.\d+)([eE][+-]?\d+)?")
_BOOLEANS = {"true": True, "false": False}
MOST_INT = 2**63 - 1
# Whole floats up to here are exact, so that `stars = 4.0` may compare whole numbers.
_EXACT_FLOAT = 2**53


def coerce(expr: Expr, wanted: Type) -> Expr:
    """Return an expression as the type ``wanted``, which the caller knows to fit."""
    given = expr.type
    if given == wanted or UNKNOWN in (given, wanted):
        return expr
    if isinstance(expr, Literal):
        if expr.value is None:
            return Literal(None, wanted)
        if wanted == FLOAT and isinstance(expr.value, int):
            return Literal(float(expr.value), FLOAT)
        if wanted == TIMESTAMP:
            return Literal(f"{expr.value}T00:00:00", TIMESTAMP)
    return Cast(expr, wanted)


def scalar(expr: Expr) -> Expr:
    """Return a label as a boolean, a span as its text, anything else as it is."""
    plain = {LABEL: BOOL, SPAN: TEXT}.get(expr.type)
    return expr if plain is None else coerce(expr, plain)


def as_whole(expr: Expr) -> Expr:
    """Return a constant like 4.0 as the whole number it is, so that whole-number columns stay as they are."""
    if isinstance(expr, Literal) and isinstance(expr.value, float) and expr.value.is_integer():
        return Literal(int(expr.value), INT) if abs(expr.value) <= _EXACT_FLOAT else expr
    return expr


def parameter_literal(value: ParameterValue) -> Literal:
    """Return a parameter's value as a constant of its own type."""
    match value:
        case None:
            return Literal(None, NULL)
        case bool():
            return Literal(value, BOOL)
        case int():
            return Literal(value, INT)
        case float():
            return Literal(value, FLOAT)
        case str():
            return Literal(value, TEXT)


def read_text(value: str, wanted: Type) -> Literal | None:
    """Return the constant a text stands for where a number, date or boolean is needed, if it does."""
    if wanted in (DATE, TIMESTAMP):
        return read_date(value)
    if wanted in (INT, FLOAT):
        return read_number(value)
    if wanted in (BOOL, LABEL):
        truth = _BOOLEANS.get(value.strip().lower())
        return None if truth is None else Literal(truth, BOOL)
    return None


def read_number(value: str) -> Literal | None:
    """Return the number a text is written like, None if it is none or too large."""
    text = value.strip()
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return None
    if text.lstrip("+-").replace("_", "").isdecimal():
        whole = int(text)
        return Literal(whole, INT) if -MOST_INT - 1 <= whole <= MOST_INT else None
    number = float(text)
    return Literal(number, FLOAT) if abs(number) != float("inf") else None


def read_date(value: str) -> Literal | None:
    """Return the date or point in time a text is written like in ISO 8601; zones are turned to UTC."""
    text = value.strip()
    try:
        if _DATE.fullmatch(text):
            return Literal(date.fromisoformat(text).isoformat(), DATE)
        if _TIMESTAMP.fullmatch(text):
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                moment = moment.astimezone(UTC).replace(tzinfo=None)
            return Literal(moment.isoformat(), TIMESTAMP)
    except (ValueError, OverflowError):
        return None
    return None


def date_meant(value: str) -> str | None:
    """Return the ISO form of a date that is written year first in another way."""
    match = _YEAR_FIRST.fullmatch(value.strip())
    if match is None:
        return None
    try:
        return date(*(int(part) for part in match.groups())).isoformat()
    except ValueError:
        return None


def missing_day(value: str) -> str | None:
    """Return why a text in the form of a date names no day; None if it names one, or has another form."""
    match = _DATE.fullmatch(value.strip())
    if match is None or read_date(value) is not None:
        return None
    year, month, day = (int(part) for part in match.groups())
    if not year:
        return "the first year is 0001"
    if not 1 <= month <= 12:
        return "the months are 01 to 12"
    return "the month has fewer days" if day else "the first day of a month is 01"
