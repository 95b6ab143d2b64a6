"""Plain text as a corpus: one text per line of a file, or one text per file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from falconql.runtime.expression import Expr
from falconql.runtime.io.columns import batch_of, positions
from falconql.runtime.io.inputs import InputFile, name_as_text, open_input
from falconql.runtime.io.utf8 import check_encoding_mark, decoded_lines

if TYPE_CHECKING:
    from falconql.runtime.io.remote.store import Store

_BATCH_CHARACTERS = 8 << 20


class TextLinesSource:
    """A text file, one row per line that is not blank: its number and its text."""

    schema = pa.schema([("line", pa.int64()), ("text", pa.string())])

    def __init__(self, file: InputFile) -> None:
        self.file = file
        self.name = file.name
        self.rows: int | None = None
        check_encoding_mark(file.head(), file.name)

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        wanted = positions(self.schema, columns, self.name)
        rows = ((number, text) for number, text in enumerate(decoded_lines(self.file), start=1) if text.strip())
        stripped = ((number, text.rstrip("\r\n")) for number, text in rows)
        yield from _batches(stripped, self.schema, wanted, columns, batch_rows)


class TextFilesSource:
    """Text files, one row each: the path and the text.

    Args:
        files: pairs of where a file is and what ``path`` says of it, in the order of the rows.
        name: what all of them are called in messages.
        store: where they are when they are not on this machine.
    """

    schema = pa.schema([("path", pa.string()), ("text", pa.string())])

    def __init__(self, files: Sequence[tuple[str, str]], name: str, store: Store | None = None) -> None:
        self.files = files
        self.store = store
        self.name = name
        self.rows: int | None = len(files)

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        wanted = positions(self.schema, columns, self.name)
        read = "text" in columns
        rows = ((name_as_text(shown), self._text(path) if read else "") for path, shown in self.files)
        yield from _batches(rows, self.schema, wanted, columns, batch_rows)

    def _text(self, path: str) -> str:
        if self.store is None:
            return "".join(decoded_lines(open_input(path, path)))
        from falconql.runtime.io.remote.locate import remote_input

        return "".join(decoded_lines(remote_input(self.store, path)))


def _batches(
    rows: Iterator[tuple[Any, str]], schema: pa.Schema, wanted: list[int], columns: Sequence[str], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield batches that are bounded in rows and in characters."""
    kept: list[tuple[Any, str]] = []
    characters = 0

    def batch() -> pa.RecordBatch:
        arrays = [pa.array([row[i] for row in kept], type=schema.field(i).type) for i in wanted]
        return batch_of(arrays, columns, len(kept))

    for row in rows:
        kept.append(row)
        characters += len(row[1])
        if len(kept) >= batch_rows or characters >= _BATCH_CHARACTERS:
            yield batch()
            kept.clear()
            characters = 0
    if kept:
        yield batch()
