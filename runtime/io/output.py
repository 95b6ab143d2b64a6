"""Where bytes of a result go: a file that appears when it is complete, or a stream. Knows no format."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import weakref
from typing import IO, Any, Protocol

from falconql.runtime.errors import DataError

# A folder of results has hundreds of files open.
_BUFFER_BYTES = 1 << 18
# Most systems take names of 255 bytes, some of 143.
_MOST_NAME_BYTES, _KEPT_NAME_BYTES = 100, 80


class OutputClosed(DataError):
    """Whoever read the output has gone away (``| head``); there is nobody to tell."""


class Target(Protocol):
    """What becomes of the bytes in the end."""

    name: str
    file: IO[bytes]

    def commit(self) -> None:
        """Let the output appear."""

    def abort(self) -> None:
        """Leave nothing behind."""


class Output:
    """A file object for the writers of all formats, which says what goes wrong in the user's terms.

    After ``abandon`` it takes everything and keeps nothing, so that writers can be closed in peace.
    """

    closed = False

    def __init__(self, target: Target) -> None:
        self.target = target
        self._position = 0
        self._abandoned = False

    def write(self, data: Any) -> int:
        view = memoryview(data)
        if not self._abandoned:
            with written(self.target.name):
                self.target.file.write(view)
        self._position += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        if not self._abandoned:
            with written(self.target.name):
                self.target.file.flush()

    def abandon(self) -> None:
        self._abandoned = True

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        """Leave the file open: the target closes it."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class StreamTarget:
    """A stream such as standard output; what was written cannot be taken back."""

    def __init__(self, file: IO[bytes], name: str = "the output", *, owned: bool = False) -> None:
        self.file = file
        self.name = name
        self._owned = owned

    def commit(self) -> None:
        with written(self.name):
            self.file.flush()
            if self._owned:
                self.file.close()

    def abort(self) -> None:
        if self._owned:
            with contextlib.suppress(OSError):
                self.file.close()


class FileTarget:
    """A file in the making, hidden beside its target, or in a folder on the same disk, until it is complete.

    Raises:
        DataError: the folder is missing, or takes no new file.
    """

    def __init__(self, path: str, name: str, workplace: str | None = None) -> None:
        self.name = name
        # A link stays a link: what it points to is replaced.
        self.path = os.path.realpath(path)
        folder, base = os.path.split(self.path)
        self.partial = os.path.join(workplace or folder, partial_name(base))
        with written(name):
            handle = os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
            self.file: IO[bytes] = os.fdopen(handle, "wb", buffering=_BUFFER_BYTES)
        # For who is interrupted between opening and writing, and never comes to `abort`.
        self._discard = weakref.finalize(self, _discard, self.file, self.partial)

    def commit(self) -> None:
        with written(self.name):
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            with contextlib.suppress(FileNotFoundError):
                os.chmod(self.partial, stat.S_IMODE(os.stat(self.path).st_mode))
            os.replace(self.partial, self.path)
            self._discard.detach()
        sync_folder(os.path.dirname(self.path))

    def abort(self) -> None:
        self._discard()


def shortened(name: str) -> str:
    """Return a name to which more can be added, and which no other name is shortened to."""
    data = os.fsencode(name)
    if len(data) <= _MOST_NAME_BYTES:
        return name
    end = _KEPT_NAME_BYTES
    while end > _KEPT_NAME_BYTES - 4 and data[end] & 0xC0 == 0x80:
        end -= 1
    return f"{os.fsdecode(data[:end])}-{hashlib.blake2b(data, digest_size=8).hexdigest()}"


def partial_name(name: str) -> str:
    """Return a new name for what is in the making."""
    return f".{shortened(name)}.{os.getpid()}-{secrets.token_hex(4)}.partial"


def sync_folder(folder: str) -> None:
    """Flush a folder, so that new names in it survive a power cut where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _discard(file: IO[bytes], partial: str) -> None:
    with contextlib.suppress(OSError):
        file.close()
    with contextlib.suppress(OSError):
        os.unlink(partial)


def file_target(path: str, workplace: str | None = None) -> Target:
    """Return the target for a path; devices and pipes are written to, not replaced.

    A file in the making is in ``workplace``, a folder on the same disk, by default beside its target.

    Raises:
        DataError: it is a folder, its folder is missing, or it cannot be written.
    """
    with written(path):
        if (number := _descriptor(path)) is not None:
            return StreamTarget(os.fdopen(os.dup(number), "wb"), path, owned=True)
        try:
            mode = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return _new_file(path, workplace)
        if stat.S_ISDIR(mode):
            raise DataError(f"{path} is a folder", hint="name a file to write")
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if not stat.S_ISREG(mode):
            return StreamTarget(open(path, "wb"), path, owned=True)
        return FileTarget(path, path, workplace)


def write_whole(path: str, data: bytes) -> None:
    """Write a small file, which appears when it is whole; a link, a device or a pipe stays what it is.

    Raises:
        DataError: it cannot be written.
    """
    target = file_target(path)
    try:
        with written(path):
            target.file.write(data)
        target.commit()
    except BaseException:
        target.abort()
        raise


def replaces_file(path: str) -> bool:
    """Return whether writing to a path makes or replaces a file, and does not go to a device or a pipe."""
    try:
        return _descriptor(path) is None and stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return True


def _descriptor(path: str) -> int | None:
    """Return which open file a path such as ``/dev/stdout`` stands for: what it leads to may be a file in use."""
    if os.name != "posix":
        return None
    found = re.fullmatch(r"/(?:dev/(?:(stdout)|(stderr)|fd/(\d{1,9}))|proc/self/fd/(\d{1,9}))", os.path.abspath(path))
    if found is None:
        return None
    return 1 if found[1] else 2 if found[2] else int(found[3] or found[4])


def _new_file(path: str, workplace: str | None) -> Target:
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        message = f"there is no folder {folder} to write {os.path.basename(path)} into"
        raise DataError(message, hint="make it first, or name another")
    return FileTarget(path, path, workplace)


@contextlib.contextmanager
def written(name: str) -> Any:
    """Turn what the operating system says while writing into messages about ``name``."""
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed(f"{name} was closed by its reader") from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        hint = "free some space, or write to another disk" if full else None
        if isinstance(error, PermissionError):
            hint = f"see `ls -ld {os.path.dirname(name) or '.'}`"
        raise DataError(f"{name} cannot be written: {error.strerror or error}", hint=hint) from error
