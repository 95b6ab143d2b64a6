"""Parquet and Arrow files: columns, order, row groups left out, damage."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import falconql
from falconql.runtime.expression import ColumnRef, Comparison, Expr, Literal
from falconql.runtime.io import open_source
from falconql.runtime.types import INT
from tests.runtime.io.reading import refused, rows_of, table_of, written

TABLE = pa.table(
    {
        "id": list(range(1_000)),
        "text": [None if n % 7 == 0 else f"text {n} 日本" for n in range(1_000)],
        "tags": [[f"t{n}"] * (n % 3) for n in range(1_000)],
        "s": [{"x": n, "y.z": str(n)} for n in range(1_000)],
        "a.b": [n * 2 for n in range(1_000)],
    }
)
FORMATS = ["parquet", "arrow", "stream"]


def saved(folder: Path, format_: str, table: pa.Table = TABLE, rows: int = 100) -> str:
    path = folder / f"corpus.{'arrow' if format_ == 'stream' else format_}"
    if format_ == "parquet":
        pq.write_table(table, path, row_group_size=rows)
    else:
        make = pa.ipc.new_stream if format_ == "stream" else pa.ipc.new_file
        with make(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=rows)
    return str(path)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("batch_rows", [1, 7, 100, 333, 100_000])
def test_batches_of_any_size_are_the_same_table(tmp_path: Path, format_: str, batch_rows: int) -> None:
    table = TABLE.slice(0, 250)
    source = open_source(saved(tmp_path, format_, table))
    assert source.schema == table.schema
    assert source.rows == (None if format_ == "stream" else 250)
    for _ in range(2):
        assert table_of(source, batch_rows=batch_rows) == table


@pytest.mark.parametrize("format_", FORMATS)
def test_only_the_columns_asked_for_in_the_order_asked(tmp_path: Path, format_: str) -> None:
    source = open_source(saved(tmp_path, format_))
    for columns in (["a.b", "id"], ["s", "text"], ["tags"], ["text", "tags", "id"]):
        assert table_of(source, columns) == TABLE.select(columns)
    assert sum(batch.num_rows for batch in source.batches([], None, batch_rows=64)) == 1_000


@pytest.mark.parametrize("format_", FORMATS)
def test_duplicate_names_leave_the_other_columns_usable(tmp_path: Path, format_: str) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array(["x"]), pa.array([2])], names=["a", "a", "b"])
    path = saved(tmp_path, format_, table)
    assert open_source(path).schema.names == ["a", "a", "b"]
    assert rows_of(open_source(path), ["b"]) == [{"b": 2}]
    refused(path, "2 columns called `a`", columns=["a"])


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(tmp_path: Path, format_: str, rows: int) -> None:
    table = TABLE.slice(0, rows)
    assert table_of(open_source(saved(tmp_path, format_, table))) == table


@pytest.mark.parametrize("format_", FORMATS)
def test_a_column_of_nothing_but_nulls(tmp_path: Path, format_: str) -> None:
    table = pa.table({"n": pa.nulls(3), "x": [1, None, 3]})
    assert table_of(open_source(saved(tmp_path, format_, table))) == table


@pytest.mark.parametrize("name", ["corpus.parquet", "corpus.arrow", "corpus.feather"])
def test_what_is_no_such_file_is_named(tmp_path: Path, name: str) -> None:
    refused(written(tmp_path, name, "id,text\n1,x\n"), name, "is no")
    refused(written(tmp_path, name, ""), name, "is no")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, format_: str) -> None:
    path = Path(saved(tmp_path, format_))
    path.write_bytes(path.read_bytes()[:-200])
    refused(str(path), path.name)


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    path = Path(saved(tmp_path, "parquet"))
    data = bytearray(path.read_bytes())
    data[4:2_000] = b"\xff" * 1_996
    path.write_bytes(bytes(data))
    refused(str(path), "corpus.parquet", "damaged")


def test_a_feather_file_of_the_old_version_is_named(tmp_path: Path) -> None:
    refused(written(tmp_path, "old.feather", b"FEA1" + b"\0" * 20), "version 1")


def rows_read(source_path: str, filter: Expr) -> list[int]:
    batches = open_source(source_path).batches(["id"], filter, batch_rows=1_000)
    return [row for batch in batches for row in batch.column("id").to_pylist()]


def test_row_groups_that_cannot_match_are_not_read(tmp_path: Path) -> None:
    path = saved(tmp_path, "parquet")
    column = ColumnRef("id", INT)
    assert rows_read(path, Comparison("<", column, Literal(150, INT))) == list(range(200))
    assert rows_read(path, Comparison("=", column, Literal(555, INT))) == list(range(500, 600))
    assert rows_read(path, Comparison(">", column, Literal(5_000, INT))) == []


def test_the_filter_may_use_a_column_that_is_not_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path, "parquet")
    filter = Comparison(">=", ColumnRef("id", INT), Literal(990, INT))
    found = list(open_source(path).batches(["text"], filter, batch_rows=1_000))
    assert sum(batch.num_rows for batch in found) == 100


def test_timestamps_of_every_unit_and_zone_are_judged_by_their_own_values(tmp_path: Path) -> None:
    from falconql.runtime.types import TIMESTAMP

    moments = [dt.datetime(1969, 12, 31, 23, 59, 59), dt.datetime(2024, 6, 1, 12), dt.datetime(2024, 10, 27, 0, 30)]
    condition = Comparison(">=", ColumnRef("t", TIMESTAMP), Literal("2024-06-01T12:00:00", TIMESTAMP))
    for type_ in (*(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")), pa.timestamp("us", "Europe/Berlin")):
        table = pa.table({"t": pa.array(moments, pa.timestamp("us")).cast(pa.timestamp("us")), "id": [0, 1, 2]})
        column = table["t"].cast(pa.timestamp("us", "UTC")).cast(type_) if type_.tz else table["t"].cast(type_)
        path = saved(tmp_path, "parquet", table.set_column(0, "t", column), rows=1)
        assert rows_read(path, condition) == [1, 2]


@pytest.mark.parametrize("options", [{"use_dictionary": True}, {"use_dictionary": False}], ids=["dictionary", "plain"])
def test_text_that_is_not_utf_8_is_refused_by_the_name_of_its_column(tmp_path: Path, options: dict[str, bool]) -> None:
    path = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"n": [1, 2], "review": ["fine", "cafxx"]}), path, compression="none", **options)
    data = path.read_bytes()
    assert b"cafxx" in data
    path.write_bytes(data.replace(b"cafxx", b"caf\xe9!"))
    refused(str(path), "corpus.parquet: the column `review` has text that is not UTF-8")


def test_times_of_96_bits_are_read_in_all_years(tmp_path: Path) -> None:
    """As Spark writes them: where there is no end, many a table has the end of the year 9999."""
    times = [dt.datetime(2024, 5, 31, 1, 2, 3, 456), dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1), None]
    table = pa.table({"id": range(4), "t": pa.array(times, pa.timestamp("us"))})
    path = str(tmp_path / "a.parquet")
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, row_group_size=1)
    assert [row["t"] for row in rows_of(open_source(path))] == times
    found = falconql.query('where t > date("2100-01-01") select id').run(path)
    assert found.to_arrow()["id"].to_pylist() == [1]


def test_decimals_of_more_digits_than_their_type_says_are_read(tmp_path: Path) -> None:
    path = str(tmp_path / "corpus.parquet")
    wide = pa.array([Decimal("10000.00"), None], pa.decimal128(7, 2))
    narrow = pa.Array.from_buffers(pa.decimal128(5, 2), 2, wide.buffers())
    pq.write_table(pa.table({"price": narrow}), path)
    assert rows_of(open_source(path)) == [{"price": Decimal("10000.00")}, {"price": None}]


def test_a_column_whose_name_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"review": ["fine"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"review", b"revi\xe9w"))
    refused(str(path), "corpus.parquet is no Parquet file, or is damaged")
