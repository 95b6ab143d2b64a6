"""The cache's files: everything comes back, nothing wrong does, they stay below their size, and nobody waits."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falconql.runtime.cache import ResultCache, clear, contents, open_cache, store
from falconql.runtime.cache.runs import Entries, Run, write_run

DAY = int(time.time()) // 86_400


def key(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


def result(number: int) -> bytes:
    return str(number).encode() * (number % 4)


def opened(root: Path, limit_bytes: int = 1 << 30, proxy: str = "p1") -> ResultCache:
    return open_cache(root, proxy, "name", limit_bytes=limit_bytes)


def filled(root: Path, numbers: range, limit_bytes: int = 1 << 30) -> ResultCache:
    cache = opened(root, limit_bytes)
    cache.put({key(number): result(number) for number in numbers})
    cache.close()
    return cache


def files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.run1"))


def test_what_was_put_is_found_at_once_and_later(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    assert not cache.has_results
    assert cache.find([key(1)]) == {}
    cache.put({key(number): result(number) for number in range(1000)})
    assert cache.find([key(3), key(2000)]) == {key(3): result(3)}
    cache.close()
    again = opened(tmp_path)
    assert again.has_results
    wanted = [key(number) for number in range(0, 2000, 7)]
    assert again.find(wanted) == {key(number): result(number) for number in range(0, 1000, 7)}


def test_nothing_is_written_where_nothing_is_computed(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    opened(root).find([key(1)])
    opened(root).close()
    assert not root.exists()


def test_proxies_do_not_share_results(tmp_path: Path) -> None:
    filled(tmp_path, range(10))
    assert opened(tmp_path, proxy="p2").find([key(1)]) == {}


def test_results_of_another_process_are_found_after_the_next_saving(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    assert first.find([key(1)]) == {}
    second.put({key(1): b"x"})
    second.flush()
    first.put({key(2): b"y"})
    first.flush()
    assert first.find([key(1), key(2)]) == {key(1): b"x", key(2): b"y"}


def test_many_small_files_become_few_and_lose_nothing(tmp_path: Path) -> None:
    for start in range(0, 4000, 50):
        filled(tmp_path, range(start, start + 60))
    assert len(files(tmp_path)) < 20
    numbers = range(4010)
    assert opened(tmp_path).find([key(n) for n in numbers]) == {key(n): result(n) for n in numbers}
    (content,) = contents(tmp_path)
    assert 4010 <= content.entries < 4010 + 80 * 10


def test_a_newer_result_replaces_an_older_one(tmp_path: Path) -> None:
    for number in range(20):
        cache = opened(tmp_path)
        cache.put({key(1): str(number).encode()})
        cache.close()
        assert opened(tmp_path).find([key(1)]) == {key(1): str(number).encode()}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bytes_anywhere_give_no_wrong_result(tmp_path: Path, data: st.DataObject) -> None:
    root = tmp_path / str(time.monotonic_ns())
    for start in range(0, 90, 30):
        filled(root, range(start, start + 30))
    for path in files(root):
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] ^= data.draw(st.integers(1, 255))
        cut = data.draw(st.integers(0, 40)) if data.draw(st.booleans()) else 0
        path.write_bytes(content[: len(content) - cut])
    cache = opened(root)
    expected = {key(number): result(number) for number in range(90)}
    found = cache.find(list(expected))
    assert found.items() <= expected.items()
    # Merging what is damaged loses no more, and what is computed again stays.
    cache.put({k: v for k, v in expected.items() if k not in found})
    cache.close()
    for _ in range(9):
        filled(root, range(1000, 1001))
    assert opened(root).find(list(expected)) == expected


def test_a_result_under_another_key_is_not_taken(tmp_path: Path) -> None:
    """Also if the first 8 bytes, by which it is looked up, are the same."""
    filled(tmp_path, range(10))
    other = key(1)[:8] + bytes(8)
    assert opened(tmp_path).find([other]) == {}


def test_size_stays_below_the_limit_and_what_is_used_is_kept(tmp_path: Path) -> None:
    limit = 1 << 20
    used = [key(number) for number in range(100)]
    for start in range(0, 200_000, 2000):
        cache = filled(tmp_path, range(start, start + 2000), limit_bytes=limit)
        assert sum(path.stat().st_size for path in files(tmp_path)) <= limit
        if start:
            cache = opened(tmp_path, limit)
            assert set(cache.find(used)) == set(used)
            cache.close()
    late = opened(tmp_path)
    assert late.find([key(number) for number in range(101, 2000)]) == {}
    assert len(late.find([key(number) for number in range(198_000, 200_000)])) == 2000


def test_a_clock_that_went_back_does_not_make_new_results_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, now = 1 << 18, time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 10**9 * 86_400 * 365)
    for start in range(0, 40_000, 2000):
        filled(tmp_path, range(start, start + 2000), limit_bytes=limit)
    monkeypatch.setattr(time, "time_ns", lambda: now)
    filled(tmp_path, range(-50, 0), limit_bytes=limit)
    new = [key(number) for number in range(-50, 0)]
    assert len(opened(tmp_path).find(new)) == 50
    # A name of the last moment there is leaves room for no later one.
    path = files(tmp_path)[0]
    path.rename(path.with_name(f"{'f' * 16}{path.name[16:]}"))
    filled(tmp_path, range(-60, -50), limit_bytes=limit)
    assert len(opened(tmp_path).find([key(number) for number in range(-60, -50)])) == 10


@pytest.mark.parametrize("about", ["[" * 100_000, "null", '{"name": 3}', "\0"])
def test_what_is_said_of_a_proxy_may_be_anything(tmp_path: Path, about: str) -> None:
    (filled(tmp_path, range(5)).folder / "proxy.json").write_text(about)
    assert [(content.name, content.entries) for content in contents(tmp_path)] == [("?", 5)]
    assert len(opened(tmp_path).find([key(number) for number in range(5)])) == 5


def test_clearing_by_proxy_and_by_age(tmp_path: Path) -> None:
    filled(tmp_path, range(5))
    folder = files(tmp_path)[0].parent
    write_run(folder, Entries.of({key(n): result(n) for n in range(5, 10)}, DAY - 40), time.time_ns())
    store.merge(folder, files(tmp_path))
    other = opened(tmp_path, proxy="p2")
    other.put({key(1): b"x"})
    other.close()
    for content in contents(tmp_path):
        clear(content, before_day=DAY - 30)
    assert len(opened(tmp_path).find([key(n) for n in range(10)])) == 5
    clear(next(content for content in contents(tmp_path) if content.fingerprint == "p1"))
    assert [content.fingerprint for content in contents(tmp_path)] == ["p2"]
    assert not folder.exists()


def test_files_that_are_not_the_caches_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "photos").mkdir()
    theirs = [tmp_path / name for name in ("holiday-photos-from-2024-in-rome", "d41d8cd98f00b204e9800998ecf8427e")]
    for folder in theirs:
        (folder / "more").mkdir(parents=True)
        for name in ("a.txt", "proxy.json", "ubuntu.iso.partial"):
            (folder / name).write_text("theirs")
            os.utime(folder / name, (0, 0))
    own = filled(tmp_path, range(5)).folder
    (own / "notes.txt").write_text("theirs")
    assert len(contents(tmp_path)) == 1
    for content in contents(tmp_path):
        clear(content)
    assert [path.name for path in own.iterdir() if path.suffix == ".txt"] == ["notes.txt"]
    assert not [path for path in own.iterdir() if path.suffix == ".run1"]
    for folder in theirs:
        assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "more", "proxy.json", "ubuntu.iso.partial"]
    assert (tmp_path / "mine.txt").exists()
    assert (tmp_path / "photos").exists()


def test_a_cache_that_is_cleared_while_it_is_written_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    cache = ResultCache(tmp_path, "p1", "name", 1 << 30, said.append)
    cache.put({key(1): result(1)})
    cleared: list[Path] = []

    def clears_first(folder: Path, *rest: Any) -> Path:
        if not cleared:
            cleared.append(folder)
            shutil.rmtree(folder)
        return write_run(folder, *rest)

    monkeypatch.setattr(store, "write_run", clears_first)
    cache.flush()
    assert cleared
    assert said == []
    assert opened(tmp_path).find([key(1)]) == {key(1): result(1)}


def test_a_folder_that_cannot_be_made_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    cache = ResultCache(tmp_path / "file" / "cache", "p", "name", 1 << 30, said.append)
    for number in range(3):
        cache.put({key(number): b"x"})
        cache.flush()
    assert len(said) == 1
    assert "cannot be written (Not a directory)" in said[0]


def test_a_folder_that_cannot_be_read_is_one_warning(tmp_path: Path) -> None:
    root = tmp_path / "round"
    root.symlink_to(root)
    said: list[str] = []
    cache = ResultCache(root, "p1", "name", 1 << 30, said.append)
    assert not cache.has_results
    assert cache.find([key(1)]) == {}
    for number in range(2):
        cache.put({key(number): result(number)})
        cache.flush()
    cache.close()
    assert len(said) == 1


def test_a_full_disk_is_one_warning_and_what_is_there_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, range(5))

    def full(*_: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "write_run", full)
    said: list[str] = []
    cache = ResultCache(tmp_path, "p1", "name", 1 << 30, said.append)
    for number in range(10, 13):
        cache.put({key(number): b"x"})
        cache.flush()
    cache.close()
    assert len(said) == 1
    assert "No space left" in said[0]
    assert cache.find([key(3), key(10)]) == {key(3): result(3)}


def test_half_a_file_is_never_seen(tmp_path: Path) -> None:
    """The disk takes part of a file and no more: nothing of it is left."""
    code = f"""
import resource, warnings
from pathlib import Path
from falconql.runtime.cache import open_cache
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
said = []
cache = open_cache(Path({str(tmp_path)!r}), "p1", "name", warn=said.append)
for part in range(3):
    cache.put({{bytes([part, n]) * 8: b"some result" for n in range(200)}})
    cache.flush()
print(len(said), said[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 results are not kept for later runs")
    assert "File too large" in done.stdout
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["proxy.json"]


def test_several_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each writes and reads, merges and deletes, while the others do."""
    code = f"""
import sys
from pathlib import Path
from tests.runtime.cache.test_store import key, opened, result
first = int(sys.argv[1])
for start in range(first, first + 6000, 100):
    cache = opened(Path({str(tmp_path)!r}))
    numbers = range(start, start + 100)
    assert cache.find([key(n) for n in numbers]) == {{}}
    cache.put({{key(n): result(n) for n in numbers}})
    cache.flush()
    cache.find([key(n) for n in numbers])
    cache.close()
"""
    arguments = [[sys.executable, "-c", code, str(first)] for first in (0, 10_000, 20_000)]
    processes = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for words in arguments]
    for process in processes:
        assert process.communicate()[1] == ""
    numbers = [n for first in (0, 10_000, 20_000) for n in range(first, first + 6000)]
    assert opened(tmp_path).find([key(n) for n in numbers]) == {key(n): result(n) for n in numbers}


def test_remains_of_a_killed_process_are_cleaned_up(tmp_path: Path) -> None:
    filled(tmp_path, range(5))
    partial = files(tmp_path)[0].parent / "0000000000000000-00000000.partial"
    partial.write_bytes(b"half")
    opened(tmp_path).find([key(1)])
    assert partial.exists()  # somebody may be writing it
    os.utime(partial, (0, 0))
    opened(tmp_path).find([key(1)])
    assert not partial.exists()


def test_a_file_that_vanishes_is_only_missed(tmp_path: Path) -> None:
    filled(tmp_path, range(5))
    cache = opened(tmp_path)
    assert cache.has_results
    for path in files(tmp_path):
        path.unlink()
    assert len(cache.find([key(1)])) == 1  # it is still open
    cache.put({key(7): b"x"})
    cache.flush()
    assert cache.find([key(1), key(7)]) == {key(7): b"x"}


@given(st.dictionaries(st.binary(min_size=16, max_size=16), st.binary(max_size=30), min_size=1, max_size=50))
def test_a_file_holds_what_was_written(tmp_path_factory: pytest.TempPathFactory, results: dict[bytes, bytes]) -> None:
    run = Run(write_run(tmp_path_factory.mktemp("run"), Entries.of(results, DAY), 1))
    heads = {k[:8] for k in results}
    assert run.count == len(heads)
    assert sorted(run.entries().results) == sorted({k[:8]: v for k, v in results.items()}.values())
