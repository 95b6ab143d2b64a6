"""Columns as they are in a corpus to columns as FalconQL computes with them.

One Arrow type per FalconQL type (``io.arrow.type_to_arrow``); instants become UTC; whole numbers and
instants that do not fit become null. Unusual types stay as they are.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.io.arrow import is_list, type_from_arrow, type_to_arrow

_MICROSECONDS = {"s": 1_000_000, "ms": 1_000}


def normalise(values: pa.Array) -> pa.Array:
    """Return a column in the Arrow type that FalconQL computes with; unusual types stay as they are."""
    type_ = type_from_arrow(values.type)
    if type_.name == "Other":
        return values
    wanted = type_to_arrow(type_)
    if pa.types.is_dictionary(values.type):
        return normalise(values.dictionary_decode())
    if is_list(values.type):
        return _lists(values, wanted)
    if values.type == wanted:
        return values
    if pa.types.is_uint64(values.type):
        values = _within(values, 0, 2**63 - 1)
    elif pa.types.is_timestamp(values.type) and values.type.unit in _MICROSECONDS:
        bound = (2**63 - 1) // _MICROSECONDS[values.type.unit]
        whole = values.view(pa.int64())
        values = pc.if_else(pc.is_valid(_within(whole, -bound, bound)), values, pa.scalar(None, values.type))
    return pc.cast(values, wanted, safe=False)


def _within(values: pa.Array, low: int, high: int) -> pa.Array:
    """Return whole numbers with null for those outside of a range."""
    fits = pc.and_(
        pc.greater_equal(values, pa.scalar(low, values.type)), pc.less_equal(values, pa.scalar(high, values.type))
    )
    return pc.if_else(fits, values, pa.scalar(None, values.type))


def _lists(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    kinds = pa.types
    if kinds.is_list_view(values.type) or kinds.is_large_list_view(values.type):
        # Arrow casts views to invalid arrays: through Python, rare as they are.
        return normalise(pa.array(values.to_pylist(), type=pa.list_(values.type.value_type)))
    if kinds.is_fixed_size_list(values.type):
        values = pc.cast(values, pa.list_(values.type.value_type))
    if values.type == wanted:
        return values
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    null = pc.is_null(values)
    return pa.ListArray.from_arrays(pa.array(offsets), normalise(pc.list_flatten(values)), type=wanted, mask=null)
