"""What every source does with the columns it is asked for. Pure functions on schemas and batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

import pyarrow as pa

from falconql.runtime.errors import DataError


def positions(schema: pa.Schema, columns: Sequence[str], name: str) -> list[int]:
    """Return where the asked columns stand in a schema.

    Raises:
        DataError: a column is missing, or its name stands there more than once.
    """
    found = []
    for column in columns:
        at = schema.get_all_field_indices(column)
        if len(at) > 1:
            raise DataError(
                f"{name} has {len(at)} columns called `{column}`",
                hint="rename them in the file so that each has a name of its own",
            )
        if not at:
            near = get_close_matches(column, schema.names, n=1)
            hint = f"did you mean `{near[0]}`?" if near else None
            raise DataError(f"{name} has no column `{column}`", hint=hint)
        found.append(at[0])
    return found


def rows_without_columns(rows: int) -> pa.RecordBatch:
    """Return a batch that has rows but no columns."""
    return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), rows, [None]))


def batch_of(arrays: Sequence[pa.Array], names: Sequence[str], rows: int) -> pa.RecordBatch:
    """Return a batch, also of no columns; duplicate names are fine."""
    return pa.RecordBatch.from_arrays(list(arrays), names=list(names)) if names else rows_without_columns(rows)


def sound(batch: pa.RecordBatch, name: str, *, texts_only: bool = False) -> pa.RecordBatch:
    """Return a batch of which every length, place and text has been checked.

    Arrow believes what a file of its own says of them: of a damaged one it reads memory that is not its own.

    Args:
        batch: what was read.
        name: what the source is called in messages.
        texts_only: lengths and places are Arrow's own: columns without text need no check. That of a decimal would
            refuse numbers of more digits than their type says, which others write and Arrow reads.

    Raises:
        DataError: a column is damaged, or has text that is not UTF-8.
    """
    for column, array in zip(batch.schema.names, batch.columns, strict=True):
        if texts_only and (pa.types.is_primitive(array.type) or pa.types.is_decimal(array.type)):
            continue
        try:
            array.validate(full=True)
        except pa.ArrowInvalid as error:
            text = "UTF8" in str(error)
            what = "has text that is not UTF-8" if text else "is damaged"
            hint = "write the file again with its text in UTF-8" if text else "fetch or write the file again"
            raise DataError(f"{name}: the column `{column}` {what}: {error}", hint=hint) from error
    return batch


def cut(batch: pa.RecordBatch, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a batch in parts of at most ``batch_rows`` rows."""
    if batch.num_rows <= batch_rows:
        if batch.num_rows:
            yield batch
        return
    for start in range(0, batch.num_rows, batch_rows):
        yield batch.slice(start, batch_rows)
