"""Tables in databases, through ADBC: read as Arrow batches, written in one transaction."""

from __future__ import annotations

from falconql.runtime.io.base import TableSource

__all__ = ["sql_source"]


def sql_source(location: str) -> TableSource:
    """Open the table that an address such as ``sqlite:///file.db?table=reviews`` names.

    Raises:
        DataError: there is no such table, the database cannot be reached, or the extra is not installed.
    """
    from falconql.runtime.io.sql.address import database
    from falconql.runtime.io.sql.source import SqlSource

    return SqlSource(database(location))
