from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import falconql
from falconql.runtime.errors import DataError
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io.partitioned_sink import LIST
from falconql.runtime.io.partitions import NULL_NAME, folder_of, partition_columns
from tests.runtime.io.reading import rows_of

TABLE = pa.table(
    {
        "n": [1, 2, 3, 4],
        "lang": ["en", "de/at", None, "en"],
        "day": [dt.date(2024, 1, d) for d in (1, 1, 2, 2)],
    }
)


def write(folder: Path, table: pa.Table, *columns: str, format: str | None = None) -> None:
    sink = open_sink(str(folder), table.schema, partition_by=columns, format=format)
    for batch in table.to_batches(max_chunksize=2):
        sink.write(batch)
    sink.commit()


@pytest.mark.parametrize("format", [None, "csv", "jsonl"])
def test_what_is_written_is_read_again(tmp_path: Path, format: str | None) -> None:
    write(tmp_path / "out", TABLE, "day", "lang", format=format)
    found = sorted(rows_of(open_source(str(tmp_path / "out"))), key=lambda row: str(row["n"]))
    assert found == TABLE.select(["n", "day", "lang"]).to_pylist()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_others_read_it(tmp_path: Path) -> None:
    import duckdb

    write(tmp_path / "out", TABLE, "lang")
    found = duckdb.sql(f"select n, lang from read_parquet('{tmp_path}/out/**/*.parquet', hive_partitioning=true)")
    assert found is not None
    assert sorted(found.fetchall()) == [(1, "en"), (2, "de/at"), (3, None), (4, "en")]


def test_the_text_that_is_spelled_like_null_keeps_its_rows(tmp_path: Path) -> None:
    import duckdb

    table = pa.table({"n": [1, 2, 3], "k": [None, NULL_NAME, "b"]})
    write(tmp_path / "out", table, "k")
    found = sorted(rows_of(open_source(str(tmp_path / "out"))), key=lambda row: int(str(row["n"])))
    assert found == table.to_pylist()
    others = duckdb.sql(f"select n, k from read_parquet('{tmp_path}/out/**/*.parquet', hive_partitioning=true)")
    assert others is not None
    assert sorted(others.fetchall()) == [(1, None), (2, NULL_NAME), (3, "b")]


def test_no_file_is_opened_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from falconql.runtime.io import partitioned_sink

    # As on a disk that does not tell capitals from small letters.
    monkeypatch.setattr(partitioned_sink, "folder_of", lambda names, values: folder_of(names, values).lower())
    sink = open_sink(str(tmp_path / "out"), pa.schema({"n": pa.int64(), "k": pa.string()}), partition_by=["k"])
    with pytest.raises(DataError, match="are in the folder k=a already"):
        sink.write(pa.record_batch({"n": [1, 2], "k": ["A", "a"]}))
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_no_folder_holds_those_of_another_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.mkdir

    def mkdir(path: str, *mode: int) -> None:
        """Make a folder as on a disk that does not tell capitals from small letters."""
        if os.path.basename(path).lower() in map(str.lower, os.listdir(os.path.dirname(path))):
            raise FileExistsError(path)
        really(path, *mode)

    monkeypatch.setattr(os, "mkdir", mkdir)
    schema = pa.schema({"n": pa.int64(), "k": pa.string(), "j": pa.string()})
    sink = open_sink(str(tmp_path / "out"), schema, partition_by=["k", "j"])
    sink.write(pa.record_batch({"n": [1, 2], "k": ["A", "A"], "j": ["x", "y"]}))
    with pytest.raises(DataError, match="are in the folder k=a already"):
        sink.write(pa.record_batch({"n": [3], "k": ["a"], "j": ["z"]}))
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_only_partitions_that_can_match_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from falconql.runtime.io.parquet import ParquetSource

    write(tmp_path / "out", TABLE, "day", "lang")
    read: list[str] = []
    before = ParquetSource.batches

    def batches(self: ParquetSource, *args: object, **options: object) -> Iterator[pa.RecordBatch]:
        read.append(self.name)
        return before(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ParquetSource, "batches", batches)
    rows = falconql.query('where day = "2024-01-02" and lang = "en" select n, lang').run(str(tmp_path / "out"))
    assert rows.to_arrow().to_pylist() == [{"n": 4, "lang": "en"}]
    assert [Path(name).parent.name for name in read] == ["lang=en"]


def test_a_folder_is_replaced_only_if_it_is_our_own(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, TABLE, "lang")
    write(out, TABLE.slice(0, 1), "lang")
    assert rows_of(open_source(str(out)), ["n"]) == [{"n": 1}]
    (out / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="has not written"):
        write(out, TABLE, "lang")
    assert (out / "mine.txt").read_text() == "mine"


def test_columns_that_begin_like_hidden_files(tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2], "_lang": ["en", "de"], ".x": [3, 4]})
    write(tmp_path / "year=2024", table, "_lang", ".x")
    (tmp_path / ".year=2024.falconql").mkdir()
    (tmp_path / ".year=2024.falconql" / "chunk.parquet").write_text("no corpus")
    found = sorted(rows_of(open_source(str(tmp_path / "year=2024"))), key=str)
    assert found == sorted(table.to_pylist(), key=str)
    assert len(rows_of(open_source(str(tmp_path)))) == 2


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_rows_that_wait_share_one_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    from falconql.runtime.io import partitioned_sink

    monkeypatch.setattr(partitioned_sink, "MOST_HELD_BYTES", 100_000)
    table = pa.table({"n": range(4_000), "part": [n % 40 for n in range(4_000)], "text": ["x" * 500] * 4_000})
    sink = partitioned_sink.PartitionedSink(str(tmp_path / "out"), table.schema, ["part"], format)  # type: ignore[arg-type]
    for batch in table.to_batches(max_chunksize=200):
        sink.write(batch)
        assert sum(one.held for one in sink._sinks.values()) == sink._held <= 100_000
    sink.commit()
    found = rows_of(open_source(str(tmp_path / "out")), ["n", "part"])
    assert sorted(found, key=lambda row: int(str(row["n"]))) == table.select(["n", "part"]).to_pylist()


def test_a_folder_with_a_long_name(tmp_path: Path) -> None:
    write(tmp_path / ("長" * 85), TABLE, "lang")
    assert len(rows_of(open_source(str(tmp_path / ("長" * 85))))) == 4


def test_nothing_is_left_of_what_is_given_up(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out"), TABLE.schema, partition_by=["lang"])
    sink.write(TABLE.to_batches()[0])
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_no_rows_still_have_columns(tmp_path: Path) -> None:
    write(tmp_path / "out", TABLE.slice(0, 0), "lang")
    assert open_source(str(tmp_path / "out")).schema.names == TABLE.schema.names
    assert (tmp_path / "out" / LIST).exists()


@pytest.mark.parametrize(
    ("columns", "said"), [(["lagn"], "no such column"), (["f"], "no good name"), (["lang", "lang"], "different")]
)
def test_columns_that_make_no_folders(tmp_path: Path, columns: list[str], said: str) -> None:
    table = pa.table({"lang": ["a"], "f": [1.5]})
    with pytest.raises(DataError, match=said):
        open_sink(str(tmp_path / "out"), table.schema, partition_by=columns)


def test_more_folders_than_anybody_wants(tmp_path: Path) -> None:
    table = pa.table({"a": list(range(501)), "b": [0] * 501})
    sink = open_sink(str(tmp_path / "out"), table.schema, partition_by=["a"], format="csv")
    with pytest.raises(DataError, match="more than 500 folders"):
        sink.write(table.to_batches()[0])
    sink.abort()


def test_a_column_in_the_file_gives_way_to_the_folder(tmp_path: Path) -> None:
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        pq.write_table(pa.table({"year": [1, 2], "n": [1, 2]}), tmp_path / f"year={year}" / "a.parquet")
    found = falconql.query("where year = 2024 select n, year").run(str(tmp_path)).to_arrow().to_pylist()
    assert found == [{"n": 1, "year": 2024}, {"n": 2, "year": 2024}]


def test_types_are_those_of_csv() -> None:
    paths = ["d/a=1/b=x/c=07/p.csv", "d/a=2/b=1/c=08/p.csv"]
    assert {name: str(c.type) for name, c in partition_columns(paths, "d/").items()} == {
        "a": "int64",
        "b": "string",
        "c": "string",
    }
    assert partition_columns([*paths, "d/p.csv"], "d/") == {}


@given(st.lists(st.text(min_size=1).map(lambda text: f"t{text}"), min_size=1, max_size=3))
def test_any_text_is_a_folder_and_back(values: list[str]) -> None:
    names = [f"c{i}" for i in range(len(values))]
    path = f"{folder_of(names, values)}/p.csv"
    assert "\\" not in path
    assert [column.to_pylist() for column in partition_columns([path], "").values()] == [[value] for value in values]
