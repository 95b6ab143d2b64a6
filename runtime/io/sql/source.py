"""A table in a database as a corpus: only the columns asked for, and conditions decided there where that is exact."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa

from falconql.runtime.expression import Expr
from falconql.runtime.io.columns import cut, positions, rows_without_columns, sound
from falconql.runtime.io.sql.address import Database
from falconql.runtime.io.sql.columns import Column, look
from falconql.runtime.io.sql.conditions import condition
from falconql.runtime.io.sql.connection import close, connect, talking


class SqlSource:
    """A table or view.

    Every reading has a connection of its own, which the database keeps from writing.

    Raises:
        DataError: there is no such table, or the database cannot be reached.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.name = database.name
        connection = connect(database)
        try:
            with talking(database), connection.cursor() as cursor:
                self._table = look(database, cursor)
        finally:
            close(connection)
        self._by_name = {column.name: column for column in self._table.columns}
        self._operands = {column.name: column.operand for column in self._table.columns}
        self.schema: pa.Schema = pa.schema([(column.name, column.type) for column in self._table.columns])
        self.rows: int | None = self._table.rows

    @property
    def files(self) -> list[tuple[str, str]]:
        """The file on this machine that the table is in, none of a server."""
        return [(self.database.target, self.name)] if self.database.kind == "sqlite" else []

    def portable(self) -> SqlSource:
        """Return the same table for a process in another folder."""
        if self.database.kind != "sqlite":
            return self
        found = copy.copy(self)
        found.database = replace(self.database, target=os.path.abspath(self.database.target))
        return found

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        positions(self.schema, columns, self.name)
        where = self._where(filter)
        if not columns:
            yield from self._only_counted(where, batch_rows)
            return
        yield from self._read([self._by_name[name] for name in columns], where, None, batch_rows)

    def sample(self, columns: Sequence[str], rows: int) -> pa.RecordBatch:
        """Return the first rows: going through a whole table for some would take too long."""
        positions(self.schema, columns, self.name)
        if not columns:
            return rows_without_columns(min(rows, next(self._counts(None))))
        wanted = [self._by_name[name] for name in columns]
        schema = pa.schema([(column.name, column.type) for column in wanted])
        found = list(self._read(wanted, None, rows, rows))
        return pa.concat_batches(found) if found else pa.RecordBatch.from_pylist([], schema=schema)

    def fingerprint(self) -> str | None:
        """Return a hash of an SQLite file's path, size and time; None of a server, which cannot tell cheaply."""
        if self.database.kind != "sqlite":
            return None
        path = os.path.realpath(self.database.target)
        digest = hashlib.blake2b(f"{path}\0{self.database.table}".encode("utf-8", "surrogateescape"), digest_size=16)
        for name in (path, f"{path}-wal"):
            with suppress(FileNotFoundError):
                status = os.stat(name)
                digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}".encode())
        return digest.hexdigest()

    def _only_counted(self, where: str | None, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for rows in self._counts(where):
            for start in range(0, rows, batch_rows):
                yield rows_without_columns(min(batch_rows, rows - start))

    def _counts(self, where: str | None) -> Iterator[int]:
        if where is None and self.rows is not None:
            yield self.rows
            return
        counted = Column("count", "count(*)", pa.int64(), next(iter(self._operands.values())))
        for batch in self._run(f"SELECT {counted.select} FROM {self._from}{where or ''}"):
            yield from batch.column(0).to_pylist()

    @property
    def _from(self) -> str:
        # An index that covers the columns asked for would give the rows in its own order.
        indexed = self.database.kind == "postgresql" or not self._table.decides
        return f"{self.database.quoted}{'' if indexed else ' NOT INDEXED'}"

    def _where(self, filter: Expr | None) -> str | None:
        found = condition(filter, self._operands) if filter is not None and self._table.decides else None
        if found is None:
            return None
        # SQLite looks up the numbers of rows whatever is said, those of an `or` one after the other; not in this form.
        return f" WHERE {found}" if self.database.kind == "postgresql" else f" WHERE ({found}) IS TRUE"

    def _read(
        self, wanted: list[Column], where: str | None, most: int | None, batch_rows: int
    ) -> Iterator[pa.RecordBatch]:
        sql = f"SELECT {', '.join(column.select for column in wanted)} FROM {self._from}{where or ''}"
        typed = self.database.kind == "sqlite"
        if typed:
            # The driver takes types from the first rows, which may all be null: a first one shows them.
            examples = ", ".join(column.example for column in wanted)
            sql = f"SELECT {examples} UNION ALL {sql}"
        if most is not None:
            sql += f" LIMIT {most + typed}"
        names = [column.name for column in wanted]
        skip = int(typed)
        for read in self._run(sql):
            if read.num_rows <= skip:
                skip -= read.num_rows
                continue
            arrays = [array.slice(skip) for array in read.columns]
            skip = 0
            # SQLite keeps any bytes as text.
            batch = pa.RecordBatch.from_arrays(arrays, names=names)
            yield from cut(sound(batch, self.name, texts_only=True), batch_rows)

    def _run(self, sql: str) -> Iterator[pa.RecordBatch]:
        connection = connect(self.database)
        cursor = reader = None
        try:
            with talking(self.database):
                cursor = connection.cursor()
                cursor.execute(sql)
                reader = cursor.fetch_record_batch()
            while True:
                with talking(self.database):
                    batch = next(reader, None)
                if batch is None:
                    return
                yield batch
        finally:
            close(*(one for one in (reader, cursor, connection) if one is not None))
