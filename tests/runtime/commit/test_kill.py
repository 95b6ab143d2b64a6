"""Killed at any moment, a run goes on when it is started again, and ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

ROWS = 240
QUERIES = {
    "out.csv": 'where label("random 1") select id, s: score(label("random 2")), first: span("re: [a-z]+")',
    "out.parquet": 'where label("random 1") or label("random 3") select *, words: spans("re: [a-z]+")',
    "out.jsonl": 'each word in spans("re: [a-z]+") where label("random 4") select id, word, n: length(text)',
    "out.arrow": 'where n > 3 and label("random 1") select id, n, text limit 70',
}

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    words = ("one two", "three", "Four five six", "SEVEN", "eight, nine")
    texts = [f"{words[n % 5]} {n}" for n in range(ROWS)]
    pq.write_table(pa.table({"id": range(ROWS), "n": [n % 7 for n in range(ROWS)], "text": texts}), path)
    return path


def drive(corpus: Path, out: Path, kill_at: int) -> tuple[int, int] | None:
    """Run in a process of its own; return questions and events, None if it was killed."""
    words = [
        sys.executable,
        "-m",
        "tests.runtime.commit.driver",
        str(corpus),
        str(out),
        QUERIES[out.name],
        str(kill_at),
    ]
    # From the folder of the corpus the tests are not found by themselves.
    found = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=found)
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    asked, events = done.stdout.split()
    return int(asked), int(events)


def content(path: Path) -> object:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    return pa.ipc.open_file(path).read_all() if path.suffix == ".arrow" else path.read_bytes()


def kill_and_resume(corpus: Path, folder: Path, name: str, kills: int, seed: int) -> None:
    whole = folder / "whole" / name
    whole.parent.mkdir()
    counted = drive(corpus, whole, 0)
    assert counted is not None
    asked_in_all, events = counted
    chosen = random.Random(seed)
    saved = 0
    for number in range(kills):
        out = folder / str(number) / name
        out.parent.mkdir()
        # Anywhere in each part of the run, the last of which is joining and cleaning up.
        kill_at = chosen.randint(1 + events * number // kills, events * (number + 1) // kills)
        assert drive(corpus, out, kill_at) is None, "it was not killed"
        if not out.exists():
            # Killed once more while it goes on, if it does so much.
            drive(corpus, out, chosen.randint(1, events))
        resumed = drive(corpus, out, 0)
        assert resumed is not None
        assert content(out) == content(whole), f"killed at {kill_at} of {events}"
        assert [path.name for path in out.parent.iterdir()] == [name]
        saved += resumed[0] < asked_in_all
    assert saved > 0, "no run went on in the middle"


@pytest.mark.parametrize(("name", "seed"), [("out.csv", 1), ("out.arrow", 2)])
def test_killed_and_resumed_is_as_uninterrupted(corpus: Path, tmp_path: Path, name: str, seed: int) -> None:
    kill_and_resume(corpus, tmp_path, name, 3, seed)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), [(name, seed) for seed, name in enumerate(QUERIES)])
def test_killed_at_many_moments(corpus: Path, tmp_path: Path, name: str, seed: int) -> None:
    kill_and_resume(corpus, tmp_path, name, 13, seed + 100)
