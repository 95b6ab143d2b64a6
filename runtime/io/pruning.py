"""Whether a condition may be true for some row of a part of a file, judged by its statistics.

Only an upper bound of the truth: whatever is not understood may be true. Values that are read as null
(numbers and times that do not fit) may hide in any column of their type: they make no comparison true, but
``is null``. NaN, of which statistics say nothing, makes no comparison true but ``!=``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from falconql.runtime.expression import And, Cast, ColumnRef, Comparison, Expr, In, IsNull, Literal, Not, Or, TextTest
from falconql.runtime.io.arrow import is_text, type_from_arrow, type_to_arrow
from falconql.runtime.types import DATE, FLOAT, INT, TEXT, TIMESTAMP

_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a column in a part of a file.

    Attributes:
        low: no value is less; None if unknown (then so is ``high``).
        high: no value is greater.
        may_be_null: False when every row has a value.
        may_have_value: False when every row is null.
    """

    low: Any = None
    high: Any = None
    may_be_null: bool = True
    may_have_value: bool = True

    @classmethod
    def of(cls, type_: pa.DataType, bounds: tuple[Any, Any] | None, *, nulls: int | None, rows: int) -> Range:
        """Return the bounds as the values that FalconQL computes with."""
        low, high = _bounds(type_, bounds)
        may_be_null = nulls != 0 or _may_read_null(type_)
        return cls(low, high, may_be_null, nulls is None or nulls < rows)


def may_be_true(condition: Expr, ranges: Mapping[str, Range]) -> bool:
    """Return False only if the condition is true for no row within these ranges."""
    match condition:
        case And(operands):
            return all(may_be_true(operand, ranges) for operand in operands)
        case Or(operands):
            return any(may_be_true(operand, ranges) for operand in operands)
        case Literal(value):
            return value is True
        case IsNull(operand):
            found = _range(operand, ranges)
            return found is None or found.may_be_null
        case Not(IsNull(operand)):
            found = _range(operand, ranges)
            return found is None or found.may_have_value
        case Comparison(op, left, right):
            if isinstance(left, Literal):
                op, left, right = _FLIPPED[op], right, left  # type: ignore[assignment]
            return not isinstance(right, Literal) or _may_compare(op, _range(left, ranges), constant(right))
        case In(value, options):
            found = _range(value, ranges)
            return any(not isinstance(o, Literal) or _may_compare("=", found, constant(o)) for o in options)
        case TextTest("starts with", value, Literal(str(prefix))) if value.type == TEXT:
            return _may_start(_range(value, ranges), prefix)
        case _:
            return True


def constant(literal: Literal) -> Any:
    """Return the value of a literal as it compares with values of its type; None for null."""
    if isinstance(literal.value, str) and literal.type in (DATE, TIMESTAMP):
        return _comparable(pa.scalar(literal.value).cast(type_to_arrow(literal.type)).as_py())
    return literal.value


def _range(expr: Expr, ranges: Mapping[str, Range]) -> Range | None:
    if isinstance(expr, ColumnRef):
        return ranges.get(expr.name)
    if isinstance(expr, Cast) and (expr.operand.type, expr.type) in ((INT, FLOAT), (DATE, TIMESTAMP)):
        return _cast(_range(expr.operand, ranges), float if expr.type == FLOAT else _comparable)
    return None


def _cast(range_: Range | None, convert: Any) -> Range | None:
    if range_ is None or range_.low is None:
        return range_
    return Range(convert(range_.low), convert(range_.high), range_.may_be_null, range_.may_have_value)


def _may_compare(op: str, range_: Range | None, value: Any) -> bool:
    if value is None:
        return False
    if range_ is None:
        return True
    if not range_.may_have_value:
        return False
    if range_.low is None or type(range_.low) is not type(value):
        return True
    low, high = range_.low, range_.high
    if op == "=":
        return bool(low <= value <= high)
    if op in ("<", "<="):
        return bool(low < value or (op == "<=" and low == value))
    if op in (">", ">="):
        return bool(high > value or (op == ">=" and high == value))
    return isinstance(value, float) or not low == value == high


def _may_start(range_: Range | None, prefix: str) -> bool:
    if range_ is None:
        return True
    if not range_.may_have_value:
        return False
    if not isinstance(range_.low, str):
        return True
    return bool(range_.low[: len(prefix)] <= prefix <= range_.high[: len(prefix)])


def _bounds(type_: pa.DataType, bounds: tuple[Any, Any] | None) -> tuple[Any, Any]:
    if bounds is None or None in bounds:
        return None, None
    known = type_from_arrow(type_)
    if known == TEXT and is_text(type_) and all(isinstance(bound, str) for bound in bounds):
        return bounds
    if known not in (INT, FLOAT, DATE, TIMESTAMP):
        return None, None
    if known == INT:
        low, high = (int(bound) for bound in bounds)
        return low, high
    if pa.types.is_decimal(type_):
        return float(bounds[0]), float(bounds[1])  # rounded as in `normalise`
    # Nanoseconds are cut off; anything else that does not fit is no bound.
    cut = pa.types.is_timestamp(type_) and type_.unit == "ns"
    try:
        safe = not (cut or known == FLOAT)
        values = [pa.scalar(bound, type_).cast(type_to_arrow(known), safe=safe).as_py() for bound in bounds]
    except (pa.ArrowException, TypeError, ValueError):
        return None, None
    low, high = (_comparable(value) for value in values)
    nan = known == FLOAT and (low != low or high != high)
    return (None, None) if nan else (low, high)


def _may_read_null(type_: pa.DataType) -> bool:
    kinds = pa.types
    return bool(kinds.is_uint64(type_) or kinds.is_floating(type_) or kinds.is_date(type_) or kinds.is_timestamp(type_))


def _comparable(value: Any) -> Any:
    """Return dates as dates and times as naive times, so that values of one type compare."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day)
    return value
