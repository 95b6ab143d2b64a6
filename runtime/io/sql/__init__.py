"""Tables in databases, through ADBC: read as Arrow batches, written in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from falconql.runtime.errors import DataError
from falconql.runtime.io.address import is_database, scheme_of, shown
from falconql.runtime.io.base import TableSource

if TYPE_CHECKING:
    from falconql.runtime.io.sql.address import Database

__all__ = ["check_not_read", "sql_source", "tables_of"]


def sql_source(location: str) -> TableSource:
    """Open the table that an address such as ``sqlite:///file.db?table=reviews`` names.

    Raises:
        DataError: there is no such table, the database cannot be reached, or the extra is not installed.
    """
    from falconql.runtime.io.sql.address import database
    from falconql.runtime.io.sql.source import SqlSource

    return SqlSource(database(location))


def tables_of(source: TableSource) -> list[Database]:
    """Return the tables of databases that a corpus is read from."""
    from falconql.runtime.io.sql.address import Database

    found = getattr(source, "database", None)
    return [found] if isinstance(found, Database) else []


def check_not_read(output: str, read: Iterable[Database]) -> None:
    """Refuse to write into a table that is read, or a file in the place of its database.

    Rows added would be read as part of the corpus the next time; and a table that is replaced loses more than rows:
    its keys, its indexes, and what others are granted or refer to.

    Raises:
        DataError: the output is one of those, or no address of a table.
    """
    from falconql.runtime.io.sql.address import database, same_file, same_table

    tables = list(read)
    if tables and is_database(output):
        wanted = database(output)
        if any(same_table(wanted, table) for table in tables):
            raise DataError(f"{shown(output)} is read by the query", hint="name another table")
    elif scheme_of(output) is None and any(same_file(table, output) for table in tables):
        raise DataError(f"{output} is the database that the query reads", hint="name another file")
