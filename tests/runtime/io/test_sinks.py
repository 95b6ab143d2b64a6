"""Outputs: nothing half written under the final name, whatever happens."""

from __future__ import annotations

import gc
import gzip
import io
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pytest

from falconql.runtime.errors import DataError
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io.output import OutputClosed
from tests.runtime.io.reading import rows_of

FORMATS = ["csv", "tsv", "jsonl", "json", "parquet", "arrow"]
SCHEMA = pa.schema({"id": pa.int64(), "text": pa.string()})
BATCH = pa.record_batch({"id": [1, 2], "text": ["a", None]}, SCHEMA)
LARGE = pa.record_batch({"id": range(50_000), "text": [os.urandom(8).hex() for _ in range(50_000)]}, SCHEMA)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def save(target: str | IO[bytes], batch: pa.RecordBatch = BATCH, format: str | None = None) -> None:
    sink = open_sink(target, batch.schema, format=format)
    sink.write(batch)
    sink.commit()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_appears_when_it_is_complete(folder: Path, format_: str) -> None:
    sink = open_sink(f"out.{format_}", SCHEMA)
    sink.write(BATCH)
    assert not (folder / f"out.{format_}").exists()
    sink.write(BATCH)
    sink.commit()
    assert names(folder) == [f"out.{format_}"]
    assert rows_of(open_source(f"out.{format_}")) == BATCH.to_pylist() * 2


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_given_up_leaves_nothing_and_keeps_what_was_there(folder: Path, format_: str) -> None:
    (folder / f"out.{format_}").write_text("precious")
    sink = open_sink(f"out.{format_}", SCHEMA)
    sink.write(LARGE)
    sink.abort()
    sink.abort()
    assert names(folder) == [f"out.{format_}"]
    assert (folder / f"out.{format_}").read_text() == "precious"


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_forgotten_leaves_nothing(folder: Path, format_: str) -> None:
    sink = open_sink(f"out.{format_}", SCHEMA)
    sink.write(BATCH)
    del sink
    gc.collect()
    assert names(folder) == []


@pytest.mark.parametrize("ending", ["csv.gz", "jsonl.gz", "json.zst", "tsv.bz2", "csv.lz4"])
def test_compressed_outputs(folder: Path, ending: str) -> None:
    save(f"out.{ending}")
    assert rows_of(open_source(f"out.{ending}")) == BATCH.to_pylist()


def test_compressed_output_is_the_same_every_time(folder: Path) -> None:
    save("a.csv.gz")
    save("b.csv.gz")
    assert Path("a.csv.gz").read_bytes() == Path("b.csv.gz").read_bytes()
    assert gzip.decompress(Path("a.csv.gz").read_bytes()) == b"id,text\n1,a\n2,\n"


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, which a program sees as it sees a full disk."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, unlimited[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


@pytest.mark.parametrize("ending", [*FORMATS, "csv.gz"])
@pytest.mark.parametrize("size", [0, 100_000])
def test_a_full_disk_leaves_nothing(folder: Path, ending: str, size: int) -> None:
    target = f"out.{ending}"
    (folder / target).write_text("precious")
    with small_disk(size), pytest.raises(DataError, match=f"{target} cannot be written") as caught:
        save(target, LARGE)
    assert "free some space" in (caught.value.hint or "")
    assert names(folder) == [target]
    assert (folder / target).read_text() == "precious"
    gc.collect()


def test_a_full_disk_is_said_of_the_folder_that_was_named(folder: Path) -> None:
    sink = open_sink("out", BATCH.schema, partition_by=["id"], format="csv")
    sink.write(BATCH)
    with small_disk(3), pytest.raises(DataError, match=r"^out/id=1/part-0\.csv cannot be written"):
        sink.commit()
    sink.abort()
    assert names(folder) == []


@pytest.mark.parametrize("format_", FORMATS)
def test_a_device_without_room(format_: str) -> None:
    with pytest.raises(DataError, match="/dev/full cannot be written: No space left"):
        save("/dev/full", LARGE, format_)
    gc.collect()


def test_devices_are_written_to_and_not_replaced(folder: Path) -> None:
    save("/dev/null", BATCH, "csv")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_reader_that_has_gone_away(format_: str) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as stream, pytest.raises(OutputClosed):
        save(stream, BATCH, format_)
    gc.collect()


@pytest.mark.parametrize("format_", FORMATS)
def test_streams(format_: str) -> None:
    stream = io.BytesIO()
    save(stream, BATCH, format_)
    assert not stream.closed
    if format_ == "arrow":
        assert pa.ipc.open_stream(stream.getvalue()).read_all().to_pylist() == BATCH.to_pylist()
    found = open_source("-", format=format_, stdin=io.BytesIO(stream.getvalue()))
    assert rows_of(found) == BATCH.to_pylist()


def test_a_stream_passes_every_batch_on_at_once() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as stream, os.fdopen(read, "rb") as reader:
        sink = open_sink(stream, SCHEMA, format="jsonl")
        sink.write(BATCH)
        assert reader.readline() == b'{"id": 1, "text": "a"}\n'


def test_an_output_may_replace_its_own_input(folder: Path) -> None:
    save("same.parquet", LARGE)
    source = open_source("same.parquet")
    sink = open_sink("same.parquet", SCHEMA)
    for batch in source.batches(["id", "text"], None, batch_rows=1_000):
        sink.write(batch)
    sink.commit()
    assert open_source("same.parquet").rows == 50_000


def test_a_link_stays_a_link_and_permissions_stay(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "real.csv").write_text("old")
    (folder / "data" / "real.csv").chmod(0o640)
    (folder / "link.csv").symlink_to("data/real.csv")
    save("link.csv")
    assert (folder / "link.csv").is_symlink()
    assert (folder / "data" / "real.csv").read_text() == "id,text\n1,a\n2,\n"
    assert (folder / "data" / "real.csv").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["n" * 251, "長" * 83, "é" * 125])
def test_names_as_long_as_the_system_allows(folder: Path, name: str) -> None:
    sink = open_sink(f"{name}.csv", SCHEMA)
    assert len(os.fsencode(names(folder)[0])) < 143
    sink.write(BATCH)
    sink.commit()
    assert names(folder) == [f"{name}.csv"]


def test_names_of_outputs_in_progress_never_meet(folder: Path) -> None:
    sinks = [open_sink("out.csv", SCHEMA) for _ in range(3)]
    for number, sink in enumerate(sinks):
        sink.write(BATCH.slice(0, number % 2 + 1))
        sink.commit()
    assert names(folder) == ["out.csv"]
    assert len(rows_of(open_source("."))) == 1


KILLED = """
import os, signal, pyarrow as pa
from falconql.runtime.io import open_sink
sink = open_sink("out.csv", pa.schema({"id": pa.int64()}))
sink.write(pa.record_batch({"id": list(range(1000))}))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_is_harmless(folder: Path) -> None:
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run([sys.executable, "-c", KILLED], check=False, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (folder / "out.csv").exists()
    assert len(names(folder)) == 1
    save("out.csv")
    assert rows_of(open_source(".")) == BATCH.to_pylist()


@pytest.mark.parametrize(
    ("target", "said", "hint"),
    [
        ("no/such/out.csv", "there is no folder no/such to write out.csv into", "make it first"),
        ("out.xlsx", "out.xlsx: the ending does not tell the format", ".parquet, "),
        ("out.txt", "out.txt: the ending does not tell the format", ".jsonl"),
        ("out", "out: the ending", ".csv"),
        ("folder", "folder is a folder", "name a file"),
        ("out.parquet.gz", "parquet files are compressed inside", "leave the last ending out"),
        ("x" * 300 + ".csv", "cannot be written: File name too long", ""),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_any_work(folder: Path, target: str, said: str, hint: str) -> None:
    (folder / "folder").mkdir()
    with pytest.raises(DataError) as caught:
        open_sink(target, SCHEMA)
    assert said in str(caught.value)
    assert hint in (caught.value.hint or "")
    assert names(folder) == ["folder"]


def test_the_format_may_be_named(folder: Path) -> None:
    save("out", BATCH, "jsonl")
    assert Path("out").read_text().startswith('{"id": 1')
    with pytest.raises(DataError, match="`xml` is not a known format"):
        open_sink("out", SCHEMA, format="xml")


def test_a_type_that_the_format_cannot_hold(folder: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        open_sink("out.parquet", pa.schema({"x": pa.month_day_nano_interval()}))
    assert names(folder) == []
