"""What the nodes of an expression do to arrays: arithmetic, membership, lists and built-in functions.

Arrow arrays in, arrays out; null in, null out. Knows nothing of frames, columns or models. Floats
follow IEEE 754: NaN is a value, not null, and no comparison with it is true but ``!=``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.expression import ArithmeticOp, Literal, TextTestOp
from falconql.runtime.io.arrow import is_list, type_to_arrow
from falconql.runtime.readings import read_date, read_number
from falconql.runtime.types import DATE, TIMESTAMP, Type

_UNCHECKED = {"+": pc.add, "-": pc.subtract, "*": pc.multiply}
_CHECKED = {"+": pc.add_checked, "-": pc.subtract_checked, "*": pc.multiply_checked}
_ON_NUMBERS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_INT64 = range(-(2**63), 2**63)


def literal_scalar(literal: Literal) -> pa.Scalar:
    """Return a constant as an Arrow scalar of its type; instants are in UTC, also those without a zone."""
    value: Any = literal.value
    if isinstance(value, str) and literal.type == DATE:
        value = date.fromisoformat(value)
    elif isinstance(value, str) and literal.type == TIMESTAMP:
        moment = datetime.fromisoformat(value)
        value = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return pa.scalar(value, type_to_arrow(literal.type))


def arithmetic(op: ArithmeticOp, left: pa.Array, right: pa.Array, type_: Type) -> pa.Array:
    """Return ``left op right``; one side may be a scalar. Null for overflow and division by zero."""
    if op == "/":
        left, right = pc.cast(left, pa.float64()), pc.cast(right, pa.float64())
        zero = pc.equal(right, pa.scalar(0.0))
        return pc.divide(left, pc.if_else(zero, pa.scalar(None, pa.float64()), right))
    if type_.name == "Float":
        return _UNCHECKED[op](left, right)
    try:
        return _CHECKED[op](left, right)
    except pa.ArrowInvalid:
        return _overflow_to_null(op, left, right)


def _overflow_to_null(op: ArithmeticOp, left: pa.Array, right: pa.Array) -> pa.Array:
    count = max(len(side) for side in (left, right) if isinstance(side, pa.Array))
    sides = [side.to_pylist() if isinstance(side, pa.Array) else [side.as_py()] * count for side in (left, right)]
    values = []
    for a, b in zip(*sides, strict=True):
        value = None if a is None or b is None else _ON_NUMBERS[op](a, b)
        values.append(value if value is not None and value in _INT64 else None)
    return pa.array(values, type=pa.int64())


def member_of(values: pa.Array, constants: list[Literal]) -> pa.Array:
    """Return ``values in constants``: null for null values, and where a null constant leaves it open."""
    given = [literal_scalar(constant).as_py() for constant in constants if constant.value is not None]
    if pa.types.is_floating(values.type) and 0.0 in given:
        given += [0.0, -0.0]  # equal, but apart in Arrow's sets
    unknown = pa.scalar(None, pa.bool_())
    found = pc.is_in(values, value_set=pa.array(given, type=values.type))
    found = pc.if_else(pc.is_null(values), unknown, found)
    if all(constant.value is not None for constant in constants):
        return found
    return pc.if_else(found, pa.scalar(True), unknown)


def text_test(op: TextTestOp, values: pa.Array, pattern: pa.Array | pa.Scalar) -> pa.Array:
    """Return where a text contains or begins with a pattern."""
    if isinstance(pattern, pa.Scalar):
        if not pattern.is_valid:
            return pa.nulls(len(values), pa.bool_())
        test = pc.match_substring if op == "contains" else pc.starts_with
        return test(values, pattern.as_py())
    found = [
        None if value is None or wanted is None else wanted in value if op == "contains" else value.startswith(wanted)
        for value, wanted in zip(values.to_pylist(), pattern.to_pylist(), strict=True)
    ]
    return pa.array(found, type=pa.bool_())


def list_contains(lists: pa.Array, wanted: pa.Array | pa.Scalar) -> pa.Array:
    """Return where a list has an element: null if only a null element leaves it open. Spans count by text."""
    elements = pc.list_flatten(lists)
    # Not by list_parent_indices, which counts what a null list hides; list_flatten leaves it out.
    positions = np.repeat(np.arange(len(lists)), pc.fill_null(pc.list_value_length(lists), 0).to_numpy())
    if pa.types.is_struct(elements.type):
        elements = pc.struct_field(elements, "text")
    each = wanted if isinstance(wanted, pa.Scalar) else wanted.take(pa.array(positions))
    equal = pc.equal(elements, each)
    true = booleans(equal)
    unknown = pc.is_null(equal).to_numpy(zero_copy_only=False)
    found = np.bincount(positions[true], minlength=len(lists)) > 0
    open_ = (np.bincount(positions[unknown], minlength=len(lists)) > 0) & ~found
    absent = pc.is_null(lists).to_numpy(zero_copy_only=False)
    if isinstance(wanted, pa.Scalar):
        absent = absent | (not wanted.is_valid)
    else:
        absent = absent | pc.is_null(wanted).to_numpy(zero_copy_only=False)
    return pa.array(found, mask=open_ | absent)


def booleans(values: pa.Array) -> Any:
    """Return a boolean numpy array that is true where a value is true (not null, not false)."""
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)


def exists(values: pa.Array) -> pa.Array:
    """Return where there is a value: not null, and for lists, in any layout, not empty."""
    if pa.types.is_dictionary(values.type):
        return exists(values.dictionary_decode())
    if not is_list(values.type):
        return pc.is_valid(values)
    return pc.fill_null(pc.greater(pc.list_value_length(values), 0), False)


def first(lists: pa.Array) -> pa.Array:
    """Return the first elements, null for an empty list."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    starts = lists.offsets.to_numpy()[:-1].astype(np.int64)
    return lists.values.take(pa.array(starts, mask=lengths == 0))


def length(values: pa.Array) -> pa.Array:
    """Return the number of characters (code points) or of elements."""
    lengths = pc.list_value_length(values) if pa.types.is_list(values.type) else pc.utf8_length(values)
    return pc.cast(lengths, pa.int64())


def number(values: pa.Array) -> pa.Array:
    """Return the numbers that texts hold, see ``readings.read_number``."""
    return _read_each(values, read_number, pa.float64())


def read_dates(values: pa.Array) -> pa.Array:
    """Return the dates that texts hold, see ``readings.read_date``."""
    return _read_each(values, read_date, pa.date32())


def _read_each(values: pa.Array, read: Callable[[str], Any], type_: pa.DataType) -> pa.Array:
    """Apply a reader to each distinct text once."""
    encoded = pc.dictionary_encode(values)
    return pa.array([read(text) for text in encoded.dictionary.to_pylist()], type=type_).take(encoded.indices)


def as_text(values: pa.Array) -> pa.Array:
    """Return numbers, Bools, Dates and Timestamps as they are written inside an instruction."""
    texts = pc.cast(values, pa.string())
    if pa.types.is_timestamp(values.type):
        return pc.replace_substring_regex(texts, r"\.0+$", "")
    return texts


FUNCTIONS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "exists": exists,
    "first": first,
    "length": length,
    "lower": pc.utf8_lower,
    "number": number,
    "date": read_dates,
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "day": pc.day,
    "weekday": partial(pc.day_of_week, count_from_zero=False, week_start=1),
    "hour": pc.hour,
}
