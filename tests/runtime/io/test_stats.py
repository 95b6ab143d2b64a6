"""A few rows for the planner: few, the same every time, and from all over where that is cheap."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falconql.plan.stats import Stats
from falconql.runtime.io import open_source
from falconql.runtime.io.stats import sample
from tests.runtime.io.reading import written

TABLE = pa.table({"id": list(range(1_000)), "text": [f"text {n}" for n in range(1_000)]})


def corpus(folder: Path, format_: str) -> object:
    if format_ == "memory":
        return TABLE
    path = folder / f"a.{format_}"
    if format_ == "parquet":
        pq.write_table(TABLE, path, row_group_size=100)
    elif format_ == "arrow":
        with pa.ipc.new_file(str(path), TABLE.schema) as writer:
            writer.write_table(TABLE, max_chunksize=100)
    elif format_ == "csv":
        written(folder, "a.csv", "id,text\n" + "".join(f"{n},text {n}\n" for n in range(1_000)))
    return str(path)


@pytest.mark.parametrize("format_", ["memory", "parquet", "arrow", "csv"])
@pytest.mark.parametrize("rows", [1, 10, 64, 5_000])
def test_a_sample_has_rows_of_the_corpus(tmp_path: Path, format_: str, rows: int) -> None:
    source = open_source(corpus(tmp_path, format_))
    found = sample(source, ["text", "id"], rows)
    assert found.schema.names == ["text", "id"]
    assert 0 < found.num_rows <= min(rows, 1_000)
    if format_ in ("memory", "csv"):
        assert found.num_rows == min(rows, 1_000)
    ids = found.column("id").to_pylist()
    assert found.column("text").to_pylist() == [f"text {n}" for n in ids]
    assert len(set(ids)) == len(ids)
    assert sample(source, ["text", "id"], rows) == found


@pytest.mark.parametrize("format_", ["memory", "parquet"])
def test_a_sample_is_spread_over_the_corpus(tmp_path: Path, format_: str) -> None:
    ids = sample(open_source(corpus(tmp_path, format_)), ["id"], 64).column("id").to_pylist()
    assert len({number // 125 for number in ids}) >= 6


@pytest.mark.parametrize("format_", ["memory", "parquet", "arrow", "csv"])
def test_a_sample_without_columns_has_rows(tmp_path: Path, format_: str) -> None:
    assert sample(open_source(corpus(tmp_path, format_)), [], 10).num_rows == 10


def test_a_sample_of_nothing(tmp_path: Path) -> None:
    empty = TABLE.slice(0, 0)
    pq.write_table(empty, tmp_path / "a.parquet")
    for source in (open_source(empty), open_source(str(tmp_path / "a.parquet"))):
        assert sample(source, ["id"], 10).num_rows == 0
        assert sample(source, ["id"], 10).schema == empty.select(["id"]).schema
    assert sample(open_source(written(tmp_path, "a.csv", "id\n")), ["id"], 10).num_rows == 0


def test_what_many_calls_ask_of_a_sample_is_counted_once() -> None:
    counted: list[str] = []

    def count(texts: Sequence[str]) -> list[int]:
        counted.extend(texts)
        return [2] * len(texts)

    batch = pa.record_batch({"text": ["a", "b"]})
    stats = Stats(2, batch, count_tokens=count, count_requests=count)
    for ask in (stats.text_tokens, stats.text_requests):
        counted.clear()
        assert [ask("text").tolist() for _ in range(3)] == [[2, 2]] * 3
        assert counted == ["a", "b"]
