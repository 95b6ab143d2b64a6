"""Whether a result can go into a table, told before a query runs: at its end the work would be lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.io.sql.address import Database, literal
from falconql.runtime.io.sql.appending import rehearse
from falconql.runtime.io.sql.connection import OTHER_TYPES, close, connect, talking

_ANOTHER = "name another table"
_OTHER_COLUMNS = "select the columns that the table has, add &if_exists=replace, or name another table"

# What a table that SQLite is strict about makes something of. A number with a fraction may be a whole one.
_STRICT = {"TEXT": ("text", "number"), "BLOB": ("blob",), **dict.fromkeys(("INT", "INTEGER", "REAL"), ("number",))}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that takes values.

    Attributes:
        name: its name.
        needed: there is no row without a value of it.
        type: what it takes; ANY where the database makes something of everything, or says itself what it takes.
    """

    name: str
    needed: bool
    type: str = "ANY"


def check_room(database: Database, schema: pa.Schema) -> None:
    """Refuse what the database would not take.

    Args:
        database: where the rows go.
        schema: of the rows, as they are sent.

    Raises:
        DataError: it is that, the table is there already, or the database cannot be reached.
    """
    if database.kind == "sqlite":
        _check_names(database, schema.names)
    found = _found(database)
    if found is None:
        return
    if found != "table":
        message = (
            f"{database.name}: {database.table} is {'an' if found == 'index' else 'a'} {found}, which takes no rows"
        )
        raise DataError(message, hint=_ANOTHER)
    if database.if_exists == "fail":
        hint = "add &if_exists=replace or &if_exists=append to the address, or name another table"
        raise DataError(f"the table {database.table} is there already in {database.name}", hint=hint)
    if database.if_exists == "append":
        _check_columns(database, schema)


def exists(database: Database) -> bool:
    """Return whether there is a table, or anything else, of the name."""
    return _found(database) is not None


def _check_names(database: Database, columns: Sequence[str]) -> None:
    if database.schema is not None:
        hint = "leave &schema= out: a table of SQLite is written into `main`"
        raise DataError(f"{database.name}: results do not go into a schema of SQLite", hint=hint)
    if _folded(database.table).startswith(b"sqlite_"):
        raise DataError(f"{database.name}: names that begin with sqlite_ are SQLite's own", hint=_ANOTHER)
    first: dict[bytes, str] = {}
    for name in columns:
        other = first.setdefault(_folded(name), name)
        if other != name:
            raise DataError(
                f"{database.name}: SQLite does not tell the columns `{other}` and `{name}` apart",
                hint="give one of them another name: `name: expression`",
            )


def _check_columns(database: Database, schema: pa.Schema) -> None:
    takes = _sqlite_columns(database) if database.kind == "sqlite" else _postgresql_columns(database)
    fold = _folded if database.kind == "sqlite" else str.encode
    known, given = {fold(column.name): column for column in takes}, set(map(fold, schema.names))
    unknown = [name for name in schema.names if fold(name) not in known]
    missing = [column.name for column in takes if column.needed and fold(column.name) not in given]
    for names, what in ((unknown, "takes no values for"), (missing, "needs values for")):
        if names:
            listed = ", ".join(f"`{name}`" for name in names[:8])
            raise DataError(f"{database.name}: the table has other columns: it {what} {listed}", hint=_OTHER_COLUMNS)
    for field in schema:
        type_ = known[fold(field.name)].type
        held = _held(field.type)
        if held not in _STRICT.get(type_, (held,)) and not pa.types.is_null(field.type):
            message = f"{database.name}: `{field.name}` takes {type_} only, and the result has {held}s there"
            raise DataError(message, hint=OTHER_TYPES)
    if database.kind == "postgresql":
        connection = connect(database, write=True)
        try:
            with talking(database, "write"):
                rehearse(connection, database, schema)
        finally:
            close(connection)


def _held(type_: pa.DataType) -> str:
    if pa.types.is_boolean(type_) or pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return "number"
    return "blob" if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) else "text"


def _sqlite_columns(database: Database) -> list[_Column]:
    """Return the columns that rows may have values for."""
    table = literal(database.table)
    # SQLite makes up the number of a row, which is the one primary key without an index.
    made_up = f"pk AND NOT EXISTS (SELECT 1 FROM pragma_index_list({table}) WHERE origin = 'pk')"
    no_default = "(dflt_value IS NULL OR trim(dflt_value, ' ()') = 'null' COLLATE NOCASE)"
    strict = f"(SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name = {table} COLLATE NOCASE)"
    # Those hidden as 2 and 3 are computed.
    needed = f'"notnull" AND {no_default} AND NOT ({made_up}) AND NOT hidden'
    found = _asked(
        database,
        f"SELECT name, {needed}, iif({strict}, upper(type), 'ANY')"
        f" FROM pragma_table_xinfo({table}) WHERE hidden NOT IN (2, 3)",
    )
    return [_Column(str(name), bool(needed), str(type_)) for name, needed, type_ in found]


def _postgresql_columns(database: Database) -> list[_Column]:
    default = "(atthasdef OR attidentity <> '' OR coalesce(typdefault, '') <> '')"
    found = _asked(
        database,
        f"SELECT attname::text, (attnotnull OR typnotnull) AND NOT {default}"
        " FROM pg_attribute JOIN pg_type t ON t.oid = atttypid"
        f" WHERE attrelid = to_regclass({literal(database.quoted)}) AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum",
    )
    return [_Column(str(name), bool(needed)) for name, needed in found]


def _found(database: Database) -> str | None:
    """Return what there is of the name: a table, a view, an index, or nothing."""
    if database.kind == "postgresql":
        asked = f"SELECT 'table' WHERE to_regclass({literal(database.quoted)}) IS NOT NULL"
    elif os.path.exists(database.target):
        name = f"name = {literal(database.table)} COLLATE NOCASE"
        asked = f"SELECT type FROM sqlite_master WHERE {name} AND type <> 'trigger'"
    else:
        folder = os.path.dirname(database.target) or "."
        if not os.path.isdir(folder):
            raise DataError(f"there is no folder {folder} to make {os.path.basename(database.target)} in")
        return None
    found = _asked(database, asked)
    return str(found[0][0]) if found else None


def _asked(database: Database, sql: str) -> Sequence[Any]:
    connection = connect(database)
    try:
        with talking(database), connection.cursor() as cursor:
            cursor.execute(sql)
            rows: Sequence[Any] = cursor.fetchall()
            return rows
    finally:
        close(connection)


def _folded(name: str) -> bytes:
    """Return a name as SQLite compares it: only the letters of ASCII have a case."""
    return name.encode("utf-8", "surrogateescape").lower()
