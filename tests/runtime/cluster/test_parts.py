"""A corpus cut into parts has the same rows in the same order, wherever reading begins."""

from __future__ import annotations

import gzip
import io
import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from falconql.runtime.cluster import parts as module
from falconql.runtime.cluster.parts import Part, parts_of
from falconql.runtime.context import ExecContext, Resume
from falconql.runtime.executor import execute_to_table
from falconql.runtime.io import open_source
from falconql.runtime.io.base import TableSource
from tests.fakes import FakeProxy
from tests.runtime.cluster.pools import HerePool, run_to_table
from tests.runtime.io.web import Web, serving
from tests.runtime.queries import plan

ROWS = 500
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS)),
        "text": pa.array([f"Row {i}, of {'many' if i % 2 else 'few'}" for i in range(ROWS)]),
        "seen": pa.array([f"2024-01-{1 + i % 28:02}" for i in range(ROWS)]),
    }
)
CORPORA = [
    "memory",
    "one.parquet",
    "one.csv",
    "one.csv.gz",
    "one.jsonl",
    "one.arrow",
    "parquets",
    "csvs",
    "partitions",
    "texts",
    "pipe",
]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_ROWS", 90)
    monkeypatch.setattr(module, "MEMORY_ROWS", 64)
    monkeypatch.setattr(module, "TEXT_FILES", 3)


def corpus(kind: str, folder: Path) -> TableSource:
    if kind == "memory":
        return open_source(TABLE)
    if kind == "pipe":
        lines = "".join(f'{{"id": {i}, "text": "Row {i}"}}\n' for i in range(ROWS))
        return open_source("-", stdin=io.BytesIO(lines.encode()))
    path = folder / kind
    if kind == "partitions":
        for number, start in enumerate(range(0, ROWS, 100)):
            inside = path / f"year={2020 + number // 2}" / f"half={number}"
            inside.mkdir(parents=True)
            pq.write_table(TABLE.slice(start, 100), inside / "rows.parquet", row_group_size=40)
        return open_source(path)
    if kind in ("parquets", "csvs", "texts"):
        path.mkdir()
        for number, start in enumerate(range(0, ROWS, 100)):
            part = TABLE.slice(start, 100)
            if number == 3:
                part = part.drop_columns(["seen"])
            if kind == "parquets":
                pq.write_table(part, path / f"{number}.parquet", row_group_size=40)
            elif kind == "csvs":
                pa.csv.write_csv(part, path / f"{number}.csv")
            else:
                (path / f"{number}.txt").write_text(f"Text {number}")
        return open_source(path)
    if kind.endswith(".parquet"):
        pq.write_table(TABLE, path, row_group_size=40)
    elif ".csv" in kind:
        pa.csv.write_csv(TABLE, plain := path.with_name("plain.csv"))
        path.write_bytes(gzip.compress(plain.read_bytes()) if kind.endswith("gz") else plain.read_bytes())
    elif kind.endswith(".jsonl"):
        path.write_text("".join(f'{{"id": {i}, "text": "Row {i}"}}\n' for i in range(ROWS)))
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, TABLE.schema) as writer:
            writer.write_table(TABLE, max_chunksize=70)
    return open_source(path)


def texts(parts: list[Part]) -> list[str]:
    found = []
    for part in pickle.loads(pickle.dumps(parts)):
        rows = [t for batch in part.source.batches(["text"], None, batch_rows=33) for t in batch[0].to_pylist()]
        found += rows[part.skip :]
    return found


@pytest.mark.parametrize("kind", CORPORA)
def test_parts_have_all_rows_in_order_from_any_row_on(kind: str, tmp_path: Path) -> None:
    source = corpus(kind, tmp_path)
    whole = [t for batch in source.batches(["text"], None, batch_rows=4096) for t in batch[0].to_pylist()]
    for skip in (0, 1, 40, 64, 90, 100, 301, len(whole)):
        assert texts(parts_of(source, ["text"], None, skip)) == whole[skip:]


def test_what_can_be_read_apart_is() -> None:
    assert len(parts_of(open_source(TABLE), ["text"], None)) == 8


@pytest.mark.parametrize("kind", CORPORA)
@pytest.mark.parametrize("text", ['where label("random 1") select text', "where text contains '1' select text, n: 1"])
def test_a_query_gives_the_same_rows_and_goes_on_anywhere(kind: str, text: str, tmp_path: Path) -> None:
    source = corpus(kind, tmp_path)
    made = plan(text, source.schema)
    expected = execute_to_table(made, ExecContext(source, FakeProxy()))
    assert run_to_table(made, ExecContext(source, FakeProxy(), batch_rows=37)) == expected

    # As far as each block, then on from there: in all the same rows.
    places: list[tuple[int, int]] = []
    first = ExecContext(source, FakeProxy(), batch_rows=37)
    first.on_progress = lambda metrics: places.append((metrics.rows_done, metrics.rows_out))
    run_to_table(made, first)
    for rows_read, rows_out in {places[0], places[len(places) // 2], places[-1]}:
        ctx = ExecContext(source, FakeProxy(), batch_rows=37, resume=Resume(rows_read, rows_out))
        assert run_to_table(made, ctx, HerePool(3)).to_pylist() == expected.to_pylist()[rows_out:]
        assert ctx.metrics.rows_done == first.metrics.rows_done


def test_row_groups_that_cannot_match_are_neither_read_nor_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE, path, row_group_size=50)
    made = plan('where id >= 410 and label("random 1") select id', open_source(path).schema)
    one, many = ExecContext(open_source(path), FakeProxy()), ExecContext(open_source(path), FakeProxy())
    assert run_to_table(made, many) == execute_to_table(made, one)
    assert many.metrics.rows_in == one.metrics.rows_in == 100
    # A resumed run counts the rows that were read, not those of the file.
    again = ExecContext(open_source(path), FakeProxy(), resume=Resume(60, 0))
    assert [row["id"] for row in run_to_table(made, again).to_pylist()] == [
        row["id"]
        for row in execute_to_table(made, ExecContext(open_source(path), FakeProxy())).to_pylist()
        if row["id"] >= 460
    ]


def test_parts_are_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("one.csv", "texts", "parquets"):
        corpus(kind, tmp_path)
    monkeypatch.chdir(tmp_path)
    found = [parts_of(open_source(kind), ["text"], None) for kind in ("one.csv", "texts", "parquets")]
    monkeypatch.chdir("/")
    assert [len(texts(parts)) for parts in found] == [ROWS, 5, ROWS]


def test_a_database_is_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("adbc_driver_sqlite")
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("rows.db")) as connection, connection:
        connection.execute("create table rows (text)")
        connection.executemany("insert into rows values (?)", [(f"Row {i}",) for i in range(ROWS)])
    source = open_source("sqlite:///rows.db?table=rows")
    parts = parts_of(source, ["text"], None, 3)
    made = plan('where label("random 1") select text', source.schema)
    expected = execute_to_table(made, ExecContext(source, FakeProxy()))
    assert run_to_table(made, ExecContext(source, FakeProxy(), batch_rows=37)) == expected
    monkeypatch.chdir("/")
    assert not parts[0].anywhere
    assert texts(parts) == [f"Row {i}" for i in range(3, ROWS)]


def test_a_file_on_a_web_server_is_read_by_any_machine() -> None:
    lines = "id,text\n" + "".join(f"{i},Row {i}\n" for i in range(ROWS))
    with serving(Web(files={"rows.csv": lines.encode()})) as web:
        parts = parts_of(open_source(f"{web.url}/rows.csv?key=planted"), ["text"], None, 7)
        assert parts[0].anywhere
        assert "planted" not in repr(parts)
        assert texts(parts) == [f"Row {i}" for i in range(7, ROWS)]
        # What a server sends only as a whole is in a temporary file of this machine.
        web.ranges = False
        parts = parts_of(source := open_source(f"{web.url}/rows.csv"), ["text"], None)
        assert not parts[0].anywhere
        assert len(texts(parts)) == ROWS == sum(b.num_rows for b in source.batches(["id"], None, batch_rows=99))


def test_partitions_that_cannot_match_are_neither_read_nor_counted(tmp_path: Path) -> None:
    corpus("partitions", tmp_path)
    query = 'where year = 2021 and label("random 1") select id, year, half'
    made = plan(query, open_source(tmp_path / "partitions").schema)

    def opened() -> ExecContext:
        return ExecContext(open_source(tmp_path / "partitions"), FakeProxy(), batch_rows=37)

    one, many = opened(), opened()
    expected = execute_to_table(made, one)
    assert run_to_table(made, many) == expected
    assert many.metrics.rows_in == one.metrics.rows_in == 200
    assert {(row["year"], row["half"]) for row in expected.to_pylist()} == {(2021, 2), (2021, 3)}
    again = opened()
    again.resume = Resume(120, 0)
    assert [row["id"] for row in run_to_table(made, again).to_pylist()] == [
        row["id"] for row in expected.to_pylist() if row["id"] >= 320
    ]
