"""Results as a folder of files, one for each combination of values of some columns, as Hive lays them out.

The folder is made under a hidden name and appears as a whole by a rename. One that is there is replaced only if
FalconQL has written it and nothing has been added since: it holds a list of its files. In a store, which renames
nothing, the folder must be empty before, and the list is the last file to appear.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.errors import DataError
from falconql.runtime.io.address import scheme_of, shown
from falconql.runtime.io.formats import Format
from falconql.runtime.io.output import partial_name, sync_folder, written
from falconql.runtime.io.partitions import folder_of

if TYPE_CHECKING:
    from falconql.runtime.io.sinks import Sink

LIST = "_falconql"
MOST_PARTITIONS = 500
# Of rows that wait in memory until there are enough for a group, in all files together.
MOST_HELD_BYTES = 128 << 20


class PartitionedSink:
    """A folder of results.

    Args:
        location: the folder: a path, or the address of one in a store.
        schema: of all batches.
        columns: whose values become folders; they are left out of the files.
        format: of the files.
        workplace: a folder on the same disk (of a store: on this machine) for the folder in the making.

    Raises:
        DataError: there is no such column, its type makes no name, or the folder holds something else.
    """

    def __init__(
        self, location: str, schema: pa.Schema, columns: Sequence[str], format: Format, workplace: str | None = None
    ) -> None:
        self.name = shown(location)
        self._columns = list(columns)
        self._format = format
        self._schema = schema
        _check_columns(schema, self._columns)
        self._place: Any = _InStore(location) if scheme_of(location) else _OnDisk(location)
        with written(self.name):
            self._staged = self._place.stage(workplace)
        self._discard = weakref.finalize(self, shutil.rmtree, self._staged, ignore_errors=True)
        self._kept = [i for i, name in enumerate(schema.names) if name not in self._columns]
        self._sinks: dict[tuple[str | None, ...], Sink] = {}
        self._held = 0
        self._files: list[str] = []
        self._made: set[str] = set()

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows, each to its own file."""
        texts = [_text_of(batch.column(batch.schema.get_field_index(name))) for name in self._columns]
        rows: dict[tuple[str | None, ...], list[int]] = {}
        for number, values in enumerate(zip(*texts, strict=True)):
            rows.setdefault(values, []).append(number)
        for values, numbers in rows.items():
            sink = self._sink(values)
            before = sink.held
            sink.write(batch.take(pa.array(numbers)).select(self._kept))
            self._held += sink.held - before
            if self._held > MOST_HELD_BYTES:
                largest = max(self._sinks.values(), key=lambda sink: sink.held)
                self._held -= largest.held
                largest.spill()

    def commit(self) -> None:
        """Let the folder appear."""
        if not self._sinks:
            self._open(f"part-0.{self._format}", self._schema).commit()
        for sink in self._sinks.values():
            sink.commit()
        with written(self.name), open(os.path.join(self._staged, LIST), "w", encoding="utf-8") as file:
            json.dump({"files": sorted(self._files)}, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        self._place.publish(self._staged, [*sorted(self._files), LIST])
        self._discard()

    def abort(self) -> None:
        """Leave nothing behind."""
        for sink in self._sinks.values():
            sink.abort()
        self._discard()

    def _sink(self, values: tuple[str | None, ...]) -> Sink:
        if values not in self._sinks:
            if len(self._sinks) >= MOST_PARTITIONS:
                raise DataError(
                    f"{self.name}: {', '.join(self._columns)} would make more than {MOST_PARTITIONS} folders",
                    hint="partition by a column of fewer values",
                )
            kept = pa.schema([self._schema.field(i) for i in self._kept])
            folder = folder_of(self._columns, values)
            self._make(folder)
            self._sinks[values] = self._open(f"{folder}/part-0.{self._format}", kept)
        return self._sinks[values]

    def _make(self, folder: str) -> None:
        """Make a folder that must be new: a file opened twice would hold the rows of the later values only.

        Those above it must be new or spelled the same, or rows would be in the folder of other values.
        """
        parts = folder.split("/")
        for end in range(1, len(parts) + 1):
            level = "/".join(parts[:end])
            if level not in self._made or level == folder:
                self._make_level(level)

    def _make_level(self, folder: str) -> None:
        with written(self.name):
            try:
                os.mkdir(os.path.join(self._staged, folder))
            except FileExistsError:
                raise DataError(
                    f"{self.name}: other values of {', '.join(self._columns)} are in the folder {folder} already",
                    hint="perhaps the disk does not tell capitals from small letters: partition by lower(...) of it",
                ) from None
        self._made.add(folder)

    def _open(self, file: str, schema: pa.Schema) -> Sink:
        from falconql.runtime.io.sinks import Sink, open_sink

        self._files.append(file)
        sink = open_sink(os.path.join(self._staged, file), schema, format=self._format)
        assert isinstance(sink, Sink)
        sink.target.name = f"{self.name}/{file}"
        return sink


class _OnDisk:
    """A folder on this machine."""

    def __init__(self, location: str) -> None:
        self.name = location
        self.path = os.path.realpath(os.path.expanduser(location))
        parent = os.path.dirname(self.path)
        if not os.path.isdir(parent):
            raise DataError(
                f"there is no folder {parent} to make {os.path.basename(self.path)} in", hint="make it first"
            )
        self._check()

    def stage(self, workplace: str | None) -> str:
        folder, base = os.path.split(self.path)
        staged = os.path.join(workplace or folder, partial_name(base))
        os.mkdir(staged)
        return staged

    def publish(self, staged: str, files: list[str]) -> None:
        self._check()
        for folder, _, _ in os.walk(staged):
            sync_folder(folder)
        with written(self.name):
            aside = f"{staged}-replaced"
            if os.path.isdir(self.path):
                os.rename(self.path, aside)
            try:
                os.rename(staged, self.path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.rename(aside, self.path)
                raise
            sync_folder(os.path.dirname(self.path))
            shutil.rmtree(aside, ignore_errors=True)

    def _check(self) -> None:
        """Refuse to replace anything but an empty folder or one of our own."""
        if os.path.isdir(self.path):
            found = {
                os.path.relpath(os.path.join(folder, name), self.path).replace(os.sep, "/")
                for folder, _, names in os.walk(self.path)
                for name in names
            }
            if found - {LIST} == _listed(os.path.join(self.path, LIST)):
                return
            hint = "name a new folder, or delete this one"
            raise DataError(f"the folder {self.name} holds files that FalconQL has not written", hint=hint)
        if os.path.exists(self.path):
            raise DataError(f"{self.name} is a file", hint="--partition-by writes a folder")


class _InStore:
    """A folder in a store."""

    def __init__(self, location: str) -> None:
        from falconql.runtime.io.remote.target import writable_store

        self.name = shown(location)
        self.location = location
        self.store, self.path = writable_store(location)
        self._check()

    def stage(self, workplace: str | None) -> str:
        return tempfile.mkdtemp(prefix="falconql-", suffix=".partial", dir=workplace)

    def publish(self, staged: str, files: list[str]) -> None:
        self._check()
        for file in files:
            self.store.upload(os.path.join(staged, *file.split("/")), f"{self.path}/{file}", self.name)

    def _check(self) -> None:
        from falconql.runtime.io.remote.problems import at

        with at(self.location, self.name, verb="write"):
            if self.store.kind(self.path) is not None and self.store.below(self.path):
                raise DataError(f"{self.name} is not empty", hint="name a new folder, or delete this one")


def _listed(path: str) -> set[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return {str(name) for name in json.load(file)["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _check_columns(schema: pa.Schema, columns: list[str]) -> None:
    for column in columns:
        at = schema.get_all_field_indices(column)
        if len(at) != 1:
            near = get_close_matches(column, schema.names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the columns are {', '.join(schema.names)}"
            raise DataError(f"--partition-by {column}: the result has no such column", hint=hint)
        kinds = pa.types
        type_ = schema.field(at[0]).type
        known = (kinds.is_string, kinds.is_large_string, kinds.is_integer, kinds.is_boolean, kinds.is_date)
        if not any(is_kind(type_) for is_kind in known):
            raise DataError(
                f"--partition-by {column}: a {type_} makes no good name of a folder",
                hint="partition by texts, whole numbers, dates or true and false",
            )
    if len(set(columns)) < len(columns) or len(columns) == len(schema):
        raise DataError("--partition-by takes different columns, and leaves at least one for the files")


def _text_of(column: pa.Array) -> list[str | None]:
    texts: list[str | None] = pc.cast(column, pa.string()).to_pylist()
    return texts
