"""Answers on disk, each there the moment it arrives, so that nothing is asked twice.

A store is one file of JSON lines for one model at one address, which only ever grows::

    {"key": "9f...", "answer": true}
    {"key": "07...", "answer": [[14, 20]], "repaired": 1}
    {"key": "c1...", "answer": null, "why": "it is empty"}

The key is a hash of the prompt's version, the instruction and the text, spans are places: the file holds no word of a
text (a choice is one of the query's own options). An answer is one ``write`` to the operating system, which a killed
process cannot take back; ``fsync``, which guards against a loss of power, is called at most once a second and at the
end, because it costs more than the answers of a second are worth.

Several processes may use a store at once: an append holds an advisory lock on the file, mends the end that a full disk
or a crash left torn, and a process reads what others have appended before it asks. Without ``fcntl`` (Windows) there
is no lock; appends are still whole lines.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from falconql.annotating.task import Annotation
from falconql.errors import DataError
from falconql.runtime.folders import own_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment,unused-ignore]

SYNC_EVERY_S = 1.0
_READ_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was kept.

    Attributes:
        answer: None for a question to which the model gave no usable answer, though asked twice.
        repaired, rejected: see ``matching.Matched``.
        why: what was wrong, without an answer.
    """

    answer: Annotation | None
    repaired: int = 0
    rejected: int = 0
    why: str = ""


def default_folder() -> Path:
    """Return where answers are kept: ``$FALCONQL_HOME/answers`` or the user's data folder."""
    home = os.environ.get("FALCONQL_HOME")
    return Path(home) / "answers" if home else own_folder("data") / "answers"


def file_name(model: str, url: str) -> str:
    """Return the name of the file with the answers of a model: readable, and different for different servers."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    digest = hashlib.blake2b(f"{host}\0{model}".encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9.]+', '-', model).strip('-.')[:48] or 'model'}-{digest}.jsonl"


class AnswerStore:
    """The answers of one model; safe to use from many threads and processes.

    Raises:
        DataError: the file cannot be read or made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._kept: dict[bytes, Kept] = {}
        self._read_to = 0
        self._synced_at = time.monotonic()
        self._dirty = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(path, flags, 0o600)
            weakref.finalize(self, os.close, self._file)
        except OSError as error:
            raise _failed("be opened", path, error) from error
        with self._lock:
            self._catch_up()

    def __len__(self) -> int:
        return len(self._kept)

    def refresh(self) -> None:
        """Read what other processes have appended since.

        Raises:
            DataError: the file cannot be read.
        """
        with self._lock:
            self._catch_up()

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key; of two answers the first."""
        return self._kept.get(bytes.fromhex(key))

    def put(self, key: str, kept: Kept) -> Kept:
        """Keep an answer, and return the one that counts: another process may have been first.

        When this returns, killing the process does not lose it.

        Raises:
            DataError: it cannot be written; what was kept before is safe.
        """
        with self._lock:
            try:
                with self._alone():
                    self._catch_up()
                    self._append(_line(key, kept))
            except OSError as error:
                raise _failed("be written", self.path, error) from error
            self._take(bytes.fromhex(key), kept)
            if time.monotonic() - self._synced_at >= SYNC_EVERY_S:
                self._sync()
            return self._kept[bytes.fromhex(key)]

    def sync(self) -> None:
        """Make sure that a loss of power takes no answer.

        Raises:
            DataError: the disk fails.
        """
        with self._lock:
            try:
                self._sync()
            except OSError as error:
                raise _failed("be written", self.path, error) from error

    def _append(self, line: bytes) -> None:
        size = os.fstat(self._file).st_size
        if size and self._bytes(size - 1, 1) != b"\n":
            line = b"\n" + line
        self._dirty = True
        written = 0
        try:
            # A disk that fills takes a part of the first write and refuses the second.
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, size)
            raise

    def _bytes(self, place: int, count: int) -> bytes:
        os.lseek(self._file, place, os.SEEK_SET)
        return os.read(self._file, count)

    def _sync(self) -> None:
        if self._dirty:
            os.fsync(self._file)
            self._dirty, self._synced_at = False, time.monotonic()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if fcntl is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _catch_up(self) -> None:
        """Read whole lines from where reading ended; one without its end may still be being written."""
        try:
            while (size := os.fstat(self._file).st_size) > self._read_to:
                data = self._bytes(self._read_to, min(size - self._read_to, _READ_BYTES))
                whole = data.rfind(b"\n") + 1
                if not whole and len(data) < _READ_BYTES:
                    return
                self._read_to += whole or len(data)
                for line in data[:whole].split(b"\n"):
                    found = _parsed(line)
                    if found is not None:
                        self._take(*found)
        except OSError as error:
            raise _failed("be read", self.path, error) from error

    def _take(self, key: bytes, kept: Kept) -> None:
        """Remember an answer; the first one counts, unless it was none."""
        known = self._kept.get(key)
        if known is None or known.answer is None:
            self._kept[key] = kept


def _line(key: str, kept: Kept) -> bytes:
    record: dict[str, Any] = {"key": key, "answer": kept.answer}
    record |= {name: number for name in ("repaired", "rejected") if (number := getattr(kept, name))}
    if kept.why:
        record["why"] = kept.why
    return json.dumps(record).encode() + b"\n"


def _parsed(line: bytes) -> tuple[bytes, Kept] | None:
    """Return the key and answer of a line, None for one that was torn or damaged."""
    try:
        record = json.loads(line)
        key = bytes.fromhex(record["key"])
        answer = record["answer"]
        if isinstance(answer, list):
            answer = tuple((_place(start), _place(end)) for start, end in answer)
        elif not (answer is None or isinstance(answer, bool | str)):
            return None
        counts = _place(record.get("repaired", 0)), _place(record.get("rejected", 0))
        return key, Kept(answer, *counts, str(record.get("why", "")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _place(value: object) -> int:
    if type(value) is not int:
        raise ValueError("not a whole number")
    return value


def _failed(what: str, path: Path, error: OSError) -> DataError:
    return DataError(
        f"answers cannot {what} in {path}: {error.strerror or error}",
        hint="make room or set FALCONQL_HOME to another folder; what was kept before is used again",
    )
