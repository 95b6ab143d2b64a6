"""Plain text: a file is one text per line, a folder one text per file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.csv import unique_position
from falconql.runtime.io.opening import invalid_utf8, open_bytes, unreadable


class LinesSource:
    """A text file: the column ``text`` with one row per line that is not blank."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or str(path)
        self.schema = pa.schema([("text", pa.string())])
        self.rows: int | None = None
        with open_bytes(path):
            pass

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for name in columns:
            unique_position(self.schema, name, self.name)
        try:
            with open_bytes(self.path) as stream:
                text = io.TextIOWrapper(stream, encoding="utf-8-sig")
                lines = (line.rstrip("\n") for line in text if line.strip())
                while chunk := list(islice(lines, batch_rows)):
                    yield _batch({"text": chunk}, columns)
        except UnicodeDecodeError as error:
            raise invalid_utf8(self.path) or DataError(f"{self.name} is not UTF-8") from error
        except OSError as error:
            raise unreadable(self.path, error) from error


class FolderOfTexts:
    """Text files: the columns ``path`` (the file's name) and ``text`` (all of it), one row per file."""

    def __init__(self, paths: Sequence[Path], name: str) -> None:
        self.paths = list(paths)
        self.name = name
        self.schema = pa.schema([("path", pa.string()), ("text", pa.string())])
        self.rows: int | None = len(self.paths)

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for name in columns:
            unique_position(self.schema, name, self.name)
        for start in range(0, len(self.paths), batch_rows):
            part = self.paths[start : start + batch_rows]
            texts = [self._read(path) for path in part] if "text" in columns else [""] * len(part)
            yield _batch({"path": [path.name for path in part], "text": texts}, columns)

    def _read(self, path: Path) -> str:
        try:
            with open_bytes(path) as stream:
                data: bytes = stream.read()
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise invalid_utf8(path) or DataError(f"{path} is not UTF-8") from error
        except OSError as error:
            raise unreadable(path, error) from error


def _batch(values: dict[str, list[Any]], columns: Sequence[str]) -> pa.RecordBatch:
    rows = len(next(iter(values.values())))
    if not columns:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, type=pa.struct([])))
    return pa.RecordBatch.from_arrays([pa.array(values[c], pa.string()) for c in columns], names=list(columns))
