"""Columns as text, many values at a time: what delimited text and JSON write alike."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def numbers(column: pa.Array) -> pa.Array:
    """Return decimal numbers with the digits they need, but never as whole ones; NaN is null."""
    texts = pc.cast(pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column), pa.string())
    whole = pc.match_substring_regex(texts, "^-?[0-9]+$")
    return pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)


def times(column: pa.Array) -> pa.Array:
    """Return times in ISO form, with Z for instants; no digits of the second beyond those needed."""
    texts = pc.cast(pc.cast(column, pa.timestamp(column.type.unit)), pa.string())
    texts = pc.replace_substring(texts, " ", "T")
    texts = pc.replace_substring_regex(texts, r"(\.[0-9]*[1-9])0+$|\.0+$", r"\1")
    return pc.binary_join_element_wise(texts, "Z", "") if column.type.tz else texts


def joined_bytes(texts: pa.Array) -> bytes:
    """Return all texts one after the other; there must be no null among them."""
    whole = pc.cast(texts, pa.large_string())
    _, offsets, data = whole.buffers()
    ends = pa.Array.from_buffers(pa.int64(), len(whole) + 1, [None, offsets], offset=whole.offset)
    start, end = ends[0].as_py(), ends[len(whole)].as_py()
    return b"" if data is None else data.slice(start, end - start).to_pybytes()
