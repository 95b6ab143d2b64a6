"""A lock that the operating system lets go of when its process dies, however that happens."""

from __future__ import annotations

import errno
import sys
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[Any]) -> None:
        # Far behind the text in the file: what is locked cannot be read on this system.
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[Any]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def locked(file: IO[Any]) -> bool:
    """Lock an open file without waiting, and return whether that was possible.

    A file system that has no locks takes all comers: then two runs are not told of each other.
    """
    try:
        _lock(file)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True
