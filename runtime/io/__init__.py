"""Corpora in, results out: one module per format, loaded when it is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from falconql.runtime.io.base import TableSink, TableSource

__all__ = ["open_sink", "open_source"]


def open_source(location: Any, *, format: str | None = None, stdin: IO[bytes] | None = None) -> TableSource:
    """Open a corpus.

    Args:
        location: a file, a folder of data files, a glob, the address of one (``s3://``, ``gs://``, ``hf://``,
            ``https://``) or of a table in a database (``sqlite://``, ``postgresql://``), ``-`` for standard input, or
            any object that speaks the Arrow PyCapsule interface (pandas, Polars, DuckDB and pyarrow tables).
        format: csv, tsv, jsonl, json, parquet, arrow or txt; for standard input and for files whose ending
            does not tell. Left out: found from the ending, else from the first bytes.
        stdin: what ``-`` reads; the process's standard input if left out.

    Raises:
        DataError: there is nothing, or it cannot be read; the message names file, line and remedy.
    """
    from falconql.runtime.io import source

    return source.open_source(location, format=format, stdin=stdin)


def open_sink(
    target: str | os.PathLike[str] | IO[bytes],
    schema: pa.Schema,
    *,
    format: str | None = None,
    workplace: str | None = None,
    partition_by: Sequence[str] = (),
) -> TableSink:
    """Open an output by the ending of a path, or a stream with its format (csv if left out).

    A file appears under its name only when it is complete (``commit``); in the making it is in ``workplace``, a
    folder on the same disk, by default hidden beside its name. Stores (``s3://``, ``gs://``, ``hf://``) take a file
    when it is complete, a table of a database all rows in one transaction. With ``partition_by``, columns of the
    result, the target is a folder of files.

    Raises:
        DataError: the folder is missing or cannot be written, or the ending is not known.
    """
    from falconql.runtime.io import sinks

    return sinks.open_sink(target, schema, format=format, workplace=workplace, partition_by=partition_by)
