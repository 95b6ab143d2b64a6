"""Against a local S3 server; skipped where it is not installed (`--group servers`)."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import falconql
from falconql.runtime.cluster.parts import parts_of
from falconql.runtime.cluster.tasks import Reader
from falconql.runtime.errors import DataError
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io.fingerprint import fingerprint
from tests.runtime.io.reading import refused, rows_of, table_of
from tests.runtime.io.s3 import KEY, SECRET, file_system, s3_server
from tests.runtime.queries import plan

pytest.importorskip("moto")
pytest.importorskip("flask")

TABLE = pa.table({"a": [1, 2, 3], "t": ["x", "y", "z"]})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with s3_server(tmp_path_factory.mktemp("moto") / "log") as environment:
        yield environment


@pytest.fixture
def files(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[pa.fs.FileSystem]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    found = file_system(server)
    found.create_dir("corpus")
    yield found
    found.delete_dir_contents("corpus")


def put(files: pa.fs.FileSystem, path: str, table: pa.Table = TABLE) -> None:
    with files.open_output_stream(path) as out:
        if path.endswith(".csv"):
            pa_csv.write_csv(table, out)
        else:
            pq.write_table(table, out, row_group_size=2)


def test_files_folders_and_globs(files: pa.fs.FileSystem) -> None:
    put(files, "corpus/a b.parquet")
    put(files, "corpus/many/part-2.csv", TABLE.slice(1))
    put(files, "corpus/many/part-10.csv", TABLE.slice(0, 1))
    put(files, "corpus/many/_hidden.csv", TABLE)
    assert rows_of(open_source("s3://corpus/a b.parquet")) == TABLE.to_pylist()
    for several in ("s3://corpus/many", "s3://corpus/many/", "s3://corpus/many/*-*.csv", "s3://corpus/**/p*.csv"):
        assert table_of(open_source(several))["a"].to_pylist() == [2, 3, 1]


def test_partitions(files: pa.fs.FileSystem) -> None:
    put(files, "corpus/p/year=2023/a.parquet")
    put(files, "corpus/p/year=2024/a.parquet", TABLE.slice(0, 1))
    found = falconql.query("where year = 2024 select a, year").run("s3://corpus/p")
    assert found.to_arrow().to_pylist() == [{"a": 1, "year": 2024}]


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl.gz", "arrow"])
def test_what_is_written_is_read_again(files: pa.fs.FileSystem, tmp_path: Path, ending: str) -> None:
    sink = open_sink(f"s3://corpus/new/out.{ending}", TABLE.schema, workplace=str(tmp_path))
    sink.write(TABLE.to_batches()[0])
    assert files.get_file_info(f"corpus/new/out.{ending}").type.name == "NotFound"
    sink.commit()
    assert rows_of(open_source(f"s3://corpus/new/out.{ending}")) == TABLE.to_pylist()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_partitions_is_written_only_where_nothing_is(files: pa.fs.FileSystem) -> None:
    for _ in range(2):
        sink = open_sink("s3://corpus/parts", TABLE.schema, partition_by=["t"])
        sink.write(TABLE.to_batches()[0])
        sink.commit()
        assert sorted(table_of(open_source("s3://corpus/parts"))["t"].to_pylist()) == ["x", "y", "z"]
        with pytest.raises(DataError, match="is not empty"):
            open_sink("s3://corpus/parts", TABLE.schema, partition_by=["t"])
        files.delete_dir("corpus/parts")


def test_giving_up_leaves_nothing(files: pa.fs.FileSystem, tmp_path: Path) -> None:
    sink = open_sink("s3://corpus/out.csv", TABLE.schema, workplace=str(tmp_path))
    sink.write(TABLE.to_batches()[0])
    sink.abort()
    assert files.get_file_info("corpus/out.csv").type.name == "NotFound"
    assert list(tmp_path.iterdir()) == []


def test_another_object_of_the_same_name_has_another_fingerprint(files: pa.fs.FileSystem) -> None:
    put(files, "corpus/a.csv")
    first = fingerprint(open_source("s3://corpus/a.csv"))
    assert first == fingerprint(open_source("s3://corpus/a.csv"))
    put(files, "corpus/a.csv", TABLE.set_column(0, "a", [[1, 2, 4]]))
    assert first != fingerprint(open_source("s3://corpus/a.csv"))


@pytest.mark.parametrize("kind", ["parquet", "csv", "txt"])
def test_a_cluster_reads_with_the_keys_of_each_machine(
    files: pa.fs.FileSystem, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for number in range(3):
        if kind == "txt":
            with files.open_output_stream(f"corpus/many/{number}.txt") as out:
                out.write(f"Text {number}".encode())
        else:
            put(files, f"corpus/many/{number}.{kind}", TABLE)
    source = open_source("s3://corpus/many")
    parts = parts_of(source, source.schema.names, None)
    assert len(parts) == (1 if kind == "txt" else 3)
    assert all(part.anywhere for part in parts)
    sent = pickle.dumps(parts)
    assert SECRET.encode() not in sent
    assert KEY.encode() not in sent
    # Where the store is travels along; who asks does not.
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFANOTHER")
    found = [row for part in pickle.loads(sent) for row in table_of(part.source).to_pylist()]
    assert found == table_of(source).to_pylist()


def test_a_machine_that_may_not_read_says_what_to_do(files: pa.fs.FileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    put(files, "corpus/a.csv")
    source = open_source("s3://corpus/a.csv")
    reader = Reader(plan("select a", source.schema).to_json(), None, 1, None)
    (part,) = pickle.loads(pickle.dumps(parts_of(source, ["a"], None)))
    files.delete_file("corpus/a.csv")
    *_, last = reader.read(0, part)
    assert last.error is not None
    assert "each machine of a cluster reads with its own login" in last.error
    assert "planted" not in last.error


def test_what_is_missing(files: pa.fs.FileSystem) -> None:
    put(files, "corpus/reviews.csv")
    refused("s3://no-such-bucket/a.csv", "there is no bucket no-such-bucket", hint="AWS_REGION")
    refused("s3://corpus/review.csv", "there is no file s3://corpus/review.csv", hint="s3://corpus/reviews.csv")
    refused("s3://corpus/*.parquet", "no file matches", hint="quote")
    refused("s3://key:planted@corpus/a.csv", "cannot hold a key", hint="AWS_ACCESS_KEY_ID")
    for output, said in (("no-such-bucket/a.csv", "no bucket"), ("corpus", "ending"), ("corpus/a", "ending")):
        with pytest.raises(DataError, match=said):
            open_sink(f"s3://{output}", TABLE.schema)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("falconql.runtime.io.remote.store.ATTEMPTS", 1)
    refused("s3://corpus/a.csv", "the server of s3://corpus/a.csv cannot be reached", hint="AWS_ENDPOINT_URL")
