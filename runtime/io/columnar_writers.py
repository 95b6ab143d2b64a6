"""Results as Parquet and Arrow. Small batches are gathered: a row group of a few rows costs more than it holds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from falconql.runtime.io.arrow import without_views

_GROUP_ROWS = 131_072
_GROUP_BYTES = 64 << 20
# What a column of a batch costs beside its values: with few rows in a batch that is most of it.
_COLUMN_BYTES = 512


class _Gatherer:
    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._kept: list[pa.RecordBatch] = []
        self._rows = self.bytes = 0

    def add(self, batch: pa.RecordBatch) -> pa.Table | None:
        """Take a batch; return all rows gathered when they are many."""
        self._kept.append(batch)
        self._rows += batch.num_rows
        self.bytes += batch.nbytes + _COLUMN_BYTES * batch.num_columns
        return self.rest() if self._rows >= _GROUP_ROWS or self.bytes >= _GROUP_BYTES else None

    def rest(self) -> pa.Table | None:
        table = pa.Table.from_batches(self._kept, schema=self._schema) if self._rows else None
        self._kept, self._rows, self.bytes = [], 0, 0
        return table


class ParquetWriter:
    """Parquet, compressed with Zstandard."""

    def __init__(self, output: Any, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._gathered = _Gatherer(schema)
        self._schema = pa.schema([field.with_type(without_views(field.type)) for field in schema])
        self._writer = pq.ParquetWriter(output, self._schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        self._put(self._gathered.add(batch))

    @property
    def held(self) -> int:
        return self._gathered.bytes

    def spill(self) -> None:
        self._put(self._gathered.rest())

    def close(self) -> None:
        self.spill()
        self._writer.close()

    def _put(self, table: pa.Table | None) -> None:
        if table is not None:
            self._writer.write_table(table.cast(self._schema), row_group_size=_GROUP_ROWS)


class ArrowWriter:
    """Arrow IPC: a file (Feather version 2), or a stream for who reads along."""

    def __init__(self, output: Any, schema: pa.Schema, *, stream: bool) -> None:
        self._gathered = None if stream else _Gatherer(schema)
        if stream:
            self._writer = pa.ipc.new_stream(output, schema)
        else:
            options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
            self._writer = pa.ipc.new_file(output, schema, options=options)

    def write(self, batch: pa.RecordBatch) -> None:
        if self._gathered is None:
            self._writer.write_batch(batch)
        else:
            self._put(self._gathered.add(batch))

    @property
    def held(self) -> int:
        return 0 if self._gathered is None else self._gathered.bytes

    def spill(self) -> None:
        if self._gathered is not None:
            self._put(self._gathered.rest())

    def close(self) -> None:
        self.spill()
        self._writer.close()

    def _put(self, table: pa.Table | None) -> None:
        if table is not None:
            for batch in table.combine_chunks().to_batches():
                self._writer.write_batch(batch)
