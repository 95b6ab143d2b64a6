"""Columns as they are in a corpus to columns as FalconQL computes with them.

One Arrow type per FalconQL type (``io.arrow.type_to_arrow``); instants become UTC; whole numbers that do not
fit become null, and so do dates and instants outside the years 1 to 9999 (as databases write ``infinity``),
which ISO 8601 has no text for. Unusual types stay as they are, but for views, of which Arrow takes no rows.
Runs that are parts of other types stay, too, though it takes no rows of those either: they cannot be ordered.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.io.arrow import is_list, type_from_arrow, type_to_arrow, without_views

_DAYS = ((date.min - date(1970, 1, 1)).days, (date.max - date(1970, 1, 1)).days)
_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000}


def normalise(values: pa.Array) -> pa.Array:
    """Return a column in the Arrow type that FalconQL computes with; unusual types stay as they are, without views."""
    if pa.types.is_run_end_encoded(values.type):
        # Arrow takes no rows of it, and decodes no views and dictionaries. A slice still has all its runs.
        runs = pa.RunEndEncodedArray.from_arrays(values.run_ends, normalise(values.values))
        return pc.run_end_decode(runs.slice(values.offset, len(values)))
    type_ = type_from_arrow(values.type)
    if type_.name == "Other":
        plain = without_views(values.type)
        return values if plain == values.type else pc.cast(values, plain)
    wanted = type_to_arrow(type_)
    if pa.types.is_dictionary(values.type):
        return normalise(values.dictionary).take(values.indices)  # Arrow decodes no dictionary of views, as Polars has
    if is_list(values.type):
        return _lists(values, wanted)
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        values = _in_calendar(values)
    if values.type == wanted:
        return values
    if pa.types.is_uint64(values.type):
        values = _within(values, 0, 2**63 - 1)
    if pa.types.is_decimal(values.type):
        # Arrow's own cast multiplies: of 1234567.89 it makes 1234567.8900000001, which no literal equals.
        values = pc.cast(values, pa.string())
    return pc.cast(values, wanted, safe=False)


def _in_calendar(values: pa.Array) -> pa.Array:
    """Return dates or instants with null for those outside the years 1 to 9999."""
    type_ = values.type
    if pa.types.is_date32(type_):
        whole, per_day = values.view(pa.int32()), 1
    elif pa.types.is_date64(type_):
        whole, per_day = values.view(pa.int64()), _PER_DAY["ms"]
    elif type_.unit in _PER_DAY:
        whole, per_day = values.view(pa.int64()), _PER_DAY[type_.unit]
    else:
        return values  # nanoseconds of 64 bits do not reach that far
    low, high = _DAYS[0] * per_day, (_DAYS[1] + 1) * per_day - 1
    found = pc.min_max(whole).as_py()
    if found["min"] is None or (low <= found["min"] and found["max"] <= high):
        return values
    return pc.if_else(pc.is_valid(_within(whole, low, high)), values, pa.scalar(None, type_))


def _within(values: pa.Array, low: int, high: int) -> pa.Array:
    """Return whole numbers with null for those outside of a range."""
    fits = pc.and_(
        pc.greater_equal(values, pa.scalar(low, values.type)), pc.less_equal(values, pa.scalar(high, values.type))
    )
    return pc.if_else(fits, values, pa.scalar(None, values.type))


def _lists(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    kinds = pa.types
    if kinds.is_fixed_size_list(values.type):
        values = pc.cast(values, pa.list_(values.type.value_type))
    if values.type == wanted and not _holds_times(wanted):
        return values
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    null = pc.is_null(values)
    return pa.ListArray.from_arrays(pa.array(offsets), normalise(pc.list_flatten(values)), type=wanted, mask=null)


def _holds_times(type_: pa.DataType) -> bool:
    while is_list(type_):
        type_ = type_.value_type
    return bool(pa.types.is_date(type_) or pa.types.is_timestamp(type_))
