"""The work folder beside an output: a lock, finished chunks of rows, and the manifest that names them.

A chunk counts when the manifest names it, and the manifest is replaced as a whole after the chunk is on
disk; so a kill or a power cut at any moment leaves a manifest of which everything is there. What it says
is believed only as far as its checksums go.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import stat
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from falconql.runtime.commit import identity as identities
from falconql.runtime.commit.identity import Identity
from falconql.runtime.commit.locking import locked
from falconql.runtime.errors import DataError, FalconQLError
from falconql.runtime.io.output import shortened, sync_folder, written

FORMAT = 1
_MANIFEST, _LOCK = "manifest.json", "lock"
# What FalconQL makes in a work folder: files of its own, and outputs in the making, which may be folders.
_FILES = re.compile(r"lock|(?:chunk-\d+\.arrows|manifest\.json)(?:\.partial)?")
_OUTPUTS = re.compile(r"(?:\.|falconql-).*\.partial(?:-replaced)?", re.DOTALL)


class Busy(FalconQLError):
    """Another run is writing this output."""


class NotCommitted(DataError):
    """The disk does not take rows; those committed before are not touched."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Finished rows: how many, and how many rows of the corpus had been read when the last of them came out."""

    rows: int
    rows_read: int
    checksum: str


class WorkFolder:
    """The work folder of one output: ``with WorkFolder(path) as folder:`` has it for itself.

    Args:
        output: the path of the output; a link is followed. Of an output elsewhere its address without secrets: then
            the work folder is in ``away``.
        away: where work folders of outputs elsewhere are.
    """

    def __init__(self, output: str, away: Path | None = None) -> None:
        self.output = output
        folder, base = os.path.split(os.path.realpath(output))
        if away is not None:
            folder, base = str(away), f"{hashlib.blake2b(output.encode(), digest_size=8).hexdigest()}"
        self.path = Path(folder) / f".{shortened(base)}.falconql"
        self._away = away is not None
        self._lock: IO[str] | None = None
        self._held = False
        self._entered = False

    def __enter__(self) -> WorkFolder:
        """Make and lock it.

        Raises:
            Busy: another process has it.
            DataError: it cannot be made, or something else has its name.
        """
        self._entered = True
        try:
            with written(self.output):
                while not self._take():
                    pass
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def restore(self, identity: Identity, schema: pa.Schema) -> tuple[list[Chunk], str | None]:
        """Return the chunks that can be used again, and if there are others, why they cannot.

        Those others, and whatever else a killed run left here, are deleted.
        """
        found, chunks = self._manifest()
        if found is None:
            why = "their manifest is damaged or of another version" if (self.path / _MANIFEST).exists() else None
        else:
            why = identity.changed_since(found) if chunks else None
        good: list[Chunk] = []
        if why is None and found is not None:
            for number, chunk in enumerate(chunks):
                if self._checked(number, chunk, schema) is None:
                    why = "a file in it is damaged"
                    break
                good.append(chunk)
        with written(self.output):
            if good and why is not None:
                self.save(identity, good)
        self._sweep({_LOCK, _MANIFEST, *(_name(number) for number in range(len(good)))} if good else {_LOCK})
        return good, why

    def write_chunk(self, number: int, batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> str:
        """Put rows on disk and return their checksum. They count once ``save`` has named them.

        Raises:
            NotCommitted: the disk does not take them; nothing is left.
        """
        buffer = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_stream(buffer, schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
        data = buffer.getvalue()
        self._put(_name(number), data)
        return _checksum(data)

    def save(self, identity: Identity, chunks: Sequence[Chunk]) -> None:
        """Replace the manifest.

        Raises:
            NotCommitted: the disk does not take it; the one before stays.
        """
        content = {
            "format": FORMAT,
            "identity": identities.as_json(identity),
            "chunks": [{"file": _name(number), **asdict(chunk)} for number, chunk in enumerate(chunks)],
        }
        sealed = {**content, "checksum": _checksum(_plain(content))}
        self._put(_MANIFEST, json.dumps(sealed, indent=1).encode())

    def batches(self, chunks: Sequence[Chunk], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yield the rows of all chunks.

        Raises:
            FalconQLError: a chunk has been damaged since it was written or restored.
        """
        for number, chunk in enumerate(chunks):
            batches = self._checked(number, chunk, schema)
            if batches is None:
                raise FalconQLError(
                    f"{self.path / _name(number)} has been damaged",
                    hint="run the same command again: it goes on from the rows before it",
                )
            yield from batches

    def discard(self) -> None:
        """Delete everything but the lock; the manifest first, so that nothing counts that is half gone."""
        with contextlib.suppress(OSError):
            (self.path / _MANIFEST).unlink(missing_ok=True)
        self._sweep({_LOCK})

    def close(self) -> None:
        """Unlock it; without a manifest nothing in it is of use, and it goes. Not opened, or twice, it does no harm."""
        lock, self._lock = self._lock, None
        if lock is None:
            if not self._entered:
                return
            # Interrupted between making the folder and knowing its lock.
            with contextlib.suppress(OSError, DataError):
                self._check_own()
                lock = self._open_lock()
            if lock is None:
                with contextlib.suppress(OSError):
                    self.path.rmdir()
                return
        self._entered = False
        if (self._held or locked(lock)) and self._is_current(lock) and not (self.path / _MANIFEST).exists():
            self._sweep(set())
            with contextlib.suppress(OSError):
                self.path.rmdir()
        self._held = False
        lock.close()

    def _take(self) -> bool:
        """Lock the folder; False if it went away meanwhile, because another run has just finished."""
        try:
            self.path.mkdir(parents=self._away)
            made = True
            # What is committed in it is found again after a power cut only if the folder itself is.
            sync_folder(str(self.path.parent))
        except FileExistsError:
            made = False
        try:
            if not made:
                self._check_own()
            self._lock = self._open_lock()
        except FileNotFoundError:
            return False
        if not locked(self._lock):
            self._lock.seek(0)
            who = self._lock.read(200).strip() or "another process"
            raise Busy(f"{who} is writing {self.output}", hint="wait for it, or name another file")
        if not self._is_current(self._lock):
            self._lock.close()
            return False
        self._held = True
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        self._lock.flush()
        return True

    def _check_own(self) -> None:
        """Refuse a folder that others have put here: what is in it is deleted.

        Raises:
            DataError: it is a link, no folder, or somebody else's.
        """
        status = os.lstat(self.path)
        if not stat.S_ISDIR(status.st_mode):
            raise self._foreign(self.path, "is a link" if stat.S_ISLNK(status.st_mode) else "is no folder")
        if not hasattr(os, "geteuid"):
            return
        # On some shares all files belong to one user, whoever makes them; then so does the folder around it.
        if status.st_uid not in (os.geteuid(), 0, os.stat(self.path.parent).st_uid):
            raise self._foreign(self.path, "belongs to another user")

    def _open_lock(self) -> IO[str]:
        """Open the lock, which is made if it is not there."""
        path = self.path / _LOCK
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            handle = os.open(path, flags, 0o666)
        except OSError:
            if path.is_symlink():
                raise self._foreign(path, "is a link") from None
            raise
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise self._foreign(path, "is no file")
        return os.fdopen(handle, "a+", encoding="utf-8")

    def _foreign(self, path: Path, what: str) -> DataError:
        return DataError(
            f"{path} {what}; FalconQL keeps its work on {self.output} under this name",
            hint="move it away, or name another output",
        )

    def _is_current(self, lock: IO[str]) -> bool:
        """Return whether an opened lock is still the one in the folder."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(lock.fileno()), os.lstat(self.path / _LOCK))
        return False

    def _manifest(self) -> tuple[Identity | None, list[Chunk]]:
        """Return what the manifest says; nothing if there is none that can be believed."""
        try:
            data = json.loads((self.path / _MANIFEST).read_bytes())
            checksum = data.pop("checksum")
            if checksum != _checksum(_plain(data)) or data["format"] != FORMAT:
                return None, []
            chunks = [Chunk(one["rows"], one["rows_read"], one["checksum"]) for one in data["chunks"]]
            return identities.from_json(data["identity"]), chunks
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None, []

    def _checked(self, number: int, chunk: Chunk, schema: pa.Schema) -> list[pa.RecordBatch] | None:
        """Return the rows of a chunk, None if they are not what was written."""
        try:
            data = (self.path / _name(number)).read_bytes()
            if _checksum(data) != chunk.checksum:
                return None
            with pa.ipc.open_stream(data) as reader:
                batches = list(reader)
                rows = sum(batch.num_rows for batch in batches)
                return batches if reader.schema.equals(schema) and rows == chunk.rows else None
        except (OSError, pa.ArrowException):
            return None

    def _put(self, name: str, data: Any) -> None:
        """Write a file that is there as a whole or not at all, and stays after a power cut."""
        partial = self.path / f"{name}.partial"
        try:
            with written(self.output):
                partial.unlink(missing_ok=True)
            # A new one: nothing is written through a link.
            with written(self.output), partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with written(self.output):
                os.replace(partial, self.path / name)
        except BaseException as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            if isinstance(error, DataError):
                raise NotCommitted(error.message, hint=error.hint) from error
            raise
        sync_folder(str(self.path))

    def _sweep(self, kept: set[str]) -> None:
        """Delete what FalconQL has made here; anything else is somebody's."""
        with contextlib.suppress(OSError):
            for path in self.path.iterdir():
                if path.name in kept:
                    continue
                if _OUTPUTS.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                elif _FILES.fullmatch(path.name) or _OUTPUTS.fullmatch(path.name):
                    with contextlib.suppress(OSError):
                        path.unlink()


def _name(number: int) -> str:
    return f"chunk-{number:06}.arrows"


def _plain(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def _checksum(data: Any) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
