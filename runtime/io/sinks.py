"""Results out: Parquet, Arrow, CSV, TSV, JSON and JSON lines, to files and streams.

A file is written under a hidden name beside its target, flushed to disk and renamed at the end, so that
nobody ever sees half of it; an existing file stays until then. Span columns are structs where the
format can hold them, objects in JSON, and their text in CSV.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import json
import math
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.errors import DataError
from falconql.runtime.io.arrow import SPAN_TYPE

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
}


class OutputClosed(DataError):
    """Whoever read the output has gone away (``| head``); there is nobody to tell."""


class _Writer(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


def open_file_sink(path: Path, schema: pa.Schema, format_: str | None = None) -> FileSink:
    """Open a file for a result; see ``falconql.runtime.io.open_sink``."""
    packed = path.suffix.lower() == ".gz"
    ending = (path.with_suffix("") if packed else path).suffix.lower()
    chosen = format_ or FORMATS.get(ending)
    if chosen is None:
        raise DataError(f"{path}: the ending does not tell a format", hint=f"known endings are {', '.join(FORMATS)}")
    folder = path.parent
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder} to write {path.name} into", hint="make it first, or name another")
    if os.path.isdir(path):  # unlike Path.is_dir, false in a folder that may not be entered
        raise DataError(f"{path} is a folder", hint="name a file to write")
    return FileSink(path, schema, chosen, packed=packed)


class FileSink:
    """A file in the making."""

    def __init__(self, path: Path, schema: pa.Schema, format_: str, *, packed: bool) -> None:
        # A link stays a link: what it points to is replaced.
        self.path = path.resolve() if path.is_symlink() else path
        self.partial = self.path.with_name(f".{self.path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
        try:
            self._file: Any = self.partial.open("xb")
        except OSError as error:
            raise self._failed(error) from error
        self._stream = gzip.GzipFile(fileobj=self._file, mode="wb", mtime=0) if packed else self._file
        self._writer = self._guard(lambda: _writer(self._stream, schema, format_, file=True))

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        self._guard(lambda: self._writer.write(batch))

    def commit(self) -> None:
        """Finish; now the file exists under its name."""

        def finish() -> None:
            self._writer.close()
            if self._stream is not self._file:
                self._stream.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if self.path.exists():
                os.chmod(self.partial, self.path.stat().st_mode & 0o7777)
            os.replace(self.partial, self.path)

        self._guard(finish)

    def abort(self) -> None:
        """Give up; nothing is left."""
        with contextlib.suppress(OSError, ValueError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.partial.unlink()

    def _guard(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except OSError as error:
            self.abort()
            raise self._failed(error) from error
        except BaseException:
            self.abort()
            raise

    def _failed(self, error: OSError) -> DataError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        hint = "free some space, or write to another disk; nothing was left behind" if full else None
        reason = error.strerror or str(error)
        return DataError(f"{self.path} cannot be written: {reason}", hint=hint)


def open_stream_sink(stream: IO[bytes], schema: pa.Schema, format_: str) -> StreamSink:
    """Write a result to a stream such as standard output."""
    return StreamSink(stream, schema, format_)


class StreamSink:
    """A stream that takes rows as they come."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema, format_: str) -> None:
        self._stream = stream
        self._writer: _Writer = self._guard(lambda: _writer(stream, schema, format_, file=False))

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows and pass them on."""
        self._guard(lambda: self._writer.write(batch))
        self._guard(self._stream.flush)

    def commit(self) -> None:
        """Write what belongs at the end."""
        self._guard(self._writer.close)
        self._guard(self._stream.flush)

    def abort(self) -> None:
        """Nothing can be taken back from a stream."""

    def _guard(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except BrokenPipeError as error:
            raise OutputClosed("the output was closed by its reader") from error
        except OSError as error:
            raise DataError(f"the output cannot be written: {error.strerror or error}") from error


def _writer(stream: Any, schema: pa.Schema, format_: str, *, file: bool) -> _Writer:
    if format_ == "parquet":
        import pyarrow.parquet as pq

        sink = stream if file else _Unseekable(stream)
        return _ArrowWriter(pq.ParquetWriter(sink, schema, compression="zstd"), "write_batch")
    if format_ == "arrow":
        options = pa.ipc.IpcWriteOptions(compression="zstd" if file else None)
        make = pa.ipc.new_file if file else pa.ipc.new_stream
        return _ArrowWriter(make(_Unseekable(stream), schema, options=options), "write_batch")
    if format_ in ("csv", "tsv"):
        return _CsvWriter(stream, schema, "\t" if format_ == "tsv" else ",")
    if format_ in ("json", "jsonl"):
        return _JsonWriter(stream, lines=format_ == "jsonl")
    raise DataError(f"{format_!r} is no output format", hint="formats are parquet, arrow, csv, tsv, jsonl and json")


class _Unseekable(io.RawIOBase):
    """A stream that Arrow must not close, nor ask where it is."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        view = bytes(data)
        self._stream.write(view)
        self._position += len(view)
        return len(view)

    def flush(self) -> None:
        if not self.closed:
            self._stream.flush()


class _ArrowWriter:
    def __init__(self, writer: Any, method: str) -> None:
        self._writer = writer
        self._write = getattr(writer, method)

    def write(self, batch: pa.RecordBatch) -> None:
        self._write(batch)

    def close(self) -> None:
        self._writer.close()


class _CsvWriter:
    """Arrow's CSV writer, after columns it cannot write became texts."""

    def __init__(self, stream: Any, schema: pa.Schema, delimiter: str) -> None:
        import pyarrow.csv as pa_csv

        self._schema = pa.schema([pa.field(f.name, _csv_type(f.type)) for f in schema])
        options = pa_csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
        self._writer = pa_csv.CSVWriter(_Unseekable(stream), self._schema, write_options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        arrays = [_csv_column(c, f.type) for c, f in zip(batch.columns, self._schema, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def _csv_type(type_: pa.DataType) -> pa.DataType:
    kinds = pa.types
    simple = (kinds.is_boolean, kinds.is_integer, kinds.is_floating, kinds.is_string, kinds.is_date, kinds.is_null)
    return type_ if any(test(type_) for test in simple) else pa.string()


def _csv_column(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if column.type == type_:
        if pa.types.is_floating(type_):
            # "nan" in a file is a word to most readers.
            return pc.if_else(pc.is_nan(column), pa.scalar(None, type_), column)
        return column
    if column.type == SPAN_TYPE:
        return pa.array([None if span is None else span["text"] for span in column.to_pylist()], pa.string())
    return pa.array([_csv_text(value) for value in column.to_pylist()], pa.string())


def _csv_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        plain = [v["text"] if isinstance(v, dict) and set(v) == {"text", "start", "end", "score"} else v for v in value]
        return json.dumps([json_value(v) for v in plain], ensure_ascii=False)
    return str(json_value(value)) if not isinstance(value, dict) else json.dumps(json_value(value), ensure_ascii=False)


class _JsonWriter:
    def __init__(self, stream: Any, *, lines: bool) -> None:
        self._stream = stream
        self._lines = lines
        self._first = True

    def write(self, batch: pa.RecordBatch) -> None:
        for row in batch.to_pylist():
            text = json.dumps({name: json_value(value) for name, value in row.items()}, ensure_ascii=False)
            lead = "" if self._lines else "[\n" if self._first else ",\n"
            tail = "\n" if self._lines else ""
            self._stream.write((lead + text + tail).encode("utf-8", "replace"))
            self._first = False

    def close(self) -> None:
        if not self._lines:
            self._stream.write(b"[]\n" if self._first else b"\n]\n")


def json_value(value: Any) -> Any:
    """Return a value as JSON can hold it: dates as ISO texts, bytes in hexadecimal, NaN as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat is not None else str(value)
