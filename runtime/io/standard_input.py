"""Standard input as a corpus: kept in a temporary file, so that it can be read more than once."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from falconql.runtime.errors import DataError
from falconql.runtime.io.locate import Format

_MAGIC = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"\xff\xff\xff\xff": ".arrow"}
_PACKED = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"BZh": ".bz2"}


def spool(stream: IO[bytes], format_: Format | None) -> tuple[Path, Format]:
    """Copy a stream to a temporary file and return it with its format, found from its first bytes.

    Raises:
        DataError: nothing came, or it cannot be kept.
    """
    try:
        handle, name = tempfile.mkstemp(prefix="falconql-stdin-")
        path = Path(name)
        atexit.register(_remove, path)
        with os.fdopen(handle, "wb") as kept:
            shutil.copyfileobj(stream, kept, 1 << 20)
        with path.open("rb") as again:
            head = again.read(1 << 16)
    except OSError as error:
        raise DataError(f"standard input cannot be kept in a temporary file: {error.strerror}") from error
    if not head.strip():
        raise DataError("standard input is empty", hint="pipe a table into it, or name a file with --from")
    packed = next((ending for magic, ending in _PACKED.items() if head.startswith(magic)), "")
    if packed:
        target = path.with_name(path.name + packed)
        path.rename(target)
        atexit.register(_remove, target)
        return target, format_ or "csv"
    return path, format_ or _sniffed(head)


def _sniffed(head: bytes) -> Format:
    for magic, ending in _MAGIC.items():
        if head.startswith(magic):
            return "parquet" if ending == ".parquet" else "arrow"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"{":
        return "jsonl"
    return "json" if start == b"[" else "csv"


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
