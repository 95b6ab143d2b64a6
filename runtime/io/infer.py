"""The types of columns that a file holds as text (CSV, dates in JSON).

A column gets the narrowest type that every value has: Int before Float before Text, Date before
Timestamp before Text. Digits that a number would not give back are no numbers: a column with ``007``
or with integers beyond 64 bits is Text, so that zip codes, phone numbers and long ids stay whole.
"""

from __future__ import annotations

from enum import Enum

import pyarrow as pa
import pyarrow.compute as pc


class Kind(Enum):
    """What all values of a column seen so far have in common."""

    NULL = "null"
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIMESTAMP_UTC = "timestamp with zone"
    TEXT = "text"


ARROW: dict[Kind, pa.DataType] = {
    # A column without values could be anything; as text it can be read, searched and written.
    Kind.NULL: pa.string(),
    Kind.BOOL: pa.bool_(),
    Kind.INT: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us"),
    Kind.TIMESTAMP_UTC: pa.timestamp("us", "UTC"),
    Kind.TEXT: pa.string(),
}
WORDS: dict[Kind, str] = {
    Kind.NULL: "empty",
    Kind.BOOL: "true or false",
    Kind.INT: "a whole number",
    Kind.FLOAT: "a number",
    Kind.DATE: "a date",
    Kind.TIMESTAMP: "a date and time",
    Kind.TIMESTAMP_UTC: "a date and time with a time zone",
    Kind.TEXT: "text",
}
DATES = (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMP_UTC)
_ALL = (Kind.INT, Kind.FLOAT, Kind.BOOL, *DATES)
_WIDER = {
    frozenset((Kind.INT, Kind.FLOAT)): Kind.FLOAT,
    frozenset((Kind.DATE, Kind.TIMESTAMP)): Kind.TIMESTAMP,
}
# A number does not keep a leading plus or zeros, nor more digits than fit.
_NOT_A_NUMBER = r"^[+]|^-?(0[0-9]|[0-9]{19,}$)|^-?0[xX]"
# Beyond the largest number, as an id such as 1e400 would be.
_DIGITS_OF_INFINITY = "[0-9]"


def join(first: Kind, second: Kind) -> Kind:
    """Return the narrowest kind that covers both."""
    if Kind.NULL in (first, second):
        return second if first is Kind.NULL else first
    return first if first is second else _WIDER.get(frozenset((first, second)), Kind.TEXT)


def widen(kind: Kind, values: pa.Array, candidates: tuple[Kind, ...] = _ALL) -> Kind:
    """Return the narrowest kind that covers ``kind`` and these text values."""
    if kind is Kind.TEXT or values.null_count == len(values):
        return kind
    if kind is not Kind.NULL and convert(values, kind) is not None:
        return kind
    filled = blank_to_null(pc.utf8_trim_whitespace(values))
    if filled.null_count == len(filled):
        return kind
    return next((join(kind, k) for k in candidates if convert(filled, k) is not None), Kind.TEXT)


_FIRST = 64


def convert(values: pa.Array, kind: Kind) -> pa.Array | None:
    """Return text values as a kind; None when one does not read as that.

    In a column that is not text, an empty text is null and spaces around a value do not count. One with nothing but
    spaces and empty texts is text.
    """
    if kind is Kind.TEXT:
        return values
    # A cast that fails at the first value goes on to the last one all the same, which would take most of the time.
    if len(values) > _FIRST and convert(values.slice(0, _FIRST), kind) is None:
        return None
    found = _convert(values, kind)
    return found if found is not None else _convert(blank_to_null(pc.utf8_trim_whitespace(values)), kind)


def blank_to_null(values: pa.Array) -> pa.Array:
    """Return texts with the empty ones as null."""
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)


def misfit(values: pa.Array, kind: Kind) -> int:
    """Return the position of the first value that does not read as ``kind``; there must be one."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if convert(values.slice(low, middle - low), kind) is None else (middle, high)
    return low


def _convert(values: pa.Array, kind: Kind) -> pa.Array | None:
    if kind is Kind.NULL:
        return values if _all(pc.equal(pc.utf8_trim_whitespace(values), "")) else None
    if kind is Kind.BOOL:
        return _booleans(values)
    try:
        found = pc.cast(values, ARROW[kind])
    except pa.ArrowInvalid:
        return None
    if kind is Kind.INT and not _all(pc.equal(pc.cast(found, pa.string()), values)):
        return None
    if kind is Kind.FLOAT and (
        _matches(values, _NOT_A_NUMBER) or _matches(values.filter(pc.is_inf(found)), _DIGITS_OF_INFINITY)
    ):
        return None
    return found


def _matches(values: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())


def _booleans(values: pa.Array) -> pa.Array | None:
    words = pc.utf8_lower(values)
    true = pc.equal(words, "true")
    return true if _all(pc.or_(true, pc.equal(words, "false"))) else None


def _all(truth: pa.Array) -> bool:
    return bool(pc.all(truth, min_count=0).as_py())
