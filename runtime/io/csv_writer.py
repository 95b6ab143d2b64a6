"""Results as delimited text: quotes only where needed, null as nothing, empty text as ``\"\"``.

A span is its text, a list a JSON array. Values are written as they are: a text that begins with ``=``
is not changed, though a spreadsheet would take it for a formula. A text with a zero byte is refused: no
reader takes such a file for text.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.errors import DataError
from falconql.runtime.io.arrow import SPAN_TYPE, is_list, is_text
from falconql.runtime.io.json_values import json_values
from falconql.runtime.io.text_columns import joined_bytes, numbers, times

_ROWS_AT_ONCE = 16_384


class CsvWriter:
    """Delimited text with a header line, lines ended by a line feed."""

    def __init__(self, output: Any, schema: pa.Schema, delimiter: str) -> None:
        self._output = output
        self._delimiter = delimiter
        self._special = f'["\\r\\n\\x00{delimiter}]'
        self._single = len(schema) == 1
        if len(schema):
            self._put([self._quoted(pa.array([name]), name) for name in schema.names])

    def write(self, batch: pa.RecordBatch) -> None:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            part = batch.slice(start, _ROWS_AT_ONCE)
            if part.num_columns:
                self._put(
                    [self._cells(column, name) for column, name in zip(part.columns, part.schema.names, strict=True)]
                )

    def close(self) -> None:
        """Nothing comes at the end."""

    def _put(self, cells: list[pa.Array]) -> None:
        if self._single:
            # A line with nothing on it would be no row.
            cells = [pc.fill_null(cells[0], '""')]
        filled = [pc.fill_null(column, "") for column in cells]
        rows = pc.binary_join_element_wise(*filled, self._delimiter) if len(filled) > 1 else filled[0]
        self._output.write(joined_bytes(pc.binary_join_element_wise(rows, "\n", "")))

    def _cells(self, column: pa.Array, name: str) -> pa.Array:
        return self._quoted(text, name) if (text := _text(column)) is not None else _plain(column)

    def _quoted(self, texts: pa.Array, name: str) -> pa.Array:
        needed = pc.or_(pc.match_substring_regex(texts, self._special), pc.equal(texts, ""))
        if not pc.any(needed).as_py():
            return texts
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            shown = name.replace("\0", "\\0")
            raise DataError(
                f"a text in the column `{shown}` has a zero byte (U+0000), which a CSV file cannot hold",
                hint="write .jsonl or .parquet instead",
            )
        doubled = pc.replace_substring(texts, '"', '""')
        return pc.if_else(needed, pc.binary_join_element_wise('"', doubled, '"', ""), texts)


def _text(column: pa.Array) -> pa.Array | None:
    """Return a column whose values can be any text as text; None if no value of its type needs quotes."""
    type_ = column.type
    kinds = pa.types
    if kinds.is_dictionary(type_):
        return _text(column.dictionary_decode())
    if is_text(type_):
        return pc.cast(column, pa.string())
    if type_.equals(SPAN_TYPE):
        return pc.struct_field(column, "text")
    if is_list(type_) and type_.value_type.equals(SPAN_TYPE):
        spans = column.to_pylist()
        texts = [None if row is None else [None if span is None else span["text"] for span in row] for row in spans]
        return pa.array([_json(value) for value in texts], pa.string())
    simple = (kinds.is_boolean, kinds.is_integer, kinds.is_floating, kinds.is_date, kinds.is_null)
    if kinds.is_timestamp(type_) or any(is_kind(type_) for is_kind in simple):
        return None
    return pa.array([_json(value) for value in json_values(column)], pa.string())


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as the texts that stand in a CSV file, without quotes; null stays null."""
    found = _text(column)
    return _plain(column) if found is None else found


def _json(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(column: pa.Array) -> pa.Array:
    """Return numbers, booleans, dates and times as text."""
    type_ = column.type
    if pa.types.is_floating(type_):
        return numbers(column)
    if pa.types.is_timestamp(type_):
        return times(column)
    return pc.cast(column, pa.string())
