"""A few rows of a corpus, for the planner to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import pyarrow as pa

from falconql.runtime.io.base import TableSource
from falconql.runtime.io.columns import rows_without_columns

SAMPLED_ROWS = 512


@runtime_checkable
class Sampled(Protocol):
    """A corpus that can be read in several places."""

    def sample(self, columns: Sequence[str], rows: int) -> pa.RecordBatch:
        """Return at most ``rows`` rows from all over the corpus, the same every time."""


def sample(source: TableSource, columns: Sequence[str], rows: int = SAMPLED_ROWS) -> pa.RecordBatch:
    """Return ``rows`` rows of some columns, fewer if there are not so many; the same every time.

    From all over the corpus where that is cheap (Parquet, Arrow files, tables in memory), else from its
    beginning.

    Raises:
        DataError: the corpus cannot be read, or lacks a column.
    """
    if isinstance(source, Sampled):
        return source.sample(columns, rows)
    taken: list[pa.RecordBatch] = []
    missing = rows
    for batch in source.batches(columns, None, batch_rows=rows):
        taken.append(batch.slice(0, missing))
        missing -= taken[-1].num_rows
        if missing <= 0:
            break
    if not columns:
        return rows_without_columns(rows - missing)
    schema = pa.schema([source.schema.field(source.schema.get_field_index(name)) for name in columns])
    return pa.concat_batches(taken) if taken else pa.RecordBatch.from_pylist([], schema=schema)
