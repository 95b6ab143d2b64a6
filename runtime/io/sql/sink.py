"""Rows into a table: kept on this machine until all are there, then written in one transaction."""

from __future__ import annotations

import os
import tempfile
import weakref
from typing import Any

import pyarrow as pa

from falconql.runtime.io.csv_writer import as_text
from falconql.runtime.io.output import Output, StreamTarget, written
from falconql.runtime.io.remote.target import discard
from falconql.runtime.io.sql.address import Database
from falconql.runtime.io.sql.appending import append
from falconql.runtime.io.sql.connection import close, connect, talking
from falconql.runtime.io.sql.room import check_room, exists

_MODES = {"fail": "create", "replace": "replace", "append": "append"}


class SqlSink:
    """A table that is there, or grows, when all rows are: in one transaction.

    Spans become their texts, lists JSON.

    Args:
        database: where to.
        schema: of all batches.
        workplace: a folder on this machine for the rows in the making.

    Raises:
        DataError: the table is there already, would not take the rows, or the database cannot be reached.
    """

    def __init__(self, database: Database, schema: pa.Schema, workplace: str | None = None) -> None:
        self.database = database
        self.name = database.name
        self.schema = pa.schema([(field.name, _stored_type(field.type, database)) for field in schema])
        check_room(database, self.schema)
        with written(self.name):
            handle, self._path = tempfile.mkstemp(prefix="falconql-", suffix=".partial", dir=workplace)
            self._file = os.fdopen(handle, "wb")
        self._discard = weakref.finalize(self, discard, self._file, self._path)
        self._writer = pa.ipc.new_stream(Output(StreamTarget(self._file, self.name)), self.schema)

    def write(self, batch: pa.RecordBatch) -> None:
        arrays = [_stored(column, field.type) for column, field in zip(batch.columns, self.schema, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self.schema))

    def commit(self) -> None:
        self._writer.close()
        with written(self.name):
            self._file.close()
        new = self.database.kind == "sqlite" and not os.path.exists(self.database.target)
        try:
            self._ingest()
        except BaseException:
            if new and os.path.exists(self.database.target) and not os.path.getsize(self.database.target):
                os.unlink(self.database.target)
            raise
        self._discard()

    def abort(self) -> None:
        self._discard()

    def _ingest(self) -> None:
        mode = _MODES[self.database.if_exists]
        if mode == "append" and not exists(self.database):
            mode = "create"
        connection = connect(self.database, write=True)
        cursor: Any = None
        try:
            with talking(self.database, "write"), pa.memory_map(self._path) as file:
                rows = pa.ipc.open_stream(file)
                if mode == "append" and self.database.kind == "postgresql":
                    append(connection, self.database, rows)
                else:
                    cursor = connection.cursor()
                    cursor.adbc_ingest(self.database.table, rows, mode=mode, db_schema_name=self.database.schema)
                connection.commit()
        finally:
            # What is not committed is undone by closing.
            close(*(one for one in (cursor, connection) if one is not None))


def _stored_type(type_: pa.DataType, database: Database) -> pa.DataType:
    kinds = pa.types
    if kinds.is_dictionary(type_):
        return _stored_type(type_.value_type, database)
    if kinds.is_null(type_) and database.if_exists == "append":
        return type_  # A column of any type takes it.
    plain = (kinds.is_boolean, kinds.is_integer, kinds.is_floating, kinds.is_binary)
    if any(is_kind(type_) for is_kind in plain):
        return type_
    if database.kind == "postgresql" and (kinds.is_date32(type_) or kinds.is_timestamp(type_)):
        return type_
    return pa.string()


def _stored(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.type == type_:
        return column
    return as_text(column).cast(type_)
