"""JSON: one object per line, or one array of objects.

Fields are the union over all objects; a type is found from the whole file (its first
``INFERENCE_ROWS`` objects): whole numbers widen to decimal ones, anything beside null keeps its type,
and a field that is a text here and a number there is refused by name and line.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.csv import unique_position
from falconql.runtime.io.opening import invalid_utf8, open_bytes, unreadable

CHUNK_ROWS = 2048
INFERENCE_ROWS = 1_000_000


class JsonSource:
    """A file of JSON objects."""

    def __init__(self, path: Path, *, lines: bool, name: str | None = None) -> None:
        self.path = path
        self.name = name or str(path)
        self.lines = lines or not self._is_array()
        self.schema, self.rows = self._infer()

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        fields = [self.schema.field(unique_position(self.schema, name, self.name)) for name in columns]
        wanted = pa.schema(fields)
        for chunk in self._chunks(batch_rows):
            narrowed = [{name: row.get(name) for name in columns} for _, row in chunk]
            yield self._batch(narrowed, wanted, chunk[0][0])

    def _batch(self, rows: list[dict[str, Any]], schema: pa.Schema, first_line: int) -> pa.RecordBatch:
        try:
            arrays = [pa.array([_exact(row[f.name], f.type) for row in rows], type=f.type) for f in schema]
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            where = f"{self.name}, near line {first_line}"
            raise DataError(f"{where}: {error}", hint="give the field one type throughout") from error
        if not arrays:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * len(rows), type=pa.struct([])))
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _is_array(self) -> bool:
        with open_bytes(self.path) as stream:
            head: bytes = stream.read(4096)
        return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")

    def _infer(self) -> tuple[pa.Schema, int | None]:
        types: dict[str, pa.DataType] = {}
        rows = 0
        for chunk in self._chunks(CHUNK_ROWS):
            rows += len(chunk)
            names = dict.fromkeys(name for _, row in chunk for name in row)
            for name in names:
                types[name] = self._widened(name, types.get(name, pa.null()), chunk)
            if rows >= INFERENCE_ROWS:
                return pa.schema(list(types.items())), None
        if not rows and not self._anything():
            raise DataError(f"{self.name} is empty", hint="each line is one JSON object")
        return pa.schema(list(types.items())), rows

    def _anything(self) -> bool:
        with open_bytes(self.path) as stream:
            return bool(stream.read(1 << 16).strip())

    def _widened(self, name: str, before: pa.DataType, chunk: list[tuple[int, dict[str, Any]]]) -> pa.DataType:
        values = [row.get(name) for _, row in chunk]
        try:
            return _common(before, pa.array(values).type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            pass
        seen = before
        for line, row in chunk:
            if row.get(name) is None:
                continue
            try:
                seen = _common(seen, pa.array([row[name]]).type)
            except OverflowError as error:
                message = f"{self.name}, line {line}: the number in `{name}` does not fit into 64 bits"
                raise DataError(message, hint="write it as a text, or as a decimal number") from error
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                found = f"the field `{name}` is {_said(row[name])}, and {_type_said(seen)} before"
                hint = "give the field one type throughout"
                raise DataError(f"{self.name}, line {line}: {found}", hint=hint) from error
        return seen

    def _chunks(self, rows: int) -> Iterator[list[tuple[int, dict[str, Any]]]]:
        objects = self._objects()
        while chunk := list(islice(objects, rows)):
            yield chunk

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the objects with their line (of an array: their position), counted from 1."""
        try:
            with open_bytes(self.path) as stream:
                text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="\n")
                yield from self._from_lines(text) if self.lines else self._from_array(text)
        except UnicodeDecodeError as error:
            raise invalid_utf8(self.path) or DataError(f"{self.name} is not UTF-8") from error
        except OSError as error:
            raise unreadable(self.path, error) from error

    def _from_lines(self, text: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            yield number, self._object(_parsed(line, f"{self.name}, line {number}"), f"line {number}")

    def _from_array(self, text: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        values = _parsed(text.read(), self.name)
        if not isinstance(values, list):
            raise DataError(f"{self.name} must hold an array of objects")
        for number, value in enumerate(values, 1):
            yield number, self._object(value, f"element {number}")

    def _object(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise DataError(f"{self.name}, {where}: an object was expected, found {_said(value)}")
        return value


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if "\n" in text.strip() else f"column {error.colno}"
        raise DataError(f"{where}: not JSON: {error.msg} at {place}") from error
    except RecursionError as error:
        raise DataError(f"{where}: nested too deeply") from error


def _common(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    """Return the type that holds values of both.

    Raises:
        ArrowTypeError: there is none.
    """
    if {str(a), str(b)} == {"int64", "double"}:
        return pa.float64()
    fields = [pa.schema([("x", a)]), pa.schema([("x", b)])]
    return pa.unify_schemas(fields, promote_options="permissive").field("x").type


def _exact(value: Any, type_: pa.DataType) -> Any:
    return float(value) if pa.types.is_floating(type_) and isinstance(value, int) else value


def _said(value: Any) -> str:
    words = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return words.get(type(value), "null")


def _type_said(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return "a list"
    if pa.types.is_struct(type_):
        return "an object"
    if pa.types.is_string(type_):
        return "a text"
    return "a boolean" if pa.types.is_boolean(type_) else "a number"
