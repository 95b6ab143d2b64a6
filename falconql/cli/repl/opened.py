"""The open corpus as a session knows it: what it was like when it was last looked at."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from falconql.runtime.io.address import scheme_of
from falconql.runtime.io.formats import compression_of, format_of_content, format_of_name
from falconql.types import TEXT

if TYPE_CHECKING:
    from falconql.runtime.io.base import TableSource
    from falconql.runtime.io.sql.address import Database
    from falconql.runtime.plan import Field

# Enough to see a change before the next key comes, also in a folder of very many files.
_MOST_WATCHED = 256
# The columns of larger files are not looked at between two keys: some formats tell them only at the end.
_MOST_QUICK_BYTES = 16 << 20
_HEAD_BYTES = 1 << 12
_Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A corpus that was looked at.

    Attributes:
        path: what was opened.
        name: what it is called in messages.
        rows: how many it has, where that is known without reading it.
        fields: its columns.
        files: the files on this machine that it is read from.
        tables: the tables of databases that it is read from.
        stamps: when the first files were changed, and how large they were.
        source: what reads it.
    """

    path: str
    name: str
    rows: int | None
    fields: tuple[Field, ...]
    files: tuple[str, ...]
    tables: tuple[Database, ...]
    stamps: tuple[_Stamp, ...]
    source: TableSource | None = field(default=None, compare=False, repr=False)

    @property
    def kept(self) -> TableSource | None:
        """What goes on reading it: a file of its own, whose columns need not be found anew for every query.

        A folder may have more files by now, and a table other rows.
        """
        return self.source if len(self.files) == 1 and os.path.isfile(os.path.expanduser(self.path)) else None

    @property
    def texts(self) -> list[str]:
        """The columns that a question can read."""
        return [field.name for field in self.fields if field.type == TEXT]

    def has_changed(self) -> bool:
        """Return whether a file tells of a change."""
        return stamps(self.files) != self.stamps

    def now(self, *, surely: bool = False) -> Opened:
        """Return the corpus as it is by now, this one where no file tells of a change.

        Args:
            surely: look again all the same; what can be read only once is left alone even so.

        Raises:
            DataError: it cannot be read any more.
        """
        from falconql.api import opened

        if is_stream(self.path) or not (surely or self.has_changed()):
            return self
        return look(self.path, opened(self.path))


def look(path: str, source: TableSource) -> Opened:
    """Return what there is to know of a corpus."""
    from falconql.runtime.io.arrow import fields_from_schema
    from falconql.runtime.io.fingerprint import local_files
    from falconql.runtime.io.sql import tables_of

    files = tuple(local_files(source))
    fields = fields_from_schema(source.schema)
    return Opened(path, source.name, source.rows, fields, files, tuple(tables_of(source)), stamps(files), source)


def stamps(files: tuple[str, ...]) -> tuple[_Stamp, ...]:
    """Return what tells that files were changed; None for one that is gone."""
    return tuple(_stamp(file) for file in files[:_MOST_WATCHED])


def _stamp(file: str) -> _Stamp:
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def is_stream(path: str) -> bool:
    """Return whether a corpus can be read only once, and reading it may wait: standard input, a pipe, a device."""
    if path == "-":
        return True
    try:
        mode = os.stat(os.path.expanduser(path)).st_mode
    except (OSError, ValueError):
        return False
    return scheme_of(path) is None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_quick(path: str) -> bool:
    """Return whether the columns of a corpus are there before the next key: those of a file that is not too large.

    An array in JSON is read to its end for them, and what is compressed may be of any size.
    """
    path = os.path.expanduser(path)
    try:
        status = os.stat(path)
        if scheme_of(path) is not None or not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_QUICK_BYTES:
            return False
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return False
    told = format_of_name(path)[0]
    found = format_of_content(head) if told in (None, "txt") else told
    return bool(head) and compression_of(head) is None and found != "json"
