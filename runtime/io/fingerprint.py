"""Telling whether a corpus is still the same, without reading all of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from falconql.runtime.io.base import TableSource
from falconql.runtime.io.inputs import InputFile

if TYPE_CHECKING:
    from falconql.runtime.io.remote.store import RemoteFile

_SAMPLES = 5
_SAMPLE_BYTES = 1 << 16
# A folder of very many files is told by sizes and times, and by the contents of some.
_MOST_SAMPLED_FILES = 256


def fingerprint(source: TableSource) -> str | None:
    """Return a hash that changes when the files of a corpus do; None for tables in memory.

    Of each file: its path, size and time of change, and bytes from several places in it. Editing a file
    changes the time; a file that was put back with its old time differs in size or, very likely, in the
    samples. What came through a pipe is in a temporary file and is hashed as a whole. Of a file elsewhere: its name
    and what its store says of its version (ETag, size, time); bytes of it where the store says nothing but the size.

    Raises:
        DataError: a file cannot be read.
    """
    own: Callable[[], str | None] | None = getattr(source, "fingerprint", None)
    if own is not None:
        return own()
    files = list(_files(source))
    if not files:
        return None
    digest = hashlib.blake2b(digest_size=16)
    step = max(1, len(files) // _MOST_SAMPLED_FILES)
    for number, file in enumerate(files):
        with file.reading():
            digest.update(_of_file(file, sampled=number % step == 0))
    return digest.hexdigest()


def _of_file(file: InputFile, *, sampled: bool) -> bytes:
    if file.remote is not None:
        return _of_remote(file.remote)
    with open(file.path, "rb") as stream:
        if file.keep is not None:
            return hashlib.file_digest(stream, "blake2b").digest()
        status = os.fstat(stream.fileno())
        path = os.path.realpath(file.path)
        digest = hashlib.blake2b(f"{path}\0{status.st_size}\0{status.st_mtime_ns}".encode("utf-8", "surrogateescape"))
        for sample in range(_SAMPLES if sampled else 0):
            stream.seek(max(0, status.st_size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
            digest.update(stream.read(_SAMPLE_BYTES))
        return digest.digest()


def _of_remote(file: RemoteFile) -> bytes:
    version = file.version()
    digest = hashlib.blake2b(f"{file.name.partition('?…')[0]}\0{version}".encode("utf-8", "surrogateescape"))
    if " " not in version:
        # Nothing but a size: then its contents have to tell.
        with file.open(anywhere=True) as stream:
            for sample in range(_SAMPLES):
                stream.seek(max(0, stream.size() - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
                digest.update(stream.read(_SAMPLE_BYTES))
    return digest.digest()


def local_files(source: TableSource) -> list[str]:
    """Return the paths of the files on this machine that a corpus is read from."""
    return [file.origin or file.path for file in _files(source) if file.remote is None]


def _files(source: TableSource) -> Iterator[InputFile]:
    """Yield the files behind a source: it has one, several, or sources of its own."""
    file = getattr(source, "file", None)
    if isinstance(file, InputFile):
        yield file
    for path, _ in getattr(source, "files", ()):
        store = getattr(source, "store", None)
        yield InputFile(path, path) if store is None else InputFile(path, path, remote=store.file(path))
    for part in getattr(source, "sources", ()):
        yield from _files(part)
