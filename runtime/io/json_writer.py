"""Results as JSON: one object per line, or one array of objects."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from falconql.runtime.io.json_values import json_values


class JsonWriter:
    """Objects with the columns as fields; in an array each stands on a line of its own."""

    def __init__(self, output: Any, schema: pa.Schema, *, lines: bool) -> None:
        self._output = output
        self._names = schema.names
        self._lines = lines
        self._first = True

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [json_values(column) for column in batch.columns]
        rows = zip(*columns, strict=True) if columns else ((),) * batch.num_rows
        texts = [json.dumps(dict(zip(self._names, row, strict=True)), ensure_ascii=False) for row in rows]
        if not texts:
            return
        before = "" if self._lines else "[\n" if self._first else ",\n"
        between, after = ("\n", "\n") if self._lines else (",\n", "")
        self._output.write((before + between.join(texts) + after).encode("utf-8"))
        self._first = False

    def close(self) -> None:
        if not self._lines:
            self._output.write(b"[]\n" if self._first else b"\n]\n")
