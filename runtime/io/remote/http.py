"""Files on web servers: one request that tells what there is, then exactly the ranges that are asked for.

A server that knows no ranges sends the whole file, which is kept in a temporary one. With the first answer comes what
tells one version of a file from another; a file that changes while it is read is refused.
"""

from __future__ import annotations

import base64
import io
import os
import re
from dataclasses import dataclass
from http.client import HTTPException, InvalidURL
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from falconql.runtime.io.inputs import InputFile, kept
from falconql.runtime.io.remote.problems import BrokenOff, Changed

TIMEOUT_S = 60.0
ATTEMPTS = 3
_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)")
_SAFE = "/:@!$&'()*+,;=-._~%?"


@dataclass(frozen=True, slots=True)
class Found:
    """What the first answer tells.

    Attributes:
        size: in bytes; None if ranges are not known there, and ``whole`` is the body.
        validator: what goes into ``If-Range``: empty if there is none.
        version: whatever changes with the file.
        head: the first bytes of a file that can be read in ranges.
        whole: the answer with the whole file, to be read once.
    """

    size: int | None
    validator: str
    version: str
    head: bytes
    whole: Any = None


def look(url: str, head_bytes: int = 16) -> Found:
    """Ask for the first bytes.

    Raises:
        OSError: there is no such file, or no server; ``HTTPError`` carries the status.
    """
    try:
        answer = _ask(url, {"Range": f"bytes=0-{head_bytes - 1}"})
    except HTTPError as error:
        if error.code == 416:
            # A file of no bytes has no first ones.
            return Found(0, "", _version(error.headers), b"")
        raise
    total = _TOTAL.match(answer.headers.get("Content-Range", "")) if answer.status == 206 else None
    if answer.status == 206 and total is None:
        # A part of nobody knows how much: it cannot be told when all of it is there.
        answer.close()
        answer = _ask(url, {})
    etag = answer.headers.get("ETag", "")
    # A weak one says that files are alike, not that their bytes are.
    validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
    if total is None:
        return Found(None, validator, _version(answer.headers), b"", answer)
    with answer:
        return Found(int(total[1]), validator, _version(answer.headers), answer.read())


def body(answer: Any, name: str) -> InputFile:
    """Copy the body of an answer into a temporary file.

    Raises:
        BrokenOff: it ends before its length.
        OSError, HTTPException: the network fails.
        DataError: it cannot be kept.
    """
    copy = kept(answer, name)
    # What is left of the length that was announced; None if there was none.
    if answer.length:
        raise BrokenOff
    return copy


class HttpFile(io.RawIOBase):
    """A file on a server that knows ranges.

    Args:
        url: where it is.
        found: what ``look`` has said.
        onwards: whoever reads one part will read the next: one answer is read as long as that holds.
    """

    def __init__(self, url: str, found: Found, *, onwards: bool) -> None:
        super().__init__()
        self._url = url
        self._found = found
        self._size = found.size or 0
        self._onwards = onwards
        self._position = 0
        self._answer: Any = None
        self._answer_at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def size(self) -> int:
        return self._size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, fewer only at the end."""
        left = self._size - self._position
        size = left if size is None or size < 0 else min(size, left)
        parts: list[bytes] = []
        failures = 0
        while size > 0:
            try:
                part = self._some(size)
            except HTTPError:
                raise
            except (OSError, HTTPException):
                part = b""
                failures += 1
                if failures >= ATTEMPTS:
                    raise
            else:
                failures = 0 if part else failures + 1
                if failures >= ATTEMPTS:
                    raise ConnectionError("Server disconnected")
            if not part:
                self._drop()
                continue
            parts.append(part)
            self._position += len(part)
            self._answer_at += len(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        self._drop()
        super().close()

    def _some(self, size: int) -> bytes:
        if self._answer is None or self._answer_at != self._position:
            self._drop()
            end = "" if self._onwards else self._position + size - 1
            headers = {"Range": f"bytes={self._position}-{end}"}
            if self._found.validator:
                headers["If-Range"] = self._found.validator
            answer = _ask(self._url, headers)
            if answer.status != 206 or _version(answer.headers) != self._found.version:
                answer.close()
                raise Changed
            self._answer, self._answer_at = answer, self._position
        return bytes(self._answer.read(size))

    def _drop(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None


def _ask(url: str, headers: dict[str, str]) -> Any:
    try:
        return _answer(url, headers)
    except ValueError as error:
        # A name of a server that is none, such as `a..b`.
        raise InvalidURL(str(error)) from error


def _answer(url: str, headers: dict[str, str]) -> Any:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    plain = urlunsplit((parts.scheme, host, quote(parts.path, safe=_SAFE), quote(parts.query, safe=_SAFE), ""))
    request = Request(plain, headers={"User-Agent": "falconql", "Accept-Encoding": "identity", **headers})
    if at:
        name, _, password = user.partition(":")
        pair = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
        # Not for where the server sends us on to.
        request.add_unredirected_header("Authorization", f"Basic {pair}")
    try:
        return urlopen(request, timeout=TIMEOUT_S)
    except HTTPError as error:
        error.close()
        raise
    except URLError as error:
        if isinstance(error.reason, OSError):
            raise error.reason from None
        raise


def _version(headers: Any) -> str:
    return " ".join(headers[name] for name in ("ETag", "Last-Modified") if headers.get(name))
