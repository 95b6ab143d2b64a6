"""The columns of a table: how each is asked for, and what comes of it. One function per kind of database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.io.sql.address import Database, quoted
from falconql.runtime.io.sql.conditions import Comparable, Operand

_LOOKED_AT_TOGETHER = 100
_KINDS = ("integer", "real", "text", "blob")
_PLAIN: dict[str, Comparable | None] = {
    "bool": "bool",
    "int2": "int",
    "int4": "int",
    "int8": "int",
    "float4": "float",
    "float8": "float",
    "text": "text",
    "varchar": "text",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": None,
    # Padded with spaces, which comparisons pass over.
    "bpchar": None,
    "bytea": None,
    "time": None,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        name: its name.
        select: the expression that gives its values.
        type: of the values.
        operand: what it is in conditions.
        example: a literal of its type, for a database that has no types of its own.
    """

    name: str
    select: str
    type: pa.DataType
    operand: Operand
    example: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view.

    Attributes:
        columns: that it has.
        rows: how many, if they are counted.
        decides: conditions leave its rows in their order. In a view of SQLite, and in a table that a module of its
            makes up, they can change how everything is gone through.
    """

    columns: tuple[Column, ...]
    rows: int | None
    decides: bool


def look(database: Database, cursor: Any) -> Table:
    """Return what there is to read.

    Raises:
        DataError: there is no such table, or it has no columns.
    """
    return _sqlite(database, cursor) if database.kind == "sqlite" else _postgresql(database, cursor)


def _sqlite(database: Database, cursor: Any) -> Table:
    """Look at every value's type: SQLite has types for values, not for columns."""
    literal = database.table.replace("'", "''")
    # Columns hidden in this way are arguments of a module (full-text search), no data.
    cursor.execute(f"SELECT name FROM pragma_table_xinfo('{literal}') WHERE hidden <> 1")
    names = [str(name) for (name,) in cursor.fetchall()]
    if not names:
        raise _no_table(database, cursor)
    cursor.execute(f"SELECT type FROM pragma_table_list('{literal}')")
    decides = all(kind in ("table", "shadow") for (kind,) in cursor.fetchall())
    found: list[Column] = []
    rows = 0
    for start in range(0, len(names), _LOOKED_AT_TOGETHER):
        part = names[start : start + _LOOKED_AT_TOGETHER]
        tests = [f"max(typeof({quoted(name)}) = '{kind}')" for name in part for kind in _KINDS]
        cursor.execute(f"SELECT count(*), {', '.join(tests)} FROM {database.quoted}")
        rows, *flags = cursor.fetchone()
        for i, name in enumerate(part):
            kinds = {kind for kind, flag in zip(_KINDS, flags[4 * i : 4 * i + 4], strict=True) if flag}
            found.append(_sqlite_column(name, kinds))
    return Table(tuple(found), int(rows), decides)


def _sqlite_column(name: str, kinds: set[str]) -> Column:
    column = quoted(name)
    collation = " COLLATE BINARY"
    if kinds == {"integer"}:
        return Column(name, column, pa.int64(), Operand(column, "int"), "0")
    if kinds in ({"real"}, {"integer", "real"}):
        asked = column if kinds == {"real"} else f"CAST({column} AS REAL)"
        return Column(name, asked, pa.float64(), Operand(asked, "float"), "0.0")
    if "blob" in kinds:
        asked = column if kinds == {"blob"} else f"CAST({column} AS BLOB)"
        return Column(name, asked, pa.binary(), Operand(column, None), "x'00'")
    asked = column if kinds <= {"text"} else f"CAST({column} AS TEXT)"
    return Column(name, asked, pa.string(), Operand(asked, "text", collation), "''")


def _no_table(database: Database, cursor: Any) -> DataError:
    from difflib import get_close_matches

    cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    names = [str(name) for (name,) in cursor.fetchall()]
    near = get_close_matches(database.table, names, n=1) or names[:8]
    hint = f"there is {', '.join(near)}" if near else "the database holds no tables"
    return DataError(f"there is no table {database.table} in {database.target}", hint=hint)


def _postgresql(database: Database, cursor: Any) -> Table:
    plain = _schema(cursor, "*", database)
    asked = [_postgresql_column(field) for field in plain]
    if not asked:
        raise DataError(f"{database.name}: the table has no columns")
    schema = _schema(cursor, ", ".join(select for _, select, _ in asked), database)
    columns = [
        Column(name, select, field.type, operand) for (name, select, operand), field in zip(asked, schema, strict=True)
    ]
    return Table(tuple(columns), None, decides=True)


def _schema(cursor: Any, selected: str, database: Database) -> Sequence[pa.Field]:
    cursor.execute(f"SELECT {selected} FROM {database.quoted} LIMIT 0")
    with cursor.fetch_record_batch() as reader:
        return list(reader.schema)


def _postgresql_column(field: pa.Field) -> tuple[str, str, Operand]:
    column = quoted(field.name)
    named = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
    base = named.removeprefix("_")
    if named in _PLAIN:
        return field.name, column, Operand(column, _PLAIN[named], ' COLLATE "C"' if _PLAIN[named] == "text" else "")
    if named == "numeric":
        asked = f"{column}::float8"
        return field.name, f"{asked} AS {column}", Operand(asked, "float")
    if named.startswith("_") and (base in _PLAIN or base == "numeric"):
        asked = column if base in _PLAIN else f"{column}::float8[] AS {column}"
        return field.name, asked, Operand(column, None)
    # Whatever else there is (json, uuid, enumerations, addresses) is text as the database writes it.
    return field.name, f"{column}::text AS {column}", Operand(column, None)
