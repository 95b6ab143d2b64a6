"""Results as JSON: one object per line, or one array of objects."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.io.arrow import is_text
from falconql.runtime.io.json_values import json_values
from falconql.runtime.io.text_columns import joined_bytes, numbers, times

_ROWS_AT_ONCE = 16_384
# What a JSON text must not hold as it is.
_SPECIAL = '["\\\\\\x00-\\x1f]'


class JsonWriter:
    """Objects with the columns as fields; in an array each stands on a line of its own."""

    def __init__(self, output: Any, schema: pa.Schema, *, lines: bool) -> None:
        self._output = output
        self._names = [json.dumps(name, ensure_ascii=False) for name in schema.names]
        self._lines = lines
        self._first = True

    def write(self, batch: pa.RecordBatch) -> None:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            self._put(batch.slice(start, _ROWS_AT_ONCE))

    def close(self) -> None:
        if not self._lines:
            self._output.write(b"[]\n" if self._first else b"\n]\n")

    def _put(self, batch: pa.RecordBatch) -> None:
        before, after = ("", "\n") if self._lines else (",\n", "")
        data = joined_bytes(self._objects(batch, before, after))
        self._output.write(b"[" + data[1:] if self._first and not self._lines else data)
        self._first = False

    def _objects(self, batch: pa.RecordBatch, before: str, after: str) -> pa.Array:
        """Return each row as the text of an object, with something before and after it."""
        if not self._names:
            return pa.repeat(pa.scalar(f"{before}{{}}{after}"), batch.num_rows)
        leads = [f"{', ' if at else before + '{'}{name}: " for at, name in enumerate(self._names)]
        cells = [pc.fill_null(_cells(column), "null") for column in batch.columns]
        parts = chain.from_iterable(zip(leads, cells, strict=True))
        return pc.binary_join_element_wise(*parts, "}" + after, "")


def _cells(column: pa.Array) -> pa.Array:
    """Return values as JSON, null for those that JSON does not have."""
    kinds = pa.types
    type_ = column.type
    if is_text(type_):
        return _texts(pc.cast(column, pa.string()))
    if kinds.is_floating(type_):
        return numbers(pc.if_else(pc.is_finite(column), column, pa.scalar(None, type_)))
    if kinds.is_boolean(type_) or kinds.is_integer(type_) or kinds.is_null(type_):
        return pc.cast(column, pa.string())
    if kinds.is_date(type_) or kinds.is_timestamp(type_):
        texts = times(column) if kinds.is_timestamp(type_) else pc.cast(pc.cast(column, pa.date32()), pa.string())
        return pc.binary_join_element_wise('"', texts, '"', "")
    return pa.array([None if v is None else _dumped(v) for v in json_values(column)], pa.string())


def _texts(texts: pa.Array) -> pa.Array:
    quoted = pc.binary_join_element_wise('"', texts, '"', "")
    special = pc.fill_null(pc.match_substring_regex(texts, _SPECIAL), False)
    if not pc.any(special).as_py():
        return quoted
    return pc.replace_with_mask(quoted, special, pa.array(map(_dumped, texts.filter(special).to_pylist()), pa.string()))


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
