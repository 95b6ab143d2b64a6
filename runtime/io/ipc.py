"""Arrow IPC as a corpus: Feather and Arrow files, read out of the page cache, and Arrow streams."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.columns import batch_of, cut, positions, sound
from falconql.runtime.io.inputs import InputFile

_FILE_MAGIC = b"ARROW1"


class ArrowFileSource:
    """A Feather (version 2) or Arrow file: batches can be read in any order, columns one by one."""

    def __init__(self, file: InputFile) -> None:
        self.file = file
        self.name = file.name
        with self._opened(None) as reader:
            self.schema: pa.Schema = reader.schema.remove_metadata()
            _ = self.schema.names  # a name that is no UTF-8 fails only when it is looked at
        self._batch_rows = self._count()
        self.rows: int | None = sum(self._batch_rows)

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        wanted = positions(self.schema, columns, self.name)
        for number in range(len(self._batch_rows)):
            yield from cut(self._batch(number, wanted, columns), batch_rows)

    def sample(self, columns: Sequence[str], rows: int) -> pa.RecordBatch:
        """Return rows from the middle batch: files are often sorted by something, and the ends are unlike the rest."""
        wanted = positions(self.schema, columns, self.name)
        if not self._batch_rows:
            return pa.RecordBatch.from_pylist([], schema=pa.schema([self.schema.field(i) for i in wanted]))
        return self._batch(len(self._batch_rows) // 2, wanted, columns).slice(0, rows)

    def _batch(self, number: int, wanted: list[int], columns: Sequence[str]) -> pa.RecordBatch:
        with self._opened(wanted or self._lightest()) as reader:
            batch = sound(reader.get_batch(number), self.name)
            arrays = [batch.column(batch.schema.get_field_index(name)) for name in columns]
            return batch_of(arrays, columns, batch.num_rows)

    def _count(self) -> list[int]:
        with self._opened(self._lightest()) as reader:
            return [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)]

    def _lightest(self) -> list[int] | None:
        """Return the column that costs least to read, as only the number of rows is wanted."""
        widths = [(_width(field.type), i) for i, field in enumerate(self.schema)]
        return [min(widths)[1]] if widths else None

    @contextmanager
    def _opened(self, columns: list[int] | None) -> Iterator[Any]:
        options = pa.ipc.IpcReadOptions(included_fields=columns)
        file = self.file
        with _decoding(file), file.anywhere() if file.remote else pa.memory_map(os.fsencode(file.path)) as mapped:
            yield pa.ipc.open_file(mapped, options=options)


class ArrowStreamSource:
    """An Arrow stream: from the beginning to the end only."""

    def __init__(self, file: InputFile) -> None:
        self.file = file
        self.name = file.name
        self.rows: int | None = None
        with self._opened(None) as reader:
            self.schema: pa.Schema = reader.schema.remove_metadata()

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        wanted = positions(self.schema, columns, self.name)
        with self._opened(wanted or None) as reader:
            for batch in (sound(each, self.name) for each in reader):
                arrays = [batch.column(batch.schema.get_field_index(name)) for name in columns]
                yield from cut(batch_of(arrays, columns, batch.num_rows), batch_rows)

    @contextmanager
    def _opened(self, columns: list[int] | None) -> Iterator[Any]:
        with _decoding(self.file), self.file.open() as stream:
            yield pa.ipc.open_stream(stream, options=pa.ipc.IpcReadOptions(included_fields=columns))


def arrow_source(file: InputFile) -> ArrowFileSource | ArrowStreamSource:
    """Return an Arrow file or stream, by its first bytes.

    Raises:
        DataError: it is neither.
    """
    head = file.head(8)
    if head.startswith(b"FEA1"):
        raise DataError(f"{file.name} is a Feather file of version 1", hint="write it again with a current pyarrow")
    return ArrowFileSource(file) if head.startswith(_FILE_MAGIC) else ArrowStreamSource(file)


@contextmanager
def _decoding(file: InputFile) -> Iterator[None]:
    try:
        with file.reading():
            yield
    except (pa.ArrowInvalid, pa.ArrowMemoryError, UnicodeDecodeError) as error:  # sizes and names that cannot be
        raise DataError(f"{file.name} is no Arrow file, or is damaged: {error}") from error


def _width(type_: pa.DataType) -> int:
    try:
        return int(type_.bit_width)
    except ValueError:
        return 1 << 20
