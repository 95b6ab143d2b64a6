"""Places that hold files elsewhere: what is there, reading at any place of a file, writing a whole one.

Amazon's and Google's are file systems of Arrow, Hugging Face's one of fsspec, which its own library brings.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.io.address import check_scheme, shown, split
from falconql.runtime.io.remote.problems import Remote, at

CONNECT_S, REQUEST_S, ATTEMPTS = 10.0, 60.0, 4
_READ_AHEAD = 4 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file in a store.

    Attributes:
        store: where it is.
        path: in the store's own terms.
        name: what it is called in messages.
        found: what a web server has said of it.
    """

    store: Store = field(repr=False)
    path: str = field(repr=False)
    name: str
    found: Any = field(default=None, repr=False)

    def open(self, *, anywhere: bool = False) -> pa.NativeFile:
        """Open for reading; ``anywhere``: at any place, and only what is asked for.

        Raises:
            DataError: it cannot be opened.
        """
        with at(self.store.location, self.name):
            return self.store.open(self, anywhere=anywhere)

    @staticmethod
    def end(opened: pa.NativeFile) -> None:
        """Let whoever reads on in a file that was opened fail, where that may be a thread that calls Python."""
        if isinstance(opened, Stream):
            opened.end()

    def version(self) -> str:
        """Return its size, and a text that changes when the file does; nothing behind the size if the store has none.

        Raises:
            DataError: it is gone.
        """
        with at(self.store.location, self.name):
            size, version = self.store.status(self)
            return f"{size} {version}".strip()


class Stream(pa.PythonFile):  # type: ignore[misc]
    """A file that Arrow reads through Python, perhaps in a thread of its own."""

    def __init__(self, file: Any, mode: str) -> None:
        super().__init__()
        self._file = file

    def end(self) -> None:
        """Let whoever reads on fail, from whatever thread."""
        self._file.close()


class Store:
    """A bucket, a repository or a server. Opened when it is first used, in each process that uses it.

    It can be sent to another machine, without the keys of this one: there it is opened with those that are there.

    Args:
        scheme: of the address.
        location: the address that was given.
        settings: what the environment says of where the store is; nothing secret.
    """

    def __init__(self, scheme: str, location: str, settings: Mapping[str, str]) -> None:
        self.scheme = scheme
        self.location = location
        self.settings = dict(settings)

    def __reduce__(self) -> tuple[Any, ...]:
        return Store, (self.scheme, self.location, self.settings)

    @property
    def is_web(self) -> bool:
        """Whether it is a web server, of which only single files are known."""
        return self.scheme in ("http", "https")

    @cached_property
    def fsspec(self) -> Any:
        """The view of fsspec, where there is one."""
        return _hugging_face(self.location) if self.scheme == "hf" else None

    @cached_property
    def files(self) -> Any:
        """Arrow's view of a bucket or a repository."""
        if self.fsspec is not None:
            from pyarrow.fs import FSSpecHandler, PyFileSystem

            return PyFileSystem(FSSpecHandler(self.fsspec))
        said = {name: os.environ.get(name, "") for name in _LOGINS} | self.settings
        return _opened(self.scheme, split(self.location)[1], tuple(said.items()))

    def file(self, path: str, found: Any = None) -> RemoteFile:
        """Return a file by its path in the store."""
        return RemoteFile(self, path, shown(path) if "://" in path else f"{self.scheme}://{path}", found)

    def open(self, file: RemoteFile, *, anywhere: bool) -> pa.NativeFile:
        """Open a file; see ``RemoteFile.open``."""
        if self.is_web:
            from falconql.runtime.io.remote.http import HttpFile

            raw = HttpFile(file.path, file.found, onwards=not anywhere)
            return Stream(raw if anywhere else io.BufferedReader(raw, _READ_AHEAD), mode="r")
        if self.fsspec is None:
            return self.files.open_input_file(file.path)
        cache = "none" if anywhere else "readahead"
        return Stream(self.fsspec.open(file.path, "rb", block_size=_READ_AHEAD, cache_type=cache), mode="r")

    def status(self, file: RemoteFile) -> tuple[int | None, str]:
        """Return the size and the version of a file."""
        if self.is_web:
            from falconql.runtime.io.remote.http import look

            found = look(file.path)
            if found.whole is not None:
                found.whole.close()
            return found.size, found.version
        if self.fsspec is not None:
            said = self.fsspec.info(file.path)
            versions = (said.get(key) for key in ("ETag", "blob_id", "xet_hash", "mtime"))
            return said.get("size"), " ".join(str(one) for one in versions if one)
        with self.files.open_input_file(file.path) as opened:
            told = {_text(key): _text(value) for key, value in (opened.metadata() or {}).items()}
            version = " ".join(told.get(key, "") for key in ("ETag", "etag", "generation", "Last-Modified"))
            return opened.size(), version.strip()

    def kind(self, path: str) -> str | None:
        """Return ``file``, ``folder``, or None if there is nothing."""
        from pyarrow.fs import FileType

        found = self.files.get_file_info([path])[0].type
        return {FileType.File: "file", FileType.Directory: "folder"}.get(found)

    def below(self, folder: str) -> list[str]:
        """Return all files in a folder and in folders below it."""
        from pyarrow.fs import FileSelector, FileType

        found = self.files.get_file_info(FileSelector(folder, recursive=True))
        return [one.path for one in found if one.type == FileType.File]

    def upload(self, local: str, path: str, name: str) -> None:
        """Copy a whole file into the store, where it appears when all of it is there.

        Raises:
            DataError: the store does not take it.
        """
        from pyarrow.fs import LocalFileSystem, copy_files

        with at(self.location, name, verb="write"):
            if self.fsspec is not None:
                self.fsspec.put_file(local, path)
            else:
                copy_files(local, path, source_filesystem=LocalFileSystem(), destination_filesystem=self.files)


def open_store(location: str) -> tuple[Store, str]:
    """Return the store of an address, and the path of the address in it.

    Raises:
        DataError: the scheme is not known, an extra is missing, or the address is none.
    """
    scheme = check_scheme(location)
    user, host, path, _ = split(location)
    if not host:
        raise DataError(f"{shown(location)} names no {'server' if 'http' in scheme else 'bucket'}")
    store = Store(scheme, location, {name: os.environ.get(name, "") for name in _SETTINGS})
    if store.is_web:
        return store, location
    if user:
        hint = "keep keys in the environment, where nobody sees them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise DataError(f"{shown(location)}: an address of a bucket cannot hold a key", hint=hint)
    with at(location, shown(location)):
        # Opened now, so that what is wrong with it is said before anything else begins.
        _ = store.files
    return store, host + path.rstrip("/")


# Where a store is, which is the same for all machines; and who asks, which each says for itself.
_SETTINGS = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_NO_SIGN_REQUEST",
    "GS_NO_SIGN_REQUEST",
    "STORAGE_EMULATOR_HOST",
)
_LOGINS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@lru_cache(maxsize=16)
def _opened(scheme: str, bucket: str, settings: tuple[tuple[str, str], ...]) -> Any:
    """Open a store once for each bucket and environment: finding the region and connecting take a while."""
    return {"s3": _s3, "gs": _gs}[scheme](bucket, dict(settings))


def _s3(bucket: str, said: dict[str, str]) -> Any:
    from pyarrow import fs

    if not hasattr(fs, "S3FileSystem"):
        raise DataError("this pyarrow is built without S3", hint="install pyarrow from PyPI: pip install pyarrow")
    endpoint = said["AWS_ENDPOINT_URL_S3"] or said["AWS_ENDPOINT_URL"] or None
    region = said["AWS_REGION"] or said["AWS_DEFAULT_REGION"] or None
    if region is None and endpoint is None:
        region = fs.resolve_s3_region(bucket)
    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=region or "us-east-1",
        anonymous=_is_on(said["AWS_NO_SIGN_REQUEST"]),
        connect_timeout=CONNECT_S,
        request_timeout=REQUEST_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )


def _gs(bucket: str, said: dict[str, str]) -> Any:
    from datetime import timedelta

    from pyarrow import fs

    if not hasattr(fs, "GcsFileSystem"):
        raise DataError("this pyarrow is built without Google Cloud Storage", hint="install pyarrow from PyPI")
    options: dict[str, Any] = {}
    if emulator := said["STORAGE_EMULATOR_HOST"]:
        scheme, _, host = emulator.rpartition("://")
        options = {"endpoint_override": host, "scheme": scheme or "http"}
    anonymous = _is_on(said["GS_NO_SIGN_REQUEST"]) or bool(options)
    return fs.GcsFileSystem(anonymous=anonymous, retry_time_limit=timedelta(seconds=REQUEST_S), **options)


def _hugging_face(location: str) -> Any:
    try:
        from huggingface_hub import HfFileSystem
    except ImportError:
        hint = 'pip install "falconql[hf]"'
        raise Remote(f"{shown(location)}: hf:// addresses need an extra that is not installed", hint=hint) from None
    return HfFileSystem(skip_instance_cache=True)


def _is_on(value: str) -> bool:
    return value.strip().lower() in ("1", "yes", "true", "on")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
