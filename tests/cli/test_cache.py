"""``cache`` and ``--no-cache``: what people see of answers that are kept."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from falconql.runtime.cache import open_cache
from falconql.runtime.cache.runs import Entries, write_run
from tests.cli.shell import falconql

RUN = ("run", "-e", 'select id, s: score(label("Is it good?")), p: spans("price")', "--from", "reviews.csv")


@pytest.fixture
def caching(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in where answers are kept, in ``home/cache``."""
    monkeypatch.delenv("FALCONQL_CACHE")
    return folder / "home" / "cache"


def calls(*more: str) -> tuple[int, int]:
    """Run the query; return its model calls and cache hits."""
    assert falconql(*RUN, "--metrics", "m.json", *more).status == 0
    metrics = json.loads(Path("m.json").read_text())
    return metrics["model_calls"], metrics["cache_hits"]


def info() -> dict[str, object]:
    found: dict[str, object] = json.loads(falconql("cache", "info", "--format", "json").out)
    return found


def test_the_second_run_asks_nothing_and_prints_the_same(caching: Path) -> None:
    first = falconql(*RUN, "--format", "jsonl").out
    assert calls() == (0, 6)
    assert falconql(*RUN, "--format", "jsonl").out == first
    assert falconql(*RUN, "--format", "jsonl", "--no-cache").out == first


def test_without_the_cache_nothing_is_used_or_kept(caching: Path) -> None:
    assert calls("--no-cache") == (6, 0)
    assert not caching.exists()
    assert calls() == (6, 0)
    assert calls("--no-cache") == (6, 0)


def test_explaining_uses_the_cache_too(caching: Path) -> None:
    explain = ("explain", *RUN[1:], "--analyze", "--format", "json")
    assert json.loads(falconql(*explain).out)["model_calls"] == 6
    assert json.loads(falconql(*explain).out)["model_calls"] == 0
    assert json.loads(falconql(*explain, "--no-cache").out)["model_calls"] == 6


def test_info(caching: Path) -> None:
    done = falconql("cache", "info")
    assert done.out.splitlines() == [str(caching), "0 answers, 0 B of 2.1 GB"]
    calls()
    lines = falconql("cache", "info").out.splitlines()
    assert lines[1].startswith("6 answers, ")
    assert lines[2].startswith("  kestrel  ")
    found = info()
    assert (found["path"], found["on"], found["entries"]) == (str(caching), True, 6)


def test_what_a_folder_says_of_its_proxy_cannot_drive_the_terminal(caching: Path) -> None:
    calls()
    (about,) = caching.rglob("proxy.json")
    about.write_text(json.dumps({"name": "red\r\x1b[31mdead", "fingerprint": "\x1b[2J"}))
    printed = falconql("cache", "info").out
    assert "dead" in printed
    assert not set("\r\x1b") & set(printed)


def test_info_says_when_it_is_off_or_elsewhere(caching: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCONQL_CACHE", "off")
    assert falconql("cache", "info").out.splitlines()[0] == f"{caching}  (turned off by FALCONQL_CACHE)"
    monkeypatch.setenv("FALCONQL_CACHE", "elsewhere")
    monkeypatch.setenv("FALCONQL_CACHE_LIMIT", "500 MB")
    calls()
    assert falconql("cache", "info").out.splitlines()[1].endswith(" of 500.0 MB")
    assert (info()["path"], info()["entries"]) == ("elsewhere", 6)


def test_clearing(caching: Path) -> None:
    calls()
    assert falconql("cache", "clear", "--older-than", "30d").err == "0 answers deleted\n"
    done = falconql("cache", "clear", "--proxy", "kestral")
    assert done.status == 2
    assert "the cache has no answers of a proxy 'kestral'\n  help: it has answers of: kestrel" in done.err
    assert falconql("cache", "clear", "--proxy", "kestrel").err == "6 answers deleted\n"
    assert info()["entries"] == 0
    assert falconql("cache", "clear").err == "0 answers deleted\n"


def test_clearing_what_is_old(caching: Path) -> None:
    calls()
    (folder,) = caching.iterdir()
    long_ago = int(time.time()) // 86_400 - 50
    write_run(folder, Entries.of({bytes(16): b"x", bytes(range(16)): b"y"}, long_ago), 1)
    assert info()["entries"] == 8
    assert falconql("cache", "clear", "--older-than", "7w").err == "2 answers deleted\n"
    assert calls() == (0, 6)


def test_clearing_only_one_proxy(caching: Path) -> None:
    calls()
    other = open_cache(caching, "fingerprint", "mine")
    other.put({bytes(16): b"x"})
    other.close()
    assert falconql("cache", "clear", "--proxy", "mine").err == "1 answer deleted\n"
    assert info()["entries"] == 6


@pytest.mark.parametrize("age", ["soon", "30", "-3d", "3 years"])
def test_an_age_that_is_none(caching: Path, age: str) -> None:
    done = falconql("cache", "clear", "--older-than", age)
    assert done.status == 2
    assert "write for example 30d or 8w" in done.err


def test_a_cache_that_cannot_be_written_is_one_warning(caching: Path) -> None:
    caching.parent.mkdir()
    caching.write_text("no folder")
    done = falconql(*RUN, "--format", "csv")
    assert done.status == 0
    warnings = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert warnings == [f"warning: results are not kept for later runs: {caching} cannot be written (Not a directory)"]
    assert falconql("cache", "info").status == 0


def test_a_limit_that_is_none(caching: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCONQL_CACHE_LIMIT", "9" * 400)
    assert "is no size" in falconql("cache", "info").err
    monkeypatch.setenv("FALCONQL_CACHE_LIMIT", "much")
    done = falconql(*RUN)
    assert done.status == 2
    assert "FALCONQL_CACHE_LIMIT=much is no size\n  help: write at least 1MiB" in done.err
