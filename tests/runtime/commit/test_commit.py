"""The work folder: what is used again, what is not, and what people are told."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from falconql.cli.failures import Interrupted, OutputError
from falconql.cli.file import write_file
from falconql.runtime.commit import Identity, WorkFolder, rows
from falconql.runtime.commit.folder import Chunk
from falconql.runtime.errors import ProxyError
from tests.fakes import FakeProxy
from tests.runtime.commit.driver import started

QUERY = 'where label("random 1") select id, s: score(label("random 2"))'
ROWS = 200


class Breaking(FakeProxy):
    """Fails, or is interrupted, after some questions."""

    def __init__(self, after: int, error: BaseException) -> None:
        super().__init__()
        self.after, self.error = after, error

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        if len(self.asked) >= self.after:
            raise self.error
        return super().label(texts, instructions)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # After every batch, however long the run has taken.
    monkeypatch.setattr(rows, "EVERY_SHARE", 0.0)
    return made(tmp_path / "corpus.parquet")


def made(path: Path, last: str = "") -> Path:
    texts = [f"text {n}" for n in range(ROWS - 1)] + [f"text{last}"]
    pq.write_table(pa.table({"id": range(ROWS), "text": texts}), path)
    return path


def write(corpus: Path, proxy: FakeProxy | None = None, query: str = QUERY, out: str = "out.csv") -> FakeProxy:
    proxy = proxy or FakeProxy()
    write_file(started(str(corpus), query, proxy), out, every_s=0.0)
    return proxy


def interrupted(corpus: Path, after: int = 150, **options: Any) -> str:
    """Interrupt a run after some questions; return what is said."""
    with pytest.raises(Interrupted) as raised:
        write(corpus, Breaking(after, KeyboardInterrupt()), **options)
    return str(raised.value)


def expected(corpus: Path, query: str = QUERY) -> bytes:
    write(corpus, query=query, out="expected.csv")
    return Path("expected.csv").read_bytes()


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run some code in a process of its own, in the working folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    words = [sys.executable, "-c", code, *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=environment)


def chunks() -> list[Path]:
    return sorted(Path(".out.csv.falconql").glob("chunk-*"))


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = interrupted(corpus)
    assert said.endswith(" rows of out.csv are kept; the same command goes on from there")
    assert not Path("out.csv").exists()
    assert chunks()
    proxy = write(corpus)
    assert f"out.csv: going on after {said.split()[0]} rows of an interrupted run" in capsys.readouterr().err
    whole = FakeProxy()
    assert Path("out.csv").read_bytes() == expected(corpus)
    write(corpus, whole, out="other.csv")
    assert len(proxy.asked) < len(whole.asked)
    assert not Path(".out.csv.falconql").exists()


def test_columns_of_unusual_types_go_on_under_their_new_names(corpus: Path) -> None:
    records = [{"x": n, "y": "kept"} for n in range(ROWS)]
    table = pq.read_table(corpus).append_column("a", pa.array(records)).append_column("b", pa.array([b"x"] * ROWS))
    pq.write_table(table, corpus)
    query = 'where label("random 1") select id, b: a, new: b'
    for out in ("out.parquet", "out.csv"):
        assert "rows of" in interrupted(corpus, query=query, out=out)
        write(corpus, query=query, out=out)
    found = pq.read_table("out.parquet")
    assert found.schema.types == [pa.int64(), table.schema.field("a").type, pa.binary()]
    assert found.column("b").to_pylist() == [records[n] for n in found.column("id").to_pylist()]
    assert Path("out.csv").read_bytes() == expected(corpus, query)


def test_metrics_count_the_rows_of_the_whole(corpus: Path) -> None:
    interrupted(corpus)
    run = started(str(corpus), QUERY, FakeProxy())
    write_file(run, "out.csv", every_s=0.0)
    assert run.metrics.rows_in == run.metrics.rows_done == ROWS
    assert run.metrics.rows_out == Path("out.csv").read_text().count("\n") - 1
    assert 0 < run.metrics.rows_resumed < ROWS


def test_a_run_that_gives_no_rows_for_long_goes_on_too(corpus: Path) -> None:
    query = 'where label("has 9999") select id'
    interrupted(corpus, query=query)
    proxy = write(corpus, query=query)
    assert len(proxy.asked) < ROWS - 100
    assert Path("out.csv").read_text() == "id\n"


def test_a_short_run_leaves_nothing_when_interrupted(corpus: Path) -> None:
    with pytest.raises(Interrupted, match=r"^out.csv was not written$"):
        write_file(started(str(corpus), QUERY, Breaking(150, KeyboardInterrupt())), "out.csv")
    assert [path.name for path in Path().iterdir()] == ["corpus.parquet"]


def test_an_error_keeps_what_there_is(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProxyError):
        write(corpus, Breaking(150, ProxyError("the model fails")))
    assert "are kept; the same command goes on from there" in capsys.readouterr().err
    write(corpus)
    assert Path("out.csv").read_bytes() == expected(corpus)


@pytest.mark.parametrize("what", ["query", "corpus", "proxy"])
def test_rows_of_something_else_are_not_mixed_in(corpus: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    interrupted(corpus)
    query, proxy = QUERY, FakeProxy()
    if what == "query":
        query = QUERY.replace("random 2", "random 3")
    elif what == "corpus":
        made(corpus, last="!")
    else:
        proxy.fingerprint = "fake-2"
    write(corpus, proxy, query)
    said = capsys.readouterr().err
    assert f"out.csv: rows of an interrupted run are left out, the {what} has changed" in said
    assert Path("out.csv").read_bytes() == expected(corpus, query)
    assert not Path(".out.csv.falconql").exists()


def test_a_corpus_of_the_same_size_and_time_is_told_by_its_content(corpus: Path) -> None:
    Path("c.csv").write_text("id,text\n" + "".join(f"{n},text {n}\n" for n in range(100, 300)))
    before = os.stat("c.csv")
    interrupted(Path("c.csv"))
    Path("c.csv").write_text(Path("c.csv").read_text().replace("text 299", "text 000"))
    os.utime("c.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    write(Path("c.csv"))
    assert Path("out.csv").read_bytes() == expected(Path("c.csv"))


def test_parameters_and_limits_are_part_of_the_query(corpus: Path) -> None:
    interrupted(corpus, query=QUERY + " limit 90")
    write(corpus, query=QUERY + " limit 80")
    assert Path("out.csv").read_text().count("\n") == 81


def test_the_way_a_query_is_written_is_not(corpus: Path) -> None:
    interrupted(corpus, query='where label("random 1") and length(text) > 3 select id')
    again = 'let good = label("random 1") -- the same\nwhere length(text) > 3\n  and good\nselect id'
    proxy = write(corpus, query=again)
    assert len(proxy.asked) < 100


@pytest.mark.parametrize("number", [0, 1, -1])
def test_a_damaged_chunk_and_those_after_it_are_made_again(
    corpus: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    interrupted(corpus)
    content = bytearray(chunks()[number].read_bytes())
    content[len(content) // 2] ^= 1
    chunks()[number].write_bytes(content)
    write(corpus)
    assert "left out, a file in it is damaged" in capsys.readouterr().err
    assert Path("out.csv").read_bytes() == expected(corpus)


@pytest.mark.parametrize(("before", "after"), [('"format": 1', '"format": 2'), ('"rows": ', '"rows": 1')])
def test_a_manifest_that_is_not_believed_is_said(
    corpus: Path, capsys: pytest.CaptureFixture[str], before: str, after: str
) -> None:
    interrupted(corpus)
    manifest = Path(".out.csv.falconql/manifest.json")
    assert before in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(before, after))
    capsys.readouterr()
    write(corpus)
    said = "out.csv: rows of an interrupted run are left out, their manifest is damaged or of another version\n"
    assert capsys.readouterr().err == said
    assert Path("out.csv").read_bytes() == expected(corpus)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_damage_anywhere_in_the_work_folder_changes_no_row(corpus: Path, seed: int) -> None:
    interrupted(corpus)
    chosen = random.Random(seed)
    for path in sorted(Path(".out.csv.falconql").iterdir()):
        content = bytearray(path.read_bytes())
        if chosen.random() < 0.2:
            content[chosen.randrange(len(content))] ^= chosen.randint(1, 255)
        path.write_bytes(content[: len(content) - chosen.choice([0, 0, 0, 0, 0, 1, 2])])
    write(corpus)
    assert Path("out.csv").read_bytes() == expected(corpus)


def test_chunks_without_a_manifest_do_not_count(corpus: Path) -> None:
    interrupted(corpus)
    Path(".out.csv.falconql/manifest.json").unlink()
    write(corpus)
    assert Path("out.csv").read_bytes() == expected(corpus)


def test_two_runs_on_one_output(corpus: Path) -> None:
    folder = WorkFolder("out.csv").__enter__()
    with pytest.raises(OutputError, match=rf"^process {os.getpid()} on .* is writing out.csv\n  help: ") as raised:
        write(corpus)
    assert raised.value.hint == "wait for it, or name another file"
    os.symlink("out.csv", "link.csv")
    with pytest.raises(OutputError):
        write(corpus, out="link.csv")
    write(corpus, out="other.csv")
    folder.close()
    write(corpus)


def test_runs_that_need_no_chunks_are_told_too(corpus: Path) -> None:
    folder = WorkFolder("out.csv").__enter__()
    with pytest.raises(OutputError, match=r"is writing out\.csv"):
        write(corpus, query="select id")
    folder.close()


def test_the_lock_of_a_dead_process_is_taken_over(corpus: Path) -> None:
    code = "from falconql.runtime.commit import WorkFolder; WorkFolder('out.csv').__enter__()"
    assert python(f"{code}; import os; os.kill(os.getpid(), 9)").returncode == -9
    assert "process" in Path(".out.csv.falconql/lock").read_text()
    write(corpus)
    assert not Path(".out.csv.falconql").exists()


def test_a_disk_that_fills_up_keeps_what_it_has(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flushed = 0
    fsync = os.fsync

    def fills_up(file: int) -> None:
        nonlocal flushed
        flushed += 1
        if flushed > 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(file)

    monkeypatch.setattr(os, "fsync", fills_up)
    with pytest.raises(OutputError, match=r"out\.csv cannot be written: No space left on device") as raised:
        write(corpus)
    monkeypatch.undo()
    assert raised.value.hint == "free some space, or write to another disk"
    assert "are kept; the same command goes on from there" in capsys.readouterr().err
    assert not list(Path(".out.csv.falconql").glob("*.partial"))
    os.chdir(corpus.parent)
    proxy = write(corpus)
    assert ("text 10", "random 1") not in proxy.asked
    assert Path("out.csv").read_bytes() == expected(corpus)


def test_a_file_that_may_not_grow_keeps_the_rows_before(corpus: Path) -> None:
    """The final file is larger than what the system allows; once it is allowed, nothing is asked again."""
    query = 'where label("random 1") select ' + ", ".join(f"c{n}: text" for n in range(8))
    code = """
import resource, sys
from falconql.runtime.commit import rows
from tests.runtime.commit.driver import *
rows.EVERY_SHARE = 0.0  # a chunk for each batch, however slow the machine: more would not fit
if sys.argv[2] == "small":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4500, 4500))
proxy = FakeProxy()
try:
    write_file(started("corpus.parquet", sys.argv[1], proxy), "out.csv", every_s=0.0)
finally:
    print(len(proxy.asked))
"""
    done = [python(code, query, size) for size in ("small", "large")]
    assert "out.csv cannot be written: File too large" in done[0].stderr
    assert [int(one.stdout) for one in done] == [ROWS, 0]
    assert Path("out.csv").read_bytes() == expected(corpus, query)


@pytest.mark.parametrize("end", ["order by id desc", "", "group"])
def test_what_cannot_go_on_in_the_middle_leaves_nothing(corpus: Path, end: str) -> None:
    query = {"": "select id", "group": 'select n: count(), s: share(label("random 1"))'}.get(end, f"{QUERY} {end}")
    run = started(str(corpus), query, Breaking(0, KeyboardInterrupt()))
    if run.plan.calls:
        with pytest.raises(Interrupted, match=r"^out.csv was not written$"):
            write_file(run, "out.csv", every_s=0.0)
    else:
        write_file(run, "out.csv", every_s=0.0)
        Path("out.csv").unlink()
    assert [path.name for path in Path().iterdir()] == ["corpus.parquet"]


def test_the_input_may_be_the_output(corpus: Path) -> None:
    write(corpus, query='where label("random 1") select *', out="corpus.parquet")
    assert 0 < pq.read_table("corpus.parquet").num_rows < ROWS


def test_what_comes_through_a_pipe_is_told_by_its_content(corpus: Path) -> None:
    """The same command with the same input goes on; with another it begins again."""
    from falconql.runtime.io import open_source
    from falconql.runtime.io.fingerprint import fingerprint

    def of(text: bytes) -> str | None:
        with Path("piped").open("wb+") as file:
            file.write(text)
            file.seek(0)
            return fingerprint(open_source("-", stdin=file))

    assert of(b"id,text\n1,a\n") == of(b"id,text\n1,a\n") != of(b"id,text\n1,b\n")


@pytest.mark.parametrize("change", ["add", "edit", "rename"])
def test_every_file_of_a_folder_counts(tmp_path: Path, change: str) -> None:
    from falconql.runtime.io import open_source
    from falconql.runtime.io.fingerprint import fingerprint

    for number in range(3):
        (tmp_path / f"{number}.csv").write_text(f"id,text\n{number},a\n")
    before = fingerprint(open_source(tmp_path))
    assert fingerprint(open_source(tmp_path)) == before
    if change == "rename":
        (tmp_path / "2.csv").rename(tmp_path / "5.csv")
    else:
        (tmp_path / ("1.csv" if change == "edit" else "7.csv")).write_text("id,text\n8,b\n")
    assert fingerprint(open_source(tmp_path)) != before


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64())])
    identity = Identity("q", "c", "p", "1")
    folder = WorkFolder(str(tmp_path / "out.csv")).__enter__()
    batch = pa.record_batch({"a": pa.array([1, 2])})
    chunk = Chunk(2, 10, folder.write_chunk(0, [batch], schema))
    folder.save(identity, [chunk])
    assert folder.restore(identity, schema) == ([chunk], None)
    assert list(folder.batches([chunk], schema)) == [batch]
    other = Identity("q2", "c", "p2", "1")
    assert folder.restore(other, schema) == ([], "the query and the proxy have changed")
    folder.close()
    assert list(tmp_path.iterdir()) == []
