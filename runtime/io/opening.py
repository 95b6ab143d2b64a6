"""Opening files as byte streams, with the errors of a file system in the user's terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.io.locate import compression_of


def open_bytes(path: Path) -> Any:
    """Return a readable Arrow stream of a file's bytes, unpacked when its name says it is compressed.

    Raises:
        DataError: the file cannot be opened.
    """
    try:
        return pa.input_stream(str(path), compression=compression_of(path))
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: BaseException) -> DataError:
    """Return the error for a file that cannot be read."""
    reason = getattr(error, "strerror", None) or str(error)
    return DataError(f"{path} cannot be read: {reason}")


def invalid_utf8(path: Path) -> DataError | None:
    """Return the error that names the first byte of a file that is not UTF-8, None if all is well."""
    line, offset, rest = 1, 0, b""
    with open_bytes(path) as stream:
        while block := stream.read(1 << 20):
            data = rest + block
            try:
                data.decode("utf-8")
                rest = b""
            except UnicodeDecodeError as error:
                if error.start < len(data) - 4:
                    line += data.count(b"\n", 0, error.start)
                    return _not_utf8(path, line, offset + error.start, data[error.start])
                rest = data[error.start :]
                data = data[: error.start]
            line += data.count(b"\n")
            offset += len(data)
    return _not_utf8(path, line, offset, rest[0]) if rest else None


def _not_utf8(path: Path, line: int, offset: int, byte: int) -> DataError:
    return DataError(
        f"{path} is not UTF-8: byte 0x{byte:02x} in line {line} (offset {offset})",
        hint="convert it first, for example with `iconv -f latin1 -t utf-8`",
    )
