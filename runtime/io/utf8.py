"""Bytes to text, strictly: what is not UTF-8 is refused with its place and a way out."""

from __future__ import annotations

import codecs
import io
import shlex
from collections.abc import Iterator

from falconql.runtime.errors import DataError
from falconql.runtime.io.inputs import STDIN, InputFile

_BLOCK_BYTES = 1 << 20


def decode_head(head: bytes, *, whole: bool, name: str) -> str:
    """Return the first bytes of a text file as text, without a character that is cut at the end."""
    check_encoding_mark(head, name)
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not whole and error.start >= len(head) - 3 and error.reason == "unexpected end of data":
            return head[: error.start].decode("utf-8-sig")
        raise not_utf8(name, error.start, head.count(b"\n", 0, error.start) + 1, head[error.start]) from None


def check_encoding_mark(head: bytes, name: str) -> None:
    """Refuse UTF-16 and binary data.

    Raises:
        DataError: the bytes are neither UTF-8 nor an 8-bit encoding.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{name} is UTF-16, not UTF-8", hint=f"{_iconv('UTF-16', name)} re-encodes it")
    if b"\0" in head:
        raise DataError(f"{name} is not text: byte {head.index(0)} is zero", hint="is it a file of another kind?")


def not_utf8(name: str, offset: int, line: int, byte: int) -> DataError:
    """Return the error for a byte that no UTF-8 text has at that place."""
    return DataError(
        f"{name} is not UTF-8: byte 0x{byte:02x} in line {line} (offset {offset})",
        hint=f"if it is Windows or Latin text, {_iconv('WINDOWS-1252', name)} re-encodes it",
    )


def _iconv(encoding: str, name: str) -> str:
    """Return the command that re-encodes a file, or what comes through a pipe."""
    command = f"iconv -f {encoding} -t UTF-8"
    if name == STDIN:
        return f"`{command} |` before falconql, in the same pipe,"
    return f"`{command} {shlex.quote(name)} > new-file`"


def decoded(file: InputFile) -> Iterator[str]:
    """Yield the text of a file in blocks that end anywhere, a byte order mark left out.

    Raises:
        DataError: it is not UTF-8; the message names line and offset.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    offset, line = 0, 1
    with file.open() as stream:
        while True:
            block: bytes = stream.read(_BLOCK_BYTES)
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                data = pending + block
                at = offset - len(pending) + error.start
                raise not_utf8(file.name, at, line + data.count(b"\n", 0, error.start), data[error.start]) from None
            if text:
                yield text
            if not block:
                return
            offset += len(block)
            line += text.count("\n")


def decoded_lines(file: InputFile, *, returns: bool = False) -> Iterator[str]:
    """Yield the lines of a file with their ends, as ``decoded`` reads it.

    Args:
        file: what is read.
        returns: a carriage return that stands alone ends a line, too.
    """
    parts: list[str] = []
    # It holds back a carriage return at the end of a block, of which a line feed may be the next character.
    pairs = io.IncrementalNewlineDecoder(None, translate=False)
    for text in decoded(file):
        for line in io.StringIO(pairs.decode(text), newline="" if returns else "\n"):
            parts.append(line)
            if line.endswith(("\n", "\r") if returns else "\n"):
                yield "".join(parts)
                parts.clear()
    parts.append(pairs.decode("", final=True))
    if last := "".join(parts):
        yield last
