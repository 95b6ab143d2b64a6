"""Parquet files as a corpus: only the columns asked for, without the row groups that statistics rule out."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.columns import batch_of, positions, rows_without_columns, sound
from falconql.runtime.io.inputs import InputFile
from falconql.runtime.io.pruning import Range, may_be_true

# Pages are read through a buffer of this size; without it Arrow loads a whole column of a row group.
_BUFFER_BYTES = 1 << 20
_SAMPLED_GROUPS = 8


class ParquetSource:
    """One Parquet file.

    Raises:
        DataError: it cannot be opened, or is no Parquet file.
    """

    def __init__(self, file: InputFile) -> None:
        self.file = file
        self.name = file.name
        self.metadata: Any = None
        self._far = file.remote is not None
        with self._opened() as parquet:
            self.schema: pa.Schema = parquet.schema_arrow.remove_metadata()
            _ = self.schema.names  # a name that is no UTF-8 fails only when it is looked at
            self.metadata = parquet.metadata
        self.rows: int | None = self.metadata.num_rows
        self.groups = range(self.metadata.num_row_groups)

    def part(self, groups: range) -> ParquetSource:
        """Return some row groups of the file as a corpus of its own."""
        found = copy.copy(self)
        found.groups = groups
        found.rows = self.part_rows(groups)
        return found

    def part_rows(self, groups: Sequence[int]) -> int:
        """Return how many rows are in some row groups."""
        return sum(self.metadata.row_group(group).num_rows for group in groups)

    def groups_read(self, filter: Expr | None) -> list[int]:
        """Return the row groups that statistics do not rule out."""
        return [group for group in self.groups if filter is None or self._may_pass(group, filter)]

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        wanted = positions(self.schema, columns, self.name)
        yield from self._read(wanted, columns, self.groups_read(filter), batch_rows)

    def sample(self, columns: Sequence[str], rows: int) -> pa.RecordBatch:
        """Return rows from the heads of row groups that are spread over the file."""
        wanted = positions(self.schema, columns, self.name)
        total = self.metadata.num_row_groups
        count = min(total, _SAMPLED_GROUPS, rows)
        groups = sorted({i * total // count for i in range(count)}) if count else []
        parts: list[pa.RecordBatch] = []
        left = rows
        for i, group in enumerate(groups):
            share = -(-left // (len(groups) - i))
            part = next(self._read(wanted, columns, [group], share), None)
            if part is not None:
                parts.append(part)
                left -= part.num_rows
        schema = pa.schema([self.schema.field(i) for i in wanted])
        if not wanted:
            return rows_without_columns(rows - left)
        table = pa.Table.from_batches(parts, schema=schema).combine_chunks()
        return next(iter(table.to_batches()), pa.RecordBatch.from_pylist([], schema=schema))

    def _read(
        self, wanted: list[int], columns: Sequence[str], groups: list[int], batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        if not wanted:
            for rows in (self.metadata.row_group(g).num_rows for g in groups):
                for start in range(0, rows, batch_rows):
                    yield rows_without_columns(min(batch_rows, rows - start))
            return
        if not groups:
            return
        # What is fetched ahead is kept until it is read: of one row group, then, not of all.
        shares = [[group] for group in groups] if self._far else [groups]
        with self._opened() as parquet:
            for batch in (
                batch
                for share in shares
                for batch in parquet.iter_batches(batch_rows, row_groups=share, columns=list(columns), use_threads=True)
            ):
                if batch.num_rows:
                    # Arrow keeps the order of the file, and `a` also brings a column called `a.b`.
                    chosen = batch_of([batch.column(name) for name in columns], columns, batch.num_rows)
                    yield sound(chosen, self.name, texts_only=True)

    def _may_pass(self, group: int, filter: Expr) -> bool:
        ranges = ranges_of(self.metadata.row_group(group), self.schema)
        return may_be_true(filter, ranges)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        import pyarrow.parquet as pq

        try:
            with self.file.reading(), ExitStack() as stack:
                where = stack.enter_context(self.file.anywhere())
                # Over a network the parts of columns that lie together are fetched together.
                options = {"pre_buffer": True} if self._far else {"pre_buffer": False, "buffer_size": _BUFFER_BYTES}
                # Arrow would give times of 96 bits, as Spark has them, nanoseconds, and others outside of 1677 to 2262.
                parquet = pq.ParquetFile(where, metadata=self.metadata, coerce_int96_timestamp_unit="us", **options)
                yield stack.enter_context(parquet)
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise DataError(f"{self.name} is no Parquet file, or is damaged: {error}") from error


def ranges_of(group: Any, schema: pa.Schema) -> dict[str, Range]:
    """Return what the statistics of a row group say of each flat column with a name of its own."""
    found: dict[str, Range] = {}
    for i in range(group.num_columns):
        chunk = group.column(i)
        name = chunk.path_in_schema
        at = schema.get_all_field_indices(name)
        if len(at) != 1 or pa.types.is_nested(schema.field(at[0]).type) or not chunk.is_stats_set:
            continue
        if name in found:
            # A struct `a` with a field `b` and a column `a.b` have one path.
            found[name] = Range()
            continue
        statistics = chunk.statistics
        found[name] = Range.of(
            schema.field(at[0]).type,
            _bounds(statistics),
            nulls=statistics.null_count if statistics.has_null_count else None,
            rows=group.num_rows,
        )
    return found


def _bounds(statistics: Any) -> tuple[Any, Any] | None:
    if not statistics.has_min_max:
        return None
    try:
        return statistics.min, statistics.max
    except (OverflowError, ValueError):
        # A time that Python cannot say, before the year 1 or with nanoseconds.
        return None
