"""Whether a result can go into a table, told before a query runs: at its end the work would be lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from falconql.runtime.errors import DataError
from falconql.runtime.io.sql.address import Database
from falconql.runtime.io.sql.connection import close, connect, talking

_ANOTHER = "name another table"
_OTHER_COLUMNS = "select the columns that the table has, add &if_exists=replace, or name another table"


def check_room(database: Database, columns: Sequence[str]) -> None:
    """Refuse what the database would not take.

    Args:
        database: where the rows go.
        columns: of the rows.

    Raises:
        DataError: it is that, the table is there already, or the database cannot be reached.
    """
    if database.kind == "sqlite":
        _check_names(database, columns)
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
        _check_columns(database, columns)


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


def _check_columns(database: Database, columns: Sequence[str]) -> None:
    takes, needs = _columns(database)
    fold = _folded if database.kind == "sqlite" else str.encode
    known, given = set(map(fold, takes)), set(map(fold, columns))
    unknown = [name for name in columns if fold(name) not in known]
    missing = [name for name in needs if fold(name) not in given]
    for names, what in ((unknown, "takes no values for"), (missing, "needs values for")):
        if names:
            listed = ", ".join(f"`{name}`" for name in names[:8])
            raise DataError(f"{database.name}: the table has other columns: it {what} {listed}", hint=_OTHER_COLUMNS)


def _columns(database: Database) -> tuple[list[str], list[str]]:
    """Return the columns that rows may have values for, and, if that is known, those without which there is no row."""
    if database.kind == "postgresql":
        described = _asked(database, f"SELECT * FROM {database.quoted} LIMIT 0", described=True)
        return [str(name) for name, *_ in described], []
    table = _literal(database.table)
    # SQLite makes up the number of a row, which is the one primary key without an index.
    made_up = f"pk AND NOT EXISTS (SELECT 1 FROM pragma_index_list({table}) WHERE origin = 'pk')"
    # Those hidden as 2 and 3 are computed.
    found = _asked(
        database,
        f'SELECT name, "notnull" AND dflt_value IS NULL AND NOT ({made_up}) AND NOT hidden'
        f" FROM pragma_table_xinfo({table}) WHERE hidden NOT IN (2, 3)",
    )
    return [str(name) for name, _ in found], [str(name) for name, needed in found if needed]


def _found(database: Database) -> str | None:
    """Return what there is of the name: a table, a view, an index, or nothing."""
    if database.kind == "postgresql":
        asked = f"SELECT 'table' WHERE to_regclass({_literal(database.quoted)}) IS NOT NULL"
    elif os.path.exists(database.target):
        name = f"name = {_literal(database.table)} COLLATE NOCASE"
        asked = f"SELECT type FROM sqlite_master WHERE {name} AND type <> 'trigger'"
    else:
        folder = os.path.dirname(database.target) or "."
        if not os.path.isdir(folder):
            raise DataError(f"there is no folder {folder} to make {os.path.basename(database.target)} in")
        return None
    found = _asked(database, asked)
    return str(found[0][0]) if found else None


def _asked(database: Database, sql: str, *, described: bool = False) -> Sequence[Any]:
    connection = connect(database)
    try:
        with talking(database), connection.cursor() as cursor:
            cursor.execute(sql)
            rows: Sequence[Any] = cursor.description if described else cursor.fetchall()
            return rows
    finally:
        close(connection)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _folded(name: str) -> bytes:
    """Return a name as SQLite compares it: only the letters of ASCII have a case."""
    return name.encode("utf-8", "surrogateescape").lower()
