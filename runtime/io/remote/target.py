"""A file in a store in the making: kept on this machine until it is complete, then sent as a whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from typing import IO

from falconql.runtime.errors import DataError
from falconql.runtime.io.address import scheme_of, shown
from falconql.runtime.io.output import written
from falconql.runtime.io.remote.problems import Remote, at
from falconql.runtime.io.remote.store import Store, open_store

_BUFFER_BYTES = 1 << 20


def writable_store(location: str) -> tuple[Store, str]:
    """Return the store and the path in it that can be written to.

    Raises:
        DataError: it is a web server, the bucket is missing, or it cannot be reached.
    """
    name = shown(location)
    if scheme_of(location) in ("http", "https"):
        raise DataError(f"{name}: web servers cannot be written to", hint="write to a file, s3://, gs:// or a database")
    store, path = open_store(location)
    bucket, _, key = path.partition("/")
    if not key:
        raise DataError(f"{name} names no file", hint="for example s3://bucket/rows.parquet")
    with at(location, name, verb="write"):
        if store.fsspec is None and store.kind(bucket) is None:
            raise Remote(f"there is no bucket {bucket}", hint="make it first; look at AWS_REGION or AWS_ENDPOINT_URL")
    return store, path


class RemoteTarget:
    """A file that appears in its store when it is complete.

    Args:
        location: its address.
        workplace: a folder on this machine for the file in the making; the one for temporary files if left out.

    Raises:
        DataError: there cannot be such a file, or its store does not answer.
    """

    def __init__(self, location: str, workplace: str | None = None) -> None:
        self.name = shown(location)
        self.store, self.path = writable_store(location)
        with written(self.name):
            handle, self.partial = tempfile.mkstemp(prefix="falconql-", suffix=".partial", dir=workplace)
            self.file: IO[bytes] = os.fdopen(handle, "wb", buffering=_BUFFER_BYTES)
        self._discard = weakref.finalize(self, discard, self.file, self.partial)

    def commit(self) -> None:
        with written(self.name):
            self.file.close()
        self.store.upload(self.partial, self.path, self.name)
        self._discard()

    def abort(self) -> None:
        self._discard()


def discard(file: IO[bytes], path: str) -> None:
    """Close and delete a temporary file."""
    with contextlib.suppress(OSError):
        file.close()
    with contextlib.suppress(OSError):
        os.unlink(path)
