"""JSON as lines: blocks of whole lines, and an array turned into lines in a temporary file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from falconql.runtime.errors import DataError
from falconql.runtime.io.inputs import HEAD_BYTES, InputFile, TemporaryInput, copied
from falconql.runtime.io.utf8 import decode_head, decoded, not_utf8

_BLOCK_BYTES = 4 << 20
_BOM = b"\xef\xbb\xbf"
# A decoder that has less than this left over may only have lacked the rest.
_CUT_CHARACTERS = 32
_BLANKS = re.compile(r"\s*")


class Unit(Enum):
    """What a line of the file read is to the user."""

    LINE = "line"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of JSON.

    Attributes:
        data: the lines.
        first: the number of the first of them in the file, from 1.
        unit: what is counted.
    """

    data: bytes
    first: int
    unit: Unit

    def place(self, line: int) -> str:
        """Return how to name a line of the file, or the object that became it."""
        return f"{self.unit.value} {line}"

    def place_of_row(self, row: int) -> str:
        """Return how to name the line of a row; blank lines are no rows."""
        filled = (number for number, line in enumerate(self.data.split(b"\n"), start=self.first) if line.strip())
        return self.place(next(number for at, number in enumerate(filled) if at == row))


def blocks(file: InputFile, unit: Unit) -> Iterator[Block]:
    """Yield the lines of a file in blocks, all of it valid UTF-8.

    Raises:
        DataError: a byte is not.
    """
    first, offset, rest = 1, 0, b""
    with file.open() as stream:
        while data := stream.read(_BLOCK_BYTES):
            head, newline, tail = data.rpartition(b"\n")
            if not newline:
                rest += data
                continue
            block = rest + head + newline
            yield from _checked(block, first, offset, unit, file.name)
            first += block.count(b"\n")
            offset += len(block)
            rest = tail
    yield from _checked(rest, first, offset, unit, file.name)


def _checked(data: bytes, first: int, offset: int, unit: Unit, name: str) -> Iterator[Block]:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first + data.count(b"\n", 0, error.start)
        raise not_utf8(name, offset + error.start, line, data[error.start]) from None
    if offset == 0:
        data = data.removeprefix(_BOM)
    if data.strip():
        yield Block(data, first, unit)


def lines_of(file: InputFile) -> tuple[InputFile, Unit]:
    """Return a file with one object per line: the file itself, or a copy of its array or its long objects.

    Raises:
        DataError: it is empty or no JSON.
    """
    head = file.head()
    text = decode_head(head, whole=len(head) < HEAD_BYTES, name=file.name)
    start = text.lstrip()
    if not start:
        raise DataError(f"{file.name} is empty", hint="each line is one JSON object, or the file is one array of them")
    if start.startswith("["):
        return _rewritten(file, array=True), Unit.OBJECT
    first, newline, rest = start.partition("\n")
    # A first line that is no object is broken, unless it ends where a field, a value or a sign is due.
    if start.startswith("{") and newline and rest.strip() and not _is_object(first) and _goes_on(first):
        return _rewritten(file, array=False), Unit.OBJECT
    return file, Unit.LINE


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _goes_on(line: str) -> bool:
    """Return whether a line could be the beginning of an object that is spread over lines."""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return error.pos >= len(line.rstrip()) and not error.msg.startswith(("Unterminated", "Extra"))
    except RecursionError:
        pass
    return False


def _rewritten(file: InputFile, *, array: bool) -> InputFile:
    copy = TemporaryInput(file.name)
    for text in _Elements(file, array=array).texts():
        copy.write(text.replace("\r", " ").replace("\n", " ").encode("utf-8") + b"\n")
    return copied(copy.finished(), file)


class _Elements:
    """The elements of an array, or values one after the other, found without holding the whole file."""

    def __init__(self, file: InputFile, *, array: bool) -> None:
        self.name = file.name
        self.array = array
        self._blocks = decoded(file)
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._line = 1

    def texts(self) -> Iterator[str]:
        if self.array:
            self._expect("[")
        number = 0
        while (sign := self._next()) and sign != "]":
            number += 1
            if number > 1 and self.array:
                self._expect(",")
            yield self._element(number)
        if self.array:
            self._expect("]")
            if self._next():
                raise self._broken("something follows the array")

    def _element(self, number: int) -> str:
        if self._next() != "{":
            raise self._broken(f"element {number} is no object", hint="each element of the array is one row: an object")
        while True:
            try:
                _, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _CUT_CHARACTERS
                if not (cut and self._more()):
                    self._at = error.pos
                    raise self._broken(f"not JSON: {error.msg}") from error
            except RecursionError:
                raise self._broken(f"element {number} is nested too deeply") from None
            else:
                found, self._at = self._text[self._at : end], end
                return found

    def _next(self) -> str:
        """Return the next character that is not blank, without taking it; nothing at the end."""
        while True:
            self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _expect(self, sign: str) -> None:
        if self._next() != sign:
            raise self._broken(f"`{sign}` is missing")
        self._at += 1

    def _more(self) -> bool:
        """Read on, at least as much again as is not used yet; return False at the end of the file."""
        self._line += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :], 0
        parts, size = [self._text], 0
        for text in self._blocks:
            parts.append(text)
            size += len(text)
            if size >= max(len(self._text), _BLOCK_BYTES):
                break
        self._text = "".join(parts)
        return size > 0

    def _broken(self, what: str, hint: str | None = None) -> DataError:
        line = self._line + self._text.count("\n", 0, self._at)
        return DataError(f"{self.name}, line {line}: {what}", hint=hint)
