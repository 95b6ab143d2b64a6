"""Corpora in, results out: one module per format."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from falconql.runtime.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from falconql.runtime.io.base import TableSink, TableSource
    from falconql.runtime.io.locate import Format

__all__ = ["open_sink", "open_source"]


def open_source(location: object, *, format: Format | None = None, stdin: IO[bytes] | None = None) -> TableSource:
    """Open a corpus.

    Args:
        location: a path, a folder, a glob, ``-`` for standard input, or any object that speaks the Arrow
            PyCapsule interface (pandas, Polars, DuckDB and pyarrow tables).
        format: for standard input and files whose ending does not tell.
        stdin: what ``-`` reads; ``sys.stdin`` if left out.

    Raises:
        DataError: there is nothing, or it cannot be read.
    """
    if not isinstance(location, (str, os.PathLike)):
        return _in_memory(location)
    if str(location) == "-":
        from falconql.runtime.io.standard_input import spool

        path, found = spool(stdin or sys.stdin.buffer, format)
        return _file(path, found, "standard input")
    from falconql.runtime.io.locate import locate

    files = locate(os.fspath(location), format)
    if files.format == "txt" and (files.folder or len(files.paths) > 1):
        from falconql.runtime.io.text import FolderOfTexts

        return FolderOfTexts(files.paths, str(location))
    sources = [_file(path, files.format) for path in files.paths]
    if len(sources) == 1:
        return sources[0]
    from falconql.runtime.io.several import SeveralFiles

    return SeveralFiles(sources, str(location))


def _file(path: Path, format_: Format, name: str | None = None) -> TableSource:
    """Open one file; the modules of other formats are not even loaded."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if format_ in ("csv", "tsv"):
        from falconql.runtime.io.csv import CsvSource

        return CsvSource(path, "\t" if format_ == "tsv" else None, name)
    if format_ in ("json", "jsonl"):
        from falconql.runtime.io.json import JsonSource

        return JsonSource(path, lines=format_ == "jsonl", name=name)
    if format_ == "txt":
        from falconql.runtime.io.text import LinesSource

        return LinesSource(path, name)
    from falconql.runtime.io.columnar import ArrowSource, ParquetSource

    return ParquetSource(path) if format_ == "parquet" else ArrowSource(path)


def _in_memory(data: Any) -> TableSource:
    import pyarrow as pa

    from falconql.runtime.io.columnar import TableInMemory

    if isinstance(data, pa.RecordBatchReader):
        return TableInMemory(data.read_all())
    if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
        kind = type(data).__name__
        raise DataError(
            f"a {kind} is no corpus",
            hint="give a path, or a table that speaks the Arrow PyCapsule interface: pandas, Polars, DuckDB, pyarrow",
        )
    try:
        return TableInMemory(pa.table(data))
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"this table cannot be read: {error}") from error


def open_sink(target: str | os.PathLike[str] | IO[bytes], schema: pa.Schema, *, format: str | None = None) -> TableSink:
    """Open an output by the ending of a path, or a stream with its format.

    A file appears under its name only when it is complete (``commit``).

    Raises:
        DataError: the folder is missing or cannot be written, or the ending is not known.
    """
    from falconql.runtime.io.sinks import open_file_sink, open_stream_sink

    if isinstance(target, (str, os.PathLike)):
        return open_file_sink(Path(target), schema, format)
    return open_stream_sink(target, schema, format or "csv")
