"""Tables in memory as a corpus: pyarrow, and whatever speaks the Arrow PyCapsule interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.columns import batch_of, positions, rows_without_columns

_PANDAS_INDEX = "__index_level_"


class MemorySource:
    """A table that is in memory; batches are views of it."""

    def __init__(self, table: pa.Table, name: str = "the corpus") -> None:
        self.table = table
        self.name = name
        self.schema: pa.Schema = table.schema
        self.rows: int | None = table.num_rows

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        wanted = positions(self.schema, columns, self.name)
        if not wanted:
            for start in range(0, self.table.num_rows, batch_rows):
                yield rows_without_columns(min(batch_rows, self.table.num_rows - start))
            return
        for batch in self.table.select(wanted).to_batches(max_chunksize=batch_rows):
            if batch.num_rows:
                yield batch

    def sample(self, columns: Sequence[str], rows: int) -> pa.RecordBatch:
        wanted = positions(self.schema, columns, self.name)
        total = self.table.num_rows
        table = self.table.select(wanted)
        if total > rows:
            table = table.take(pa.array([i * total // rows for i in range(rows)]))
        arrays = [column.combine_chunks() for column in table.columns]
        return batch_of(arrays, columns, min(rows, total))


def is_table(data: object) -> bool:
    """Return whether an object can be read as a table."""
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


def table_source(data: Any) -> MemorySource:
    """Return a table object as a corpus; a stream of batches is read into memory.

    Raises:
        DataError: Arrow cannot take the columns.
    """
    try:
        table = _table(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(
            f"this {type(data).__name__} cannot be read as a table: {error}",
            # What pandas says itself, of columns of one name, has nothing to do with types.
            hint="every column must hold values of one type" if isinstance(error, pa.ArrowException) else None,
        ) from error
    return MemorySource(_without_index(table), f"the {type(data).__name__}")


def _table(data: Any) -> pa.Table:
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    return pa.table(data)


def _without_index(table: pa.Table) -> pa.Table:
    """Drop the row labels without a name that pandas hands over, and all metadata."""
    if table.schema.metadata is not None and b"pandas" in table.schema.metadata:
        table = table.select([i for i, name in enumerate(table.schema.names) if not name.startswith(_PANDAS_INDEX)])
    return table.replace_schema_metadata(None)
