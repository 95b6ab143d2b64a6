"""How a delimited file is written: its delimiter and its header. Looks at the first bytes only."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from falconql.runtime.errors import DataError
from falconql.runtime.io.utf8 import decode_head

DELIMITERS = (",", ";", "\t", "|")
_LOOK_RECORDS = 50
_MOST_FIELD_CHARACTERS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the head of a delimited file tells.

    ``blank_lines`` come before the header; ``header_only``: the head is the whole file, and nothing comes after it.
    """

    delimiter: str
    names: tuple[str, ...]
    header_only: bool
    blank_lines: int = 0


def look(head: bytes, *, whole: bool, name: str, delimiter: str | None) -> Dialect:
    """Return the dialect of a file from its first bytes.

    Args:
        head: the first bytes; ``whole`` says that there are no more.
        name: what the file is called in messages.
        delimiter: None to find it out.

    Raises:
        DataError: the file is empty or no text in UTF-8.
    """
    text = decode_head(head, whole=whole, name=name)
    if not text.strip():
        raise DataError(f"{name} is empty: it has not even a header line with the names of its columns")
    with _long_fields():
        delimiter = delimiter or _sniff(text, whole)
        begun = text.lstrip("\r\n")
        lines = io.StringIO(begun, newline="")
        header = next(iter(csv.reader(lines, delimiter=delimiter)))
        rest = lines.read()
    blank_lines = len(text[: len(text) - len(begun)].splitlines())
    return Dialect(delimiter, _names(header), whole and not rest.strip("\r\n"), blank_lines)


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters per field, and put it back."""
    before = csv.field_size_limit(_MOST_FIELD_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield records that are not blank, each with the number of its first line."""
    with _long_fields():
        reader = csv.reader(lines, delimiter=delimiter)
        before = 0
        for record in reader:
            if record:
                yield before + 1, record
            before = reader.line_num


def _sniff(text: str, whole: bool) -> str:
    """Return the delimiter that cuts the first records into the same number of fields, and into most."""
    best, best_rank = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        found = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        widths = [len(record) for record, _ in zip(found, range(_LOOK_RECORDS + 1), strict=False) if record]
        if not whole and 1 < len(widths) <= _LOOK_RECORDS:
            widths.pop()
        if not widths or widths[0] == 1:
            continue
        rank = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
        if rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def _names(header: list[str]) -> tuple[str, ...]:
    """Return the column names without spaces around them; a column without a name gets one by its place."""
    return tuple(name.strip() or f"column_{number}" for number, name in enumerate(header, start=1))
