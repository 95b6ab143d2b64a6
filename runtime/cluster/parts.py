"""A corpus cut into parts that can be read in different places, by the readers of this package.

Types, nulls and dates of a file are settled when it is opened, for all parts alike.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from falconql.runtime.expression import Expr
from falconql.runtime.io.base import TableSource
from falconql.runtime.io.inputs import InputFile
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.io.parquet import ParquetSource
from falconql.runtime.io.several import SeveralFiles
from falconql.runtime.io.sql.source import SqlSource
from falconql.runtime.io.text import TextFilesSource

GROUP_ROWS = 65_536
MEMORY_ROWS = 16_384
TEXT_FILES = 1024


@dataclass(frozen=True, slots=True)
class Part:
    """A corpus of its own, of which the first ``skip`` rows are left out.

    Attributes:
        source: the corpus.
        skip: how many rows are left out.
    """

    source: TableSource
    skip: int = 0

    @property
    def anywhere(self) -> bool:
        """Whether every machine can read it: it is in an object store or on a web server."""
        return is_elsewhere(self.source)


def parts_of(source: TableSource, columns: Sequence[str], filter: Expr | None, skip: int = 0) -> list[Part]:
    """Return the parts of a corpus, in order.

    Args:
        source: the corpus.
        columns: what is read of it.
        filter: what it may be read with.
        skip: leave out so many of the rows that reading it with the filter gives.
    """
    whole = list(_split(source))
    for at, part in enumerate(whole):
        if not skip:
            return [Part(_portable(one)) for one in whole[at:]]
        rows = rows_given(part, columns, filter)
        if rows is None:
            # How many rows the files have is found out by reading them, one after the other.
            rest = source.joined(_of_several(whole[at:])) if isinstance(source, SeveralFiles) else part
            return [Part(_portable(rest), skip)]
        if rows > skip:
            return [Part(_portable(part), skip), *(Part(_portable(one)) for one in whole[at + 1 :])]
        skip -= rows
    return []


def _of_several(parts: Sequence[TableSource]) -> list[SeveralFiles]:
    return [part for part in parts if isinstance(part, SeveralFiles)]


def rows_given(source: TableSource, columns: Sequence[str], filter: Expr | None) -> int | None:
    """Return how many rows a part gives when it is read with a filter; None if that is not known before."""
    if isinstance(source, ParquetSource):
        return source.part_rows(source.groups_read(filter))
    if isinstance(source, SeveralFiles):
        given = [
            rows_given(one, columns, source.filter_for(one, columns, filter)) if source.is_read(number, filter) else 0
            for number, one in enumerate(source.sources)
        ]
        return None if None in given else sum(rows or 0 for rows in given)
    return source.rows


def _split(source: TableSource) -> Iterator[TableSource]:
    if isinstance(source, SeveralFiles):
        for number, file in enumerate(source.sources):
            yield from (source.part([one], [number]) for one in _split(file))
    elif isinstance(source, ParquetSource):
        yield from _split_groups(source)
    elif isinstance(source, MemorySource):
        starts = range(0, max(1, source.table.num_rows), MEMORY_ROWS)
        yield from (MemorySource(source.table.slice(start, MEMORY_ROWS), source.name) for start in starts)
    elif isinstance(source, TextFilesSource):
        starts = range(0, len(source.files), TEXT_FILES)
        some = (source.files[start : start + TEXT_FILES] for start in starts)
        yield from (TextFilesSource(files, source.name, source.store) for files in some)
    else:
        yield source


def _split_groups(source: ParquetSource) -> Iterator[TableSource]:
    first, rows = source.groups.start, 0
    for group in source.groups:
        rows += source.part_rows([group])
        if rows >= GROUP_ROWS:
            yield source.part(range(first, group + 1))
            first, rows = group + 1, 0
    if first < source.groups.stop or not source.groups:
        yield source.part(range(first, source.groups.stop))


def _portable(source: TableSource) -> TableSource:
    """Return a source that can be sent to a process in another folder.

    What keeps a temporary file alive stays behind.
    """
    if is_elsewhere(source):
        return source
    if isinstance(source, SeveralFiles):
        return source.part([_portable(one) for one in source.sources], range(len(source.sources)))
    if isinstance(source, TextFilesSource):
        return TextFilesSource([(os.path.abspath(path), shown) for path, shown in source.files], source.name)
    if isinstance(source, SqlSource):
        return source.portable()
    file = getattr(source, "file", None)
    if not isinstance(file, InputFile):
        return source
    found: Any = copy.copy(source)
    found.file = replace(file, path=os.path.abspath(file.path), keep=None)
    sent: TableSource = found
    return sent


def is_elsewhere(source: TableSource) -> bool:
    """Return whether a corpus is read from object stores or web servers, which every machine can reach."""
    if isinstance(source, SeveralFiles):
        return all(map(is_elsewhere, source.sources))
    if isinstance(source, TextFilesSource):
        return source.store is not None
    file = getattr(source, "file", None)
    return isinstance(file, InputFile) and file.remote is not None
