"""Opening a corpus: from what the user names or hands over to the module of its format."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any

from falconql.runtime.errors import DataError
from falconql.runtime.io.address import check_scheme, is_database, scheme_of
from falconql.runtime.io.base import TableSource
from falconql.runtime.io.formats import (
    COLUMNAR,
    Format,
    foreign_content,
    format_of_content,
    is_aside,
    known_endings,
    known_format,
    other_ending,
)
from falconql.runtime.io.inputs import STDIN, InputFile, decompressed, open_input, spool
from falconql.runtime.io.locate import Located, locate
from falconql.runtime.io.partitions import partition_columns

if TYPE_CHECKING:
    from falconql.runtime.io.remote.store import Store

_HEAD_BYTES = 1 << 12
_FEWEST_LOOK_BYTES = 1 << 20
_OPENED_TOGETHER = 16


def open_source(location: Any, *, format: str | None = None, stdin: IO[bytes] | None = None) -> TableSource:
    """Open a corpus; see ``falconql.runtime.io.open_source``."""
    if not isinstance(location, str | os.PathLike):
        return _in_memory(location)
    wanted = None if format is None else known_format(format)
    if location == "-":
        if stdin is None and sys.stdin is None:
            raise DataError("there is no standard input", hint="name a file")
        return open_kept(spool(stdin or sys.stdin.buffer, STDIN), wanted)
    named = os.fspath(location)
    if scheme_of(named) is not None:
        return _elsewhere(named, wanted)
    located = locate(named, wanted)
    if located.stream:
        with _readable(located.paths[0]) as stream:
            return open_kept(spool(stream, located.name), located.format)
    if not located.several:
        file = open_input(located.paths[0], located.name)
        return _file(file, wanted or _told(file, located.format))
    return _several(located)


def _elsewhere(address: str, wanted: Format | None) -> TableSource:
    check_scheme(address)
    if is_database(address):
        from falconql.runtime.io.sql import sql_source

        return sql_source(address)
    from falconql.runtime.io.remote.locate import locate_remote, remote_input

    located, store = locate_remote(address, wanted)
    packed = located.format not in COLUMNAR
    if not located.several:
        file = remote_input(store, located.paths[0], packed=packed)
        found = wanted or _told(file, located.format)
        return open_kept(file, found) if file.keep and found is None else _file(file, found)
    return _several(located, store)


def _told(file: InputFile, format_: Format | None) -> Format | None:
    """Return the format that the ending of one file tells; a log of JSON is known by its first bytes."""
    if format_ == "txt" and is_aside(file.name):
        return format_of_content(file.head(_HEAD_BYTES)) or format_
    return format_


def _in_memory(data: Any) -> TableSource:
    from falconql.runtime.io.memory import is_table, table_source

    if not is_table(data):
        raise DataError(
            f"a {type(data).__name__} is no corpus",
            hint="give a path, or a table of pandas, Polars, DuckDB or pyarrow "
            "(anything with the Arrow PyCapsule interface)",
        )
    return table_source(data)


def _readable(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def open_kept(file: InputFile, format_: Format | None) -> TableSource:
    """Open what came through a pipe and was kept, in the format that it begins like where none is said.

    Raises:
        DataError: it is empty, or of a kind that is not read.
    """
    head = file.head(_HEAD_BYTES)
    if not head:
        hint = "pipe a table into it, or name a file with --from" if file.name == STDIN else None
        raise DataError(f"{file.name} is empty", hint=hint)
    found = format_ or format_of_content(head)
    if found is None and (what := foreign_content(head)):
        raise _foreign(file, what)
    if found is None:
        from falconql.runtime.io.dialect import is_plain_text

        found = "txt" if is_plain_text(head, whole=len(head) < _HEAD_BYTES) else "csv"
    return _file(file, found)


def _several(located: Located, store: Store | None = None) -> TableSource:
    if located.format == "txt":
        from falconql.runtime.io.text import TextFilesSource

        return TextFilesSource([(p, p.removeprefix(located.base)) for p in located.paths], located.name, store)
    partitions = partition_columns(located.paths, located.base)
    sources = _all_opened(located, store)
    if len(sources) == 1 and not partitions:
        return sources[0]
    from falconql.runtime.io.several import SeveralFiles

    return SeveralFiles(sources, located.name, partitions)


def _all_opened(located: Located, store: Store | None) -> list[TableSource]:
    count = len(located.paths)
    if store is None:
        return [_file(open_input(path, path), located.format, count) for path in located.paths]
    from concurrent.futures import ThreadPoolExecutor

    from falconql.runtime.io.remote.locate import remote_input

    def opened(path: str) -> TableSource:
        return _file(remote_input(store, path, packed=located.format not in COLUMNAR), located.format, count)

    # Most of the time of opening a file elsewhere is waiting.
    with ThreadPoolExecutor(_OPENED_TOGETHER) as pool:
        return list(pool.map(opened, located.paths))


def _file(file: InputFile, format_: Format | None, files: int = 1) -> TableSource:
    """Open one file of ``files``; the modules of other formats are not even loaded."""
    found = format_ or _by_content(file)
    if found in COLUMNAR:
        return _columnar(decompressed(file), found)
    if found in ("csv", "tsv"):
        from falconql.runtime.io import csv

        delimiter = "\t" if found == "tsv" else None
        return csv.CsvSource(file, delimiter=delimiter, look_bytes=_share(csv.LOOK_BYTES, files))
    if found == "txt":
        from falconql.runtime.io.text import TextLinesSource

        return TextLinesSource(file)
    from falconql.runtime.io import json

    return json.JsonSource(file, look_bytes=_share(json.LOOK_BYTES, files))


def _share(look_bytes: int, files: int) -> int:
    """Return how much of each file to look at for its types."""
    return max(_FEWEST_LOOK_BYTES, look_bytes // files)


def _columnar(file: InputFile, format_: Format) -> TableSource:
    if format_ == "parquet":
        from falconql.runtime.io.parquet import ParquetSource

        return ParquetSource(file)
    from falconql.runtime.io.ipc import arrow_source

    return arrow_source(file)


def _by_content(file: InputFile) -> Format:
    """Return the format of a file whose ending does not tell."""
    head = file.head(_HEAD_BYTES)
    found = format_of_content(head)
    if found is not None:
        return found
    what = foreign_content(head)
    if what is not None and "SQLite" in what:
        raise DataError(f"{file.name} is {what}", hint=f"name a table of it: sqlite:///{file.name}?table=NAME")
    if what is not None:
        raise _foreign(file, what)
    hint = f"{other_ending()}; a compressed file adds .gz, .zst, .bz2 or .lz4"
    raise DataError(f"{file.name}: the ending does not tell the format", hint=hint)


def _foreign(file: InputFile, what: str) -> DataError:
    return DataError(f"{file.name} is {what}", hint=f"corpora are files that end in {known_endings()}")
