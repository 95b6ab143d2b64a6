"""Opening an output: from a path or stream to the writer of its format.

A file is written under a hidden name beside its target, flushed to disk and renamed at the end, so that
nobody ever sees half of it; an existing file stays until then.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import IO, Any, Protocol

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.io.address import check_scheme, is_database, scheme_of, shown
from falconql.runtime.io.base import TableSink
from falconql.runtime.io.formats import (
    COLUMNAR,
    ENDINGS,
    OUTPUT_FORMATS,
    Compression,
    Format,
    format_of_name,
    known_format,
)
from falconql.runtime.io.output import Output, OutputClosed, StreamTarget, Target, file_target

__all__ = ["OutputClosed", "open_sink"]

_KNOWN = ", ".join(ending for ending, name in ENDINGS.items() if name in OUTPUT_FORMATS)


class Writer(Protocol):
    """One format: rows in, bytes out."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""

    def close(self) -> None:
        """Write what belongs at the end."""


def open_sink(
    target: str | os.PathLike[str] | IO[bytes],
    schema: pa.Schema,
    *,
    format: str | None = None,
    workplace: str | None = None,
    partition_by: Sequence[str] = (),
) -> TableSink:
    """Open an output; see ``falconql.runtime.io.open_sink``."""
    wanted = None if format is None else known_format(format, OUTPUT_FORMATS)
    if not isinstance(target, str | os.PathLike):
        return Sink(StreamTarget(target), schema, _writers(wanted or "csv", stream=True), live=True)
    named = os.fspath(target)
    if is_database(named):
        return _table(named, schema, wanted, partition_by, workplace)
    elsewhere = scheme_of(named) is not None
    if elsewhere:
        check_scheme(named)
    if partition_by:
        from falconql.runtime.io.partitioned_sink import PartitionedSink

        return PartitionedSink(named, schema, partition_by, wanted or "parquet", workplace)
    path = shown(named) if elsewhere else os.path.expanduser(named)
    found, compression = format_of_name(path)
    chosen = wanted or (found if found in OUTPUT_FORMATS else None)
    if chosen is None and (elsewhere or not os.path.isdir(path)):
        message = f"{path}: the ending does not tell the format of the output"
        raise DataError(message, hint=f"known endings are {_KNOWN}")
    if compression is not None and chosen in COLUMNAR:
        raise DataError(
            f"{path}: {chosen} files are compressed inside, not as a whole", hint="leave the last ending out"
        )
    # Modules first: the file in the making shows that writing begins.
    make = _writers(chosen or "csv", stream=path.lower().endswith(".arrows"))
    return Sink(_target(named, path, workplace), schema, make, compression, live=False)


def _target(named: str, path: str, workplace: str | None) -> Target:
    if scheme_of(named) is None:
        return file_target(path, workplace)
    from falconql.runtime.io.remote.target import RemoteTarget

    return RemoteTarget(named, workplace)


def _table(
    named: str, schema: pa.Schema, format_: Format | None, partition_by: Sequence[str], workplace: str | None
) -> TableSink:
    from falconql.runtime.io.sql.address import database
    from falconql.runtime.io.sql.sink import SqlSink

    if format_ is not None or partition_by:
        raise DataError(f"{shown(named)}: a table of a database has neither a format nor partitions")
    return SqlSink(database(named), schema, workplace)


class Sink:
    """A result on its way out.

    Args:
        target: where the bytes go.
        schema: of all batches.
        make: makes the writer of the format.
        compression: of the whole.
        live: somebody reads along, so that every batch is passed on at once.
    """

    def __init__(
        self,
        target: Target,
        schema: pa.Schema,
        make: Callable[[Any, pa.Schema], Writer],
        compression: Compression | None = None,
        *,
        live: bool,
    ) -> None:
        self.target = target
        self._live = live
        self._output = Output(target)
        self._packed: Any = None
        self._writer: Writer | None = None
        self._done = False
        with self._undone_on_failure():
            if compression is not None:
                self._packed = pa.CompressedOutputStream(pa.PythonFile(self._output, mode="w"), compression)
            self._writer = make(self._packed or self._output, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows; a stream passes them on at once."""
        with self._undone_on_failure():
            assert self._writer is not None
            self._writer.write(batch)
            if self._live:
                self._output.flush()

    @property
    def held(self) -> int:
        """How many bytes of rows wait in memory until there are enough of them for a group of rows."""
        return int(getattr(self._writer, "held", 0))

    def spill(self) -> None:
        """Write the rows that wait as a group, however few they are."""
        with self._undone_on_failure():
            if self.held:
                self._writer.spill()  # type: ignore[union-attr]

    def commit(self) -> None:
        """Finish; now a file exists under its name."""
        with self._undone_on_failure():
            assert self._writer is not None
            self._writer.close()
            if self._packed is not None:
                self._packed.close()
            self.target.commit()
            self._done = True

    def abort(self) -> None:
        """Give up; of a file nothing is left."""
        if self._done:
            return
        self._done = True
        self._output.abandon()
        # Arrow's writers write their end when they are closed, and they close when they are forgotten.
        for writer in (self._writer, self._packed):
            with contextlib.suppress(pa.ArrowException, OSError, ValueError):
                if writer is not None:
                    writer.close()
        self.target.abort()

    @contextlib.contextmanager
    def _undone_on_failure(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            self.abort()
            raise DataError(f"{self.target.name} cannot be written: {error}") from error
        except BaseException:
            self.abort()
            raise


def _writers(format_: Format, *, stream: bool) -> Callable[[Any, pa.Schema], Writer]:
    """Return what makes the writer of a format; the modules of other formats are not even loaded."""
    if format_ in ("csv", "tsv"):
        from falconql.runtime.io.csv_writer import CsvWriter

        return partial(CsvWriter, delimiter="\t" if format_ == "tsv" else ",")
    if format_ in ("json", "jsonl"):
        from falconql.runtime.io.json_writer import JsonWriter

        return partial(JsonWriter, lines=format_ == "jsonl")
    from falconql.runtime.io.columnar_writers import ArrowWriter, ParquetWriter

    return ParquetWriter if format_ == "parquet" else partial(ArrowWriter, stream=stream)
