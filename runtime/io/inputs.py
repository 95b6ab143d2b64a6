"""Files as streams of bytes: opened again and again, decompressed, standard input kept in a temporary file.

Knows nothing of rows; turns every failure of the operating system into a ``DataError``.
"""

from __future__ import annotations

import atexit
import errno
import os
import tempfile
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.io.formats import Compression, compression_of

if TYPE_CHECKING:
    from falconql.runtime.io.remote.store import RemoteFile

STDIN = "standard input"
HEAD_BYTES = 1 << 20
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read.

    Attributes:
        path: where it is.
        name: what it is called in messages.
        compression: how it is compressed.
        keep: what must live as long as the file is needed (a temporary file deletes itself).
        remote: where it is when it is not on this machine; then ``path`` is that of its store.
        origin: of a copy, the path of the file on this machine that it was made from.
    """

    path: str = field(repr=False)
    name: str
    compression: Compression | None = None
    keep: object = field(default=None, compare=False, repr=False)
    remote: RemoteFile | None = None
    origin: str | None = field(default=None, repr=False)

    @contextmanager
    def open(self) -> Iterator[pa.NativeFile]:
        """Open for reading from the start, decompressed.

        Raises:
            DataError: on opening or while reading in the block.
        """
        with self.reading(), self._raw() as raw, _decompressed(raw, self.compression) as stream:
            yield stream

    def read_by(
        self, reader: Callable[[pa.NativeFile], Iterable[pa.RecordBatch]]
    ) -> Generator[pa.RecordBatch, None, None]:
        """Yield what a reader of Arrow that cuts lines makes of the file, decompressed.

        Raises:
            DataError: on opening or while reading.
        """
        with self.reading(), self._raw() as raw, _decompressed(raw, self.compression) as stream:
            lines = _UncutLineEnds(stream)
            batches = iter(reader(pa.PythonFile(lines, mode="r")))

            def end() -> None:
                lines.close()
                if self.remote is not None:
                    self.remote.end(raw)
                with suppress(pa.ArrowException, OSError, ValueError):
                    for _ in batches:
                        pass

            # Arrow reads ahead in a thread of its own, which calls Python: a process that ended before it is done
            # would hang or abort.
            atexit.register(end)
            try:
                yield from batches
            finally:
                atexit.unregister(end)
                end()

    def anywhere(self) -> Any:
        """Open for reading out of order, not decompressed."""
        return local_file(self.path) if self.remote is None else self.remote.open(anywhere=True)

    def reading(self) -> AbstractContextManager[None]:
        """Turn what goes wrong while reading into messages about this file."""
        if self.remote is None:
            return reading(self.name)
        from falconql.runtime.io.remote.problems import at

        return at(self.remote.store.location, self.name)

    def _raw(self) -> pa.NativeFile:
        return local_file(self.path) if self.remote is None else self.remote.open()

    def ends_a_line(self) -> bool:
        """Return whether the last byte ends a line; no, if only reading everything would tell."""
        if self.compression is not None:
            return False
        with self.reading(), self.anywhere() as raw:
            size = raw.size()
            return size == 0 or raw.read_at(1, size - 1) in (b"\n", b"\r")

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """Return the first bytes, decompressed."""
        with self.open() as stream:
            return read_fully(stream, size)


class _UncutLineEnds:
    """A stream in blocks of which none ends between a carriage return and a line feed.

    Where one does, Arrow leaves the line feed out, in quoted texts as well. Closed, it has come to its end.
    """

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream
        self._kept = b""
        self.closed = False

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many; none at the end."""
        while not self.closed:
            part: bytes = self._stream.read(size - len(self._kept))
            data, self._kept = self._kept + part, b""
            if not part or not data.endswith(b"\r"):
                return data
            self._kept = b"\r"
            if len(data) > 1:
                return data[:-1]
        return b""

    def close(self) -> None:
        self.closed = True


def _decompressed(raw: pa.NativeFile, compression: Compression | None) -> AbstractContextManager[pa.NativeFile]:
    return nullcontext(raw) if compression is None else pa.CompressedInputStream(raw, compression)


def local_file(path: str) -> pa.NativeFile:
    """Open a file of this machine; Arrow takes names that are not UTF-8 as bytes only."""
    return pa.OSFile(os.fsencode(path), "rb")


def name_as_text(name: str) -> str:
    """Return the name of a file as a text, with a replacement character for each byte that is not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def open_input(path: str, name: str) -> InputFile:
    """Return a file with the compression that its first bytes tell.

    Raises:
        DataError: it cannot be opened.
    """
    with reading(name), open(path, "rb") as raw:
        return InputFile(path, name, compression_of(raw.read(16)))


def read_fully(stream: Any, size: int) -> bytes:
    """Read ``size`` bytes, fewer only at the end."""
    parts = []
    while size > 0:
        part = stream.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what the operating system and Arrow say while reading into messages about ``name``."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"there is no file {name}") from None
    except PermissionError:
        raise DataError(f"no permission to read {name}", hint=f"see `ls -l {name}`") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder, not a file") from None
    except OSError as error:
        if any(word in str(error).lower() for word in ("compress", "inflate")):
            reason = "its compressed data is damaged or cut off"
            raise DataError(f"cannot read {name}: {reason}", hint="fetch or compress the file again") from error
        raise DataError(f"cannot read {name}: {error.strerror or error}") from error


def spool(stream: BinaryIO | IO[bytes], name: str) -> InputFile:
    """Copy a stream that can be read only once into a temporary file, which lives as long as its user.

    Raises:
        DataError: the stream cannot be read, or the disk is full.
    """
    with reading(name):
        return kept(stream, name)


def decompressed(file: InputFile) -> InputFile:
    """Return the file itself, or a decompressed copy: Parquet and Arrow files are read out of order."""
    if file.compression is None:
        return file
    with file.open() as stream:
        return copied(kept(stream, file.name), file)


def copied(copy: InputFile, file: InputFile) -> InputFile:
    """Return a copy that knows which file of this machine it was made from."""
    return replace(copy, origin=file.origin or (file.path if file.remote is None else None))


def kept(stream: Any, name: str) -> InputFile:
    """Copy what is left of a stream into a temporary file.

    Raises:
        DataError: it cannot be kept.
    """
    temporary = TemporaryInput(name)
    while block := stream.read(_COPY_BYTES):
        temporary.write(block)
    return temporary.finished()


class TemporaryInput:
    """A temporary file to fill once and read many times; it is gone with its last user."""

    def __init__(self, name: str) -> None:
        self.name = name
        with _writing(name):
            handle, self.path = tempfile.mkstemp(prefix="falconql-", suffix=".input")
        self._file = open(handle, "wb")  # noqa: SIM115 - closed by `finished` or the finaliser
        self._finalizer = weakref.finalize(self, _remove, self._file, self.path)

    def write(self, block: bytes) -> None:
        with _writing(self.name):
            self._file.write(block)

    def finished(self) -> InputFile:
        with _writing(self.name):
            self._file.close()
        found = open_input(self.path, self.name)
        return InputFile(self.path, self.name, found.compression, keep=self)


def _remove(file: IO[bytes], path: str) -> None:
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        os.unlink(path)


@contextmanager
def _writing(name: str) -> Iterator[None]:
    """Say that the temporary folder is to blame, not the corpus."""
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror
        try:
            where, hint = f" in {tempfile.gettempdir()}", "set TMPDIR to a folder with more space"
        except FileNotFoundError:  # no folder is there that can be written to
            where, hint = "", "set TMPDIR to a folder that you can write to"
        raise DataError(f"{name} cannot be kept in a temporary file{where}: {reason}", hint=hint) from error
