"""What the tests of sources share: reading everything, and what goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from falconql.runtime.errors import DataError
from falconql.runtime.io import open_source
from falconql.runtime.io.base import TableSource


def table_of(source: TableSource, columns: Sequence[str] | None = None, batch_rows: int = 4096) -> pa.Table:
    """Return all rows; every batch keeps to what was asked."""
    wanted = source.schema.names if columns is None else list(columns)
    batches = list(source.batches(wanted, None, batch_rows=batch_rows))
    for batch in batches:
        assert batch.schema.names == wanted
        assert 0 < batch.num_rows <= batch_rows
    schema = pa.schema([source.schema.field(source.schema.get_field_index(name)) for name in wanted])
    return pa.Table.from_batches(batches, schema=schema)


def rows_of(source: TableSource, columns: Sequence[str] | None = None) -> list[dict[str, object]]:
    found: list[dict[str, object]] = table_of(source, columns).to_pylist()
    return found


def written(folder: Path, name: str, data: bytes | str) -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return str(path)


def refused(location: object, *said: str, hint: str = "", columns: Sequence[str] | None = None) -> None:
    """Assert that opening or reading fails with one message that says all of this."""
    with pytest.raises(DataError) as caught:
        rows_of(open_source(location), columns)
    for words in said:
        assert words in str(caught.value)
    assert hint in (caught.value.hint or "")
