"""A few rows of a corpus, for the planner to look at."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from falconql.runtime.io.base import TableSource


def sample(source: TableSource, columns: Sequence[str], rows: int = 256) -> pa.RecordBatch:
    """Return the first ``rows`` rows of some columns, fewer if there are not so many.

    The head and not a random choice: it costs one read of the first block whatever the format.

    Raises:
        DataError: the corpus cannot be read.
    """
    taken: list[pa.RecordBatch] = []
    missing = rows
    batches = source.batches(list(columns), None, batch_rows=rows)
    for batch in batches:
        taken.append(batch.slice(0, missing))
        missing -= taken[-1].num_rows
        if missing <= 0:
            break
    if not taken:
        schema = pa.schema([source.schema.field(source.schema.get_field_index(name)) for name in columns])
        return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)
    return pa.Table.from_batches(taken).combine_chunks().to_batches()[0] if missing < rows else taken[0]
