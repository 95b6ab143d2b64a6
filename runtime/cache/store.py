"""The cache: results by key in a folder that many processes share, kept below a size.

Each process gathers what it computed and now and then writes it as a file of its own (``runs``); small
files are merged into larger ones, and the oldest are deleted when all of them take too much. Nothing is
ever locked: whoever finds a file gone has to compute again what was in it, and no more than that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from falconql.runtime.cache.runs import PARTIAL, SUFFIX, Damaged, Entries, Key, Run, heads_of, joined, write_run
from falconql.runtime.folders import own_folder

LIMIT_BYTES = 2 << 30
# What a killed process loses of what it had computed.
SAVE_EVERY_S = 2.0
SAVE_ENTRIES = 20_000
MERGED_FILES = 8
MOST_RUN_BYTES = 64 << 20
_ABOUT = "proxy.json"
_FOLDER = re.compile(r"[0-9a-f]{32}")
_RUN = re.compile(rf"[0-9a-f]{{16}}-[0-9a-f]{{8}}{re.escape(SUFFIX)}")
_UNFINISHED = re.compile(rf"(?:[0-9a-f]{{16}}-[0-9a-f]{{8}}|proxy\.\d+){re.escape(PARTIAL)}")
_PARTIAL_LIVES_S = 3600.0
_DAY_S = 86_400
_LATEST = 2**64 - 1  # of times in the names of files
_TRIES = 3


class CacheWarning(UserWarning):
    """The cache cannot be used; the run goes on without it."""


class ResultCache:
    """Results of one proxy.

    Reading takes results of all processes, also of those that write meanwhile; what cannot be read is not
    there. Writing never raises: where it fails, ``warn`` is told once, and nothing more is written.

    Args:
        root: the cache's folder, made when there is something to keep.
        fingerprint: of the proxy: a hash of everything that can change a result.
        name: what people call the proxy.
        limit_bytes: what all files of all proxies may take.
        warn: is told why the cache cannot be used.
    """

    def __init__(
        self, root: Path, fingerprint: str, name: str, limit_bytes: int, warn: Callable[[str], None] | None = None
    ) -> None:
        self.root = root
        self.folder = root / folder_name(fingerprint)
        self.fingerprint = fingerprint
        self._name = name
        self.limit_bytes = limit_bytes
        self._warn = warn or _warn
        self._runs: dict[Path, Run] | None = None
        self._fading: set[Path] = set()
        self._newest = 0
        self._pending: dict[Key, bytes] = {}
        self._saved_at = time.monotonic()
        self._writable = True
        self._found_some = False

    @property
    def has_results(self) -> bool:
        """Whether there were results of this proxy when the cache was opened."""
        self._opened()
        return self._found_some

    def find(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        """Return the results that are there, of those keys that have one."""
        found = {key: self._pending[key] for key in keys if key in self._pending}
        runs = self._opened()
        missing = [key for key in keys if key not in found] if found else list(keys)
        if not runs or not missing:
            return found
        heads = heads_of(missing)
        left = np.argsort(heads)
        for run in reversed(runs.values()):
            if not left.size:
                break
            at, places = run.find(heads[left])
            if not at.size:
                continue
            wanted = [missing[position] for position in left[at].tolist()]
            results = run.results(wanted, places)
            good = {key: result for key, result in zip(wanted, results, strict=True) if result is not None}
            found.update(good)
            left = np.delete(left, at[[result is not None for result in results]])
            if run.path in self._fading:
                self.put(good)
        return found

    def put(self, results: Mapping[Key, bytes]) -> None:
        """Keep results; they are on disk after ``SAVE_EVERY_S`` or ``SAVE_ENTRIES``, or ``flush``."""
        if not self._writable:
            return
        self._pending.update(results)
        waited = time.monotonic() - self._saved_at
        if len(self._pending) >= SAVE_ENTRIES or waited >= SAVE_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting to be written."""
        pending, self._pending = self._pending, {}
        self._saved_at = time.monotonic()
        if not pending or not self._writable:
            return
        self._opened()
        try:
            try:
                self._write(pending)
            except FileNotFoundError:  # somebody has cleared the cache meanwhile
                self._write(pending)
            self._tidy()
        except OSError as error:
            self._writable = False
            self._warn(f"results are not kept for later runs: {self.root} cannot be written ({error.strerror})")
        self._refresh()

    def close(self) -> None:
        """Write what is left, and let go of the files."""
        self.flush()
        self._runs = None

    def _opened(self) -> dict[Path, Run]:
        if self._runs is None:
            self._refresh()
            self._found_some = bool(self._runs)
        assert self._runs is not None
        return self._runs

    def _write(self, results: Mapping[Key, bytes]) -> None:
        self._announce()
        # After all that is there, also where a clock was ahead when it was written: the oldest are deleted first.
        when = min(max(time.time_ns(), self._newest + 1), _LATEST)
        write_run(self.folder, Entries.of(results, _today()), when)

    def _announce(self) -> None:
        """Make the proxy's folder, with its name for people."""
        about = self.folder / _ABOUT
        if not about.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = about.with_suffix(f".{os.getpid()}{PARTIAL}")
            partial.write_text(json.dumps({"name": self._name, "fingerprint": self.fingerprint}), encoding="utf-8")
            partial.replace(about)

    def _refresh(self) -> None:
        """Open the files that are new, oldest first, and forget those that are gone."""
        opened = self._runs or {}
        for _ in range(_TRIES):
            found = {file.path: opened.get(file.path) or _open(file.path) for file in _files(self.folder)}
            opened = {path: run for path, run in found.items() if run is not None}
            if len(opened) == len(found):
                break  # otherwise somebody has merged files since they were listed
        self._runs = opened
        files = sorted(_all_files(self.root))
        self._newest = files[-1].when if files else 0
        newer = 0
        self._fading = set()
        for file in reversed(files):
            if newer > self.limit_bytes // 2:
                self._fading.add(file.path)
            newer += file.bytes

    def _tidy(self) -> None:
        """Merge small files, and delete the oldest ones beyond the limit."""
        if sources := _to_merge(list(_files(self.folder)), min(MOST_RUN_BYTES, self.limit_bytes // 8)):
            merge(self.folder, sources)
        files = sorted(_all_files(self.root))
        excess = sum(file.bytes for file in files) - self.limit_bytes
        for file in files:
            if excess <= 0:
                break
            _remove(file.path)
            excess -= file.bytes


@dataclass(frozen=True, slots=True, order=True)
class _File:
    """``when``: nanoseconds since the epoch of its newest entries."""

    when: int
    path: Path
    bytes: int


def open_cache(
    root: Path,
    fingerprint: str,
    name: str,
    *,
    limit_bytes: int | None = None,
    warn: Callable[[str], None] | None = None,
) -> ResultCache:
    """Return the results of a proxy in a cache's folder, which need not be there yet."""
    return ResultCache(root, fingerprint, name, LIMIT_BYTES if limit_bytes is None else limit_bytes, warn)


def user_folder() -> Path:
    """Return where the cache is: ``$FALCONQL_HOME/cache`` or the user's cache folder.

    Raises:
        FalconQLError: the user's cache folder is not known.
    """
    home = os.environ.get("FALCONQL_HOME")
    return Path(home) / "cache" if home else own_folder("cache")


def folder_name(fingerprint: str) -> str:
    """Return the name of a proxy's folder."""
    return hashlib.blake2b(fingerprint.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Content:
    """What the cache holds of one proxy; ``name`` as it was called last."""

    name: str
    fingerprint: str
    folder: Path
    entries: int
    bytes: int


def contents(root: Path) -> list[Content]:
    """Return what is in a cache, proxies by name.

    Raises:
        OSError: the folder cannot be read.
    """
    found = []
    for folder in _folders(root):
        files = list(_files(folder))
        entries = sum(run.count for file in files if (run := _open(file.path)) is not None)
        name, fingerprint = _about(folder)
        found.append(Content(name, fingerprint, folder, entries, sum(file.bytes for file in files)))
    return sorted(found, key=lambda content: (content.name, content.fingerprint))


def clear(content: Content, *, before_day: int | None = None) -> None:
    """Delete the results of a proxy; with ``before_day`` those last computed or used in need before that day.

    Raises:
        OSError: a file cannot be deleted or written.
    """
    for file in _files(content.folder):
        entries = _entries(file.path) if before_day is not None else None
        if entries is not None and before_day is not None:
            kept = np.flatnonzero(entries.days >= before_day)
            if kept.size == entries.days.size:
                continue
            if kept.size:
                write_run(content.folder, entries.take(kept), file.when)
        file.path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        if os.listdir(content.folder) == [_ABOUT]:
            (content.folder / _ABOUT).unlink(missing_ok=True)
        content.folder.rmdir()


def merge(folder: Path, sources: Sequence[Path]) -> None:
    """Make one file of several, given oldest first.

    Raises:
        OSError: it cannot be written; the sources stay.
    """
    if parts := [entries for path in sources if (entries := _entries(path)) is not None]:
        write_run(folder, joined(parts), _when(sources[-1].name))
    for path in sources:
        _remove(path)


def _to_merge(files: list[_File], most_bytes: int) -> list[Path]:
    """Return the files to merge: when there are many of like size, as many as do not make too large a one."""
    levels: dict[int, list[_File]] = {}
    for file in files:
        levels.setdefault((file.bytes >> 12).bit_length() // 3, []).append(file)
    for _, level in sorted(levels.items()):
        if len(level) >= MERGED_FILES:
            total, chosen = 0, []
            for file in level:
                total += file.bytes
                if total <= most_bytes:
                    chosen.append(file.path)
            if len(chosen) >= MERGED_FILES // 2:
                return chosen
    return []


def _open(path: Path) -> Run | None:
    """Return an opened file; None if it is gone or cannot be read. One that is damaged is deleted."""
    try:
        return Run(path)
    except Damaged:
        _remove(path)
    except (OSError, ValueError):
        pass
    return None


def _entries(path: Path) -> Entries | None:
    """Return what is in a file, None if nothing in it is of use."""
    run = _open(path)
    with contextlib.suppress(Damaged):
        return None if run is None else run.entries()
    return None


def _files(folder: Path) -> Iterator[_File]:
    """Yield the files of a proxy, oldest first; remains of killed processes are deleted when they are old."""
    found = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError, ValueError):
                if _RUN.fullmatch(entry.name):
                    found.append(_File(_when(entry.name), Path(entry.path), entry.stat().st_size))
                elif _UNFINISHED.fullmatch(entry.name) and time.time() - entry.stat().st_mtime > _PARTIAL_LIVES_S:
                    os.unlink(entry.path)
    yield from sorted(found)


def _all_files(root: Path) -> Iterator[_File]:
    folders: list[Path] = []
    with contextlib.suppress(OSError):  # what cannot be read is not there
        folders = _folders(root)
    for folder in folders:
        yield from _files(folder)


def _folders(root: Path) -> list[Path]:
    """Return the folders of proxies; whatever else is in a folder that a user named is left alone."""
    try:
        return [path for path in root.iterdir() if _FOLDER.fullmatch(path.name) and _is_ours(path)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_ours(folder: Path) -> bool:
    """Return whether a folder was made for a proxy: it says so, or holds its results."""
    if folder_name(_about(folder)[1]) == folder.name:
        return True
    with contextlib.suppress(OSError):
        return any(_RUN.fullmatch(name) for name in os.listdir(folder))
    return False


def _about(folder: Path) -> tuple[str, str]:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        return str(about["name"]), str(about["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "?", folder.name


def _remove(path: Path) -> None:
    """Delete a file; on Windows one that somebody reads stays until a later time."""
    with contextlib.suppress(OSError):
        path.unlink()


def _when(name: str) -> int:
    return int(name[:16], 16)


def _today() -> int:
    return int(time.time()) // _DAY_S


def _warn(message: str) -> None:
    warnings.warn(message, CacheWarning, stacklevel=2)
