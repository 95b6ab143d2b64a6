"""How a delimited file is written: its delimiter and its header. Looks at the first bytes only."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from falconql.runtime.errors import DataError
from falconql.runtime.io.utf8 import decode_head

# Excel's first line: `sep=;`, with quotes around it or without.
_TOLD_DELIMITER = re.compile(r'"?sep=([^\w\s"]|\t)"?[ ]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
DELIMITERS = (",", ";", "\t", "|")
_LOOK_RECORDS = 50
_LEAST_ALIKE = 0.5
_TIME = re.compile(r"\[?\d{4}[-/.]\d\d[-/.]\d\d[ T]")
_MOST_FIELD_CHARACTERS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the head of a delimited file tells.

    ``header_only``: the head is the whole file, and nothing comes after the header; ``lines_before`` come before it:
    blank ones, and ``records_before`` of them that are not, as the one in which Excel names the delimiter; ``cut``: the
    header may go on behind the head.
    """

    delimiter: str
    names: tuple[str, ...]
    header_only: bool
    lines_before: int = 0
    records_before: int = 0
    cut: bool = False


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
    begun = text.lstrip("\r\n")
    told = _TOLD_DELIMITER.match(begun)
    if told is not None:
        delimiter = told[1]
        begun = begun[told.end() :].lstrip("\r\n")
        if not begun.strip():
            raise DataError(f"{name} has no header line with the names of its columns, only a delimiter")
    with _long_fields():
        delimiter = delimiter or _sniff(begun, whole)[0]
        lines = io.StringIO(begun, newline="")
        header = next(iter(csv.reader(lines, delimiter=delimiter)))
        rest = lines.read()
    lines_before = len(text[: len(text) - len(begun)].splitlines())
    header_only = whole and not rest.strip("\r\n")
    cut = not whole and not rest
    return Dialect(delimiter, _names(header), header_only, lines_before, int(told is not None), cut)


def is_plain_text(head: bytes, *, whole: bool) -> bool:
    """Return whether what may be any text is lines of text, and no table with a header.

    It is a table where the first line is a single word or begins with a quote, and where a delimiter cuts at least half
    of the first lines alike; but a first line that begins with a date and a time, or is the only one and has words
    between its delimiters, is no header.
    """
    try:
        text = decode_head(head, whole=whole, name="").strip("\r\n")
    except DataError:
        return False
    first, *more = text.splitlines() or [""]
    if first.startswith('"') or not re.search(r"\S\s+\S", first) or _TOLD_DELIMITER.match(text):
        return False
    with _long_fields():
        delimiter, share = _sniff(text, whole)
    fields = [field.strip() for field in first.split(delimiter)]
    if _TIME.match(fields[0]) or not more:
        return any(" " in field for field in fields)
    return share < _LEAST_ALIKE


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters per field, and put it back."""
    before = csv.field_size_limit(_MOST_FIELD_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def records(lines: Iterable[str], dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Yield records that are not blank, the header first, each with the number of its first line."""
    with _long_fields():
        reader = csv.reader(lines, delimiter=dialect.delimiter)
        before = skipped = 0
        for record in reader:
            if record and skipped < dialect.records_before:
                skipped += 1
            elif record:
                yield before + 1, record
            before = reader.line_num


def closed_by_another(lines: Iterable[str], dialect: Dialect) -> int | None:
    """Return where a row begins whose quote is closed lines later, in the middle of a text; None without such a row.

    That other quote was to open a text of its own: the first one was never closed.
    """
    with _long_fields():
        reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True)
        before = 0
        while True:
            try:
                next(reader)
            except StopIteration:
                return None
            except csv.Error:
                if reader.line_num > before + 1:
                    return before + 1
            before = reader.line_num


def _sniff(text: str, whole: bool) -> tuple[str, float]:
    """Return the delimiter that cuts the first records into the same number of fields, and into most.

    With it comes the share of those records that it cuts like the first one, 0 where there is no such delimiter.
    """
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
    return best, best_rank[0]


def _names(header: list[str]) -> tuple[str, ...]:
    """Return the column names without spaces around them; a column without a name gets one by its place."""
    return tuple(name.strip() or f"column_{number}" for number, name in enumerate(header, start=1))
