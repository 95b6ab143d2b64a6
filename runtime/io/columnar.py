"""Parquet and Arrow files, and tables in memory: formats that know their schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.csv import cut, unique_position
from falconql.runtime.io.opening import open_bytes, unreadable
from falconql.runtime.io.pruning import may_match


class ParquetSource:
    """One Parquet file: only the columns asked for, without row groups that cannot match."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        metadata = self._file.metadata
        self.schema = self._file.schema_arrow
        self.rows: int | None = metadata.num_rows

    @cached_property
    def _file(self) -> Any:
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, OSError) and error.errno:
                raise unreadable(self.path, error) from error
            raise DataError(f"{self.path} is not a Parquet file, or is cut off: {_short(error)}") from error

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for name in columns:
            unique_position(self.schema, name, self.name)
        metadata = self._file.metadata
        groups = [g for g in range(metadata.num_row_groups) if may_match(filter, metadata.row_group(g), self.schema)]
        try:
            if not columns:
                for group in groups:
                    yield from _no_columns(metadata.row_group(group).num_rows, batch_rows)
                return
            for batch in self._file.iter_batches(batch_size=batch_rows, row_groups=groups, columns=list(columns)):
                yield batch.select(list(columns))
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{self.path} is damaged: {_short(error)}") from error


class ArrowSource:
    """One Arrow IPC file or stream (Feather included)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        with self._open() as reader:
            self.schema = reader.schema
            is_file = isinstance(reader, pa.ipc.RecordBatchFileReader)
            self.rows: int | None = None
            if is_file:
                self.rows = sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))

    def _open(self) -> Any:
        try:
            with open_bytes(self.path) as stream:
                is_file = stream.read(6) == b"ARROW1"
            if is_file:
                return pa.ipc.open_file(pa.memory_map(str(self.path)))
            return pa.ipc.open_stream(open_bytes(self.path))
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{self.path} is not an Arrow file, or is cut off: {_short(error)}") from error

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for name in columns:
            unique_position(self.schema, name, self.name)
        try:
            with self._open() as reader:
                for batch in _batches_of(reader):
                    yield from _narrowed(batch, columns, batch_rows)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{self.path} is damaged: {_short(error)}") from error


def _batches_of(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)
    else:
        yield from reader


class TableInMemory:
    """A table somebody already holds."""

    def __init__(self, table: pa.Table, name: str = "the data") -> None:
        self.table = table
        self.name = name
        self.schema = table.schema
        self.rows: int | None = table.num_rows

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for name in columns:
            unique_position(self.schema, name, self.name)
        if not columns:
            yield from _no_columns(self.table.num_rows, batch_rows)
            return
        yield from self.table.select(list(columns)).to_batches(max_chunksize=batch_rows)


def _narrowed(batch: pa.RecordBatch, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    if columns:
        yield from cut(batch.select(list(columns)), rows)
    else:
        yield from _no_columns(batch.num_rows, rows)


def _no_columns(rows: int, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield batches that have rows but no columns."""
    for start in range(0, rows, batch_rows):
        length = min(batch_rows, rows - start)
        yield pa.RecordBatch.from_struct_array(pa.array([{}] * length, type=pa.struct([])))


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
