"""One file of results: written once, sorted by key, never changed. Knows bytes only.

A file that is never changed needs no locks: processes see it whole or not at all, because it appears by
a rename. What a disk or a power cut does to it is found out by checksums, one per entry, each over the
whole key and the result.

Layout, little-endian: a header of 32 bytes, then ``n`` keys (the first 8 bytes of each, ascending),
``n`` checksums, ``n + 1`` offsets into the results, ``n`` days, and the results.
"""

from __future__ import annotations

import mmap
import os
import secrets
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUFFIX = ".run1"
PARTIAL = ".partial"

_MAGIC = b"FQLRUN1\0"
_HEADER = struct.Struct("<8sQQ8x")

_KINDS = ("<u8", "<u4", "<u4", "<u2")

Key = bytes  # 16 bytes


class Damaged(Exception):
    """A file is not what was written."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries in any order: parallel sequences.

    ``heads``: the first 8 bytes of the keys as numbers, uint64; ``checks``: see ``checksum``; ``days``: since
    the epoch, when each was computed or last proved useful; ``results``: bytes.
    """

    heads: NDArray[np.uint64]
    checks: NDArray[np.uint32]
    days: NDArray[np.uint16]
    results: Sequence[bytes]

    @classmethod
    def of(cls, results: Mapping[Key, bytes], day: int) -> Entries:
        """Return results by key as entries of one day."""
        checks = [checksum(key, result) for key, result in results.items()]
        return cls(
            heads_of(list(results)),
            np.array(checks, dtype=np.uint32),
            np.full(len(results), day, dtype=np.uint16),
            list(results.values()),
        )

    def newest(self) -> Entries:
        """Return the entries sorted by key, of equal ones only the last."""
        order = np.argsort(self.heads, kind="stable")
        heads = self.heads[order]
        order = order[np.append(heads[1:] != heads[:-1], [True] * bool(len(heads)))]
        return self.take(order)

    def take(self, places: NDArray[np.int64]) -> Entries:
        """Return the entries at some places."""
        results = [self.results[place] for place in places.tolist()]
        return Entries(self.heads[places], self.checks[places], self.days[places], results)


def checksum(key: Key, result: bytes) -> int:
    """Return the checksum of an entry: a result under another key does not match."""
    return zlib.crc32(result, zlib.crc32(key))


def heads_of(keys: Sequence[Key]) -> NDArray[np.uint64]:
    """Return the first 8 bytes of each key as a number."""
    return np.frombuffer(b"".join(keys), dtype="<u8")[::2]


def write_run(folder: Path, entries: Entries, when: int) -> Path:
    """Write a file whose name sorts by ``when`` (nanoseconds since the epoch), and return its path.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    entries = entries.newest()
    offsets = np.zeros(len(entries.heads) + 1, dtype="<u4")
    np.cumsum([len(result) for result in entries.results], out=offsets[1:])
    path = folder / f"{when:016x}-{secrets.token_hex(4)}{SUFFIX}"
    partial = path.with_suffix(PARTIAL)
    try:
        with partial.open("wb") as file:
            file.write(_HEADER.pack(_MAGIC, len(entries.heads), int(offsets[-1])))
            arrays: list[NDArray[Any]] = [entries.heads, entries.checks, offsets, entries.days]
            for array, kind in zip(arrays, _KINDS, strict=True):
                file.write(array.astype(kind).tobytes())
            file.write(b"".join(entries.results))
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return path


class Run:
    """A file opened for reading; it may be unlinked meanwhile.

    Raises:
        OSError: it is gone, or cannot be read.
        Damaged: its length is not what its header says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
            self.bytes = os.fstat(file.fileno()).st_size
            if len(header) < _HEADER.size:
                raise Damaged(path.name)
            magic, count, size = _HEADER.unpack(header)
            self._base = _HEADER.size + 18 * count + 4
            if magic != _MAGIC or self.bytes != self._base + size:
                raise Damaged(path.name)
            self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        at = _HEADER.size
        self.count = int(count)
        self._heads = self._array("<u8", count, at)
        self._checks = self._array("<u4", count, at + 8 * count)
        self._offsets = self._array("<u4", count + 1, at + 12 * count)
        self._days = self._array("<u2", count, at + 16 * count + 4)

    def find(self, heads: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which of the wanted keys may be here (positions in ``heads``), and where."""
        if not self.count:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        places = np.minimum(np.searchsorted(self._heads, heads), self.count - 1)
        found = np.flatnonzero(self._heads[places] == heads)
        return found, places[found]

    def results(self, keys: Sequence[Key], places: NDArray[np.int64]) -> list[bytes | None]:
        """Return the results at some places, None for each that is damaged or belongs to another key."""
        begins = (self._offsets[places].astype(np.int64) + self._base).tolist()
        ends = (self._offsets[places + 1].astype(np.int64) + self._base).tolist()
        found: list[bytes | None] = []
        for key, begin, end, check in zip(keys, begins, ends, self._checks[places].tolist(), strict=True):
            result = self._mapped[begin:end]
            found.append(result if checksum(key, result) == check else None)
        return found

    def entries(self) -> Entries:
        """Return everything as ``results`` would find it; damage stays, and stays known by its checksums.

        Raises:
            Damaged: so many offsets are wrong that the results would not fit into memory.
        """
        begins = self._offsets[:-1].astype(np.int64)
        ends = np.minimum(self._offsets[1:].astype(np.int64), self.bytes - self._base)
        if np.maximum(ends - begins, 0).sum() > 2 * self.bytes:
            raise Damaged(self.path.name)
        places = zip((begins + self._base).tolist(), (ends + self._base).tolist(), strict=True)
        results = [self._mapped[begin:end] for begin, end in places]
        return Entries(self._heads, self._checks, self._days, results)

    def _array(self, kind: str, count: int, at: int) -> NDArray[Any]:
        return np.frombuffer(self._mapped, dtype=kind, count=count, offset=at)


def joined(parts: Sequence[Entries]) -> Entries:
    """Return entries of several files, the older ones first, as one."""
    return Entries(
        np.concatenate([part.heads for part in parts]),
        np.concatenate([part.checks for part in parts]),
        np.concatenate([part.days for part in parts]),
        [result for part in parts for result in part.results],
    )
