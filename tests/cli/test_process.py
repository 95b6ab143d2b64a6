"""What only a real process shows: closed pipes, full disks, Ctrl-C, and what goes to which stream."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FALCONQL = (sys.executable, "-m", "falconql")
ROWS = 200_000


@pytest.fixture
def big(folder: Path) -> Path:
    """A corpus whose JSON does not fit into a pipe."""
    texts = [f"text number {number}" for number in range(ROWS)]
    pq.write_table(pa.table({"id": list(range(ROWS)), "text": texts}), folder / "big.parquet")
    return folder / "big.parquet"


def start(*arguments: str, **options: object) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen([*FALCONQL, *arguments], **pipes)  # type: ignore[call-overload, no-any-return]


def test_a_reader_that_has_enough(big: Path) -> None:
    with start("run", "-e", "select id", "--from", "big.parquet", "--format", "jsonl", "-q") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline()) == {"id": 0}
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize("format_", ["table", "csv", "jsonl", "json", "arrow", "parquet"])
def test_a_reader_that_has_enough_before_the_first_row(folder: Path, format_: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = start("run", "-e", "select id", "--from", "reviews.csv", "--format", format_, "-q", stdout=writing)
        _, err = process.communicate()
    finally:
        os.close(writing)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("--version",)])
def test_a_full_disk_behind_help(folder: Path, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        process = start(*arguments, stdout=full)
        _, err = process.communicate()
    assert (process.returncode, err) == (3, "error: cannot write the output: No space left on device\n")


@pytest.mark.parametrize("format_", ["table", "csv", "jsonl", "arrow", "parquet"])
def test_a_full_disk_behind_standard_output(folder: Path, format_: str) -> None:
    with open("/dev/full", "w") as full:
        process = start("run", "-e", "select id", "--from", "reviews.csv", "--format", format_, "-q", stdout=full)
        _, err = process.communicate()
    assert process.returncode == 3
    assert err.splitlines()[0].startswith("error: ")
    assert "No space left" in err
    assert "Traceback" not in err


def small_disk() -> None:
    """Let no file grow beyond 100 kB, which a program sees as it sees a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "out.arrow"])
def test_a_full_disk_behind_a_file(big: Path, name: str) -> None:
    process = start("run", "-e", "select *", "--from", "big.parquet", "-o", name, "-q", preexec_fn=small_disk)
    out, err = process.communicate()
    assert (process.returncode, out) == (3, "")
    assert f"{name} cannot be written" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in big.parent.iterdir()) == ["big.parquet", "reviews.csv"]


def test_ctrl_c_while_writing_leaves_nothing_behind(big: Path) -> None:
    pq.write_table(pa.table({"text": ["It was a fine day, and the train was late again."] * 50_000}), "long.parquet")
    query = 'select text, who: span("Who is it about?"), late: label("Is something late, {text}?")'
    process = start("run", "-e", query, "--from", "long.parquet", "-o", "out.jsonl")
    while process.poll() is None and not list(big.parent.glob(".out.jsonl.*")):
        pass  # the file in the making appears when the run begins
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted: out.jsonl was not written"
    assert "Traceback" not in err
    assert sorted(path.name for path in big.parent.iterdir()) == ["big.parquet", "long.parquet", "reviews.csv"]


def test_ctrl_c_while_waiting_for_input(folder: Path) -> None:
    os.mkfifo("pipe.csv")
    process = start("run", "-e", "select id", "--from", "pipe.csv")
    with open("pipe.csv", "w") as writer:  # opens when the other side has opened it for reading
        process.send_signal(signal.SIGINT)
        writer.close()
    _, err = process.communicate()
    assert process.returncode == 130
    assert err.splitlines() == ["interrupted"]


def test_data_and_messages_go_to_different_streams(folder: Path) -> None:
    process = start("run", "-", "--from", "reviews.csv", "--format", "csv", stdin=subprocess.PIPE)
    out, err = process.communicate("where stars > 3 select id")
    assert process.returncode == 0
    assert out == "id\n1\n3\n"
    assert err.startswith("2 rows from 4")


def test_standard_input_as_corpus(folder: Path) -> None:
    process = start("run", "-e", "select id limit 1", "--from", "-", "--format", "jsonl", stdin=subprocess.PIPE)
    out, _ = process.communicate((folder / "reviews.csv").read_text())
    assert (process.returncode, json.loads(out)) == (0, {"id": 1})


@pytest.mark.parametrize(
    ("closed", "options", "status", "out", "err"),
    [
        (0, ("--from", "-"), 1, "", "standard input is empty"),
        (1, ("--from", "one.csv"), 3, "", "cannot write the output: Bad file descriptor"),
        (1, ("--from", "one.csv", "--format", "csv"), 3, "", "the output cannot be written: Bad file descriptor"),
        (1, ("--from", "one.csv", "-o", "out.csv"), 0, "", ""),
        (2, ("--from", "one.csv", "--format", "csv"), 0, "id\n1\n", ""),
        (2, ("--from", "none.csv"), 1, "", ""),
    ],
)
def test_a_standard_stream_that_is_closed(
    folder: Path, closed: int, options: tuple[str, ...], status: int, out: str, err: str
) -> None:
    (folder / "one.csv").write_text("id\n1\n")
    process = start("run", "-q", "-e", "select id", *options, preexec_fn=lambda: os.close(closed))
    found = process.communicate()
    assert (process.returncode, found[0]) == (status, out)
    assert "Traceback" not in found[1]
    assert err in found[1]
    if "-o" in options:
        assert (folder / "out.csv").read_text() == "id\n1\n"


def test_characters_that_standard_output_has_not(folder: Path) -> None:
    (folder / "one.csv").write_text("text\ncafé 日本\n")
    words = [*FALCONQL, "run", "-q", "-e", "select text", "--from", "one.csv"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_"))}
    for settings, encoding, found in (
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252", "text\n-------\ncafé \\u65e5\\u672c\n"),
        ({"PYTHONIOENCODING": "ascii"}, "ascii", "text\n-------\ncaf\\u00e9 \\u65e5\\u672c\n"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "utf-8", "text\n───────\ncafé 日本\n"),
    ):
        done = subprocess.run(words, env={**environment, **settings}, capture_output=True, check=True)
        lines = done.stdout.decode(encoding).splitlines()
        expected = found.splitlines()
        assert (lines[0].strip(), lines[2]) == (expected[0], expected[2])
        assert set(lines[1]) == {expected[1][0]}


def test_a_formatted_query_keeps_every_character(folder: Path) -> None:
    words = [*FALCONQL, "fmt", "-e", 'text t where t = "café" select t']
    done = subprocess.run(words, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=True)
    assert 't = "café"' in done.stdout.decode("utf-8")


def test_nobody_else_is_told_of_a_run(folder: Path) -> None:
    """ONNX Runtime's packages collect and send usage data from 1.29 on, unless told not to."""
    home = folder / "home"
    home.mkdir()
    # In what looks like a test of somebody's build it collects nothing.
    silent = ("CI", "TF_BUILD", "BUILD_", "GITHUB_", "JENKINS", "XDG_", "ORT_", "FALCONQL_", "PYTEST")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(silent)}
    (folder / "one.csv").write_text("text\nThis keyboard broke.\n")
    words = (
        "run",
        "-e",
        'where label("Is this about a keyboard?", threshold: 0.01)',
        "--from",
        "one.csv",
        "--no-cache",
    )
    with start(*words, env={**environment, "HOME": str(home)}) as process:
        out, err = process.communicate(timeout=60)
    assert "keyboard" in out, err
    left = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    assert not [path for path in left if "falconql" not in path.lower()], left


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_an_open_file_is_written_to_and_not_replaced(folder: Path, path: str) -> None:
    (folder / "one.csv").write_text("id\n1\n")
    with (folder / "all.txt").open("wb") as file:
        file.write(b"before\n")
        file.flush()
        words = ("run", "-q", "-e", "select id", "--from", "one.csv", "-o", path, "--format", "csv")
        assert subprocess.run([*FALCONQL, *words], stdout=file, check=False).returncode == 0
        file.seek(0, os.SEEK_END)
        file.write(b"after\n")
    assert (folder / "all.txt").read_text() == "before\nid\n1\nafter\n"


def copying(folder: Path, shell: str = 'exec "$@"') -> subprocess.Popen[str]:
    """Start a query over a corpus from a pipe and return it when a part of that is copied to ``folder``."""
    query = (*FALCONQL, "run", "-e", "select n: count()", "--from", "-", "--format", "csv")
    folder.mkdir()
    process = subprocess.Popen(
        ["sh", "-c", shell, "sh", *query],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert process.stdin is not None
    process.stdin.write("id,text\n" + "1,anything\n" * 400_000)
    process.stdin.flush()
    end = time.monotonic() + 30
    while not any(path.stat().st_size for path in folder.iterdir()):
        assert time.monotonic() < end, "nothing was copied"
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_removes_the_copy_of_a_corpus(folder: Path, number: signal.Signals) -> None:
    process = copying(folder / "copies")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, list((folder / "copies").iterdir())) == (128 + number, [])
    assert err.startswith("interrupted")


def test_what_ignores_that_a_terminal_closes_goes_on(folder: Path) -> None:
    process = copying(folder / "copies", 'trap "" HUP; exec "$@"')
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "n\n400000\n")


def test_an_interrupt_before_anything_is_loaded_is_no_traceback() -> None:
    program = (
        "import falconql.cli.entry as entry\n"
        "def interrupted(): raise KeyboardInterrupt\n"
        "entry.take_every_character = interrupted\n"
        "entry.start()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")
