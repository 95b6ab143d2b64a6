"""Tables in memory: whatever speaks the Arrow PyCapsule interface."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from falconql.runtime.errors import DataError
from falconql.runtime.io import open_source
from tests.runtime.io.reading import refused, rows_of, table_of

COLUMNS: dict[str, list[Any]] = {"id": [1, 2, 3], "text": ["a", None, "日本 👩‍👩‍👧"]}
ROWS = [{"id": 1, "text": "a"}, {"id": 2, "text": None}, {"id": 3, "text": "日本 👩‍👩‍👧"}]


class OneBatch:
    """Speaks the part of the interface that gives a single batch."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> object:
        return pa.record_batch(COLUMNS).__arrow_c_array__(requested_schema)


DATA = {
    "pyarrow table": lambda: pa.table(COLUMNS),
    "pyarrow batch": lambda: pa.record_batch(COLUMNS),
    "pyarrow reader": lambda: pa.RecordBatchReader.from_batches(
        pa.table(COLUMNS).schema, pa.table(COLUMNS).to_batches(max_chunksize=1)
    ),
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "duckdb": lambda: duckdb.sql("select * from (values (1, 'a'), (2, null), (3, '日本 👩‍👩‍👧')) t(id, text)"),
    "one batch": OneBatch,
}


@pytest.mark.parametrize("kind", DATA)
def test_tables_of_other_libraries_can_be_read_again_and_again(kind: str) -> None:
    source = open_source(DATA[kind]())
    assert (source.schema.names, source.rows) == (["id", "text"], 3)
    for _ in range(2):
        assert rows_of(source) == ROWS
    assert [list(row) for row in rows_of(source, ["text", "id"])] == [["text", "id"]] * 3


@pytest.mark.parametrize("batch_rows", [1, 2, 5, 100])
def test_batches_of_any_size_are_the_same_table(batch_rows: int) -> None:
    table = pa.concat_tables([pa.table({"x": pa.array(range(n), pa.int64())}) for n in (3, 0, 7)])
    source = open_source(table)
    assert table_of(source, batch_rows=batch_rows)["x"].to_pylist() == [0, 1, 2, *range(7)]
    counted = list(source.batches([], None, batch_rows=batch_rows))
    assert sum(batch.num_rows for batch in counted) == 10
    assert max(batch.num_rows for batch in counted) <= batch_rows


def test_row_labels_of_pandas_without_a_name_are_no_column() -> None:
    frame = pd.DataFrame(COLUMNS, index=[9, 2, 5])
    assert open_source(frame).schema.names == ["id", "text"]
    labelled = pa.Table.from_pandas(frame)
    assert labelled.schema.names == ["id", "text", "__index_level_0__"]
    assert open_source(labelled).schema.names == ["id", "text"]


def test_a_column_of_mixed_values_is_refused_by_name() -> None:
    refused(pd.DataFrame({"a": [1, "x", None]}, dtype=object), "DataFrame", "a", hint="one type")
    with pytest.raises(DataError, match="Duplicate column names") as caught:
        open_source(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert caught.value.hint is None


def test_duplicate_names_leave_the_other_columns_usable() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array(["x"]), pa.array([2])], names=["a", "a", "b"])
    assert rows_of(open_source(table), ["b"]) == [{"b": 2}]
    refused(table, "2 columns called `a`", columns=["a"])


@pytest.mark.parametrize("data", [5, None, [1, 2], object()])
def test_what_is_no_table_is_refused(data: object) -> None:
    refused(data, f"a {type(data).__name__} is no corpus", hint="pandas")
