"""Rows into a table of PostgreSQL that is there already.

The driver sends values in the form of their own type, whatever the column's is, and eight bytes of a whole number are
some fraction, too. So rows go into a temporary table of their own types first, and the server makes of them what the
columns take, as in any `INSERT`.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from falconql.runtime.io.sql.address import Database, literal, quoted

_ROWS = "falconql_rows"


def rehearse(connection: Any, database: Database, schema: pa.Schema) -> None:
    """Let the server say whether the table takes such rows, by adding none."""
    append(connection, database, pa.RecordBatchReader.from_batches(schema, []))


def append(connection: Any, database: Database, rows: pa.RecordBatchReader) -> None:
    """Add rows to the table; nothing is committed."""
    with connection.cursor() as cursor:
        cursor.adbc_ingest(_ROWS, rows, mode="create", temporary=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attnum > 0 AND atttypid IN ('json'::regtype, 'jsonb'::regtype)"
            f" AND attrelid = to_regclass({literal(database.quoted)})"
        )
        # Lists and structs are JSON as text, which becomes JSON only when it is told to.
        json = {str(name) for (name,) in cursor.fetchall()}
        values = ", ".join(_value(field, json) for field in rows.schema)
        columns = ", ".join(quoted(name) for name in rows.schema.names)
        cursor.execute(f"INSERT INTO {database.quoted} ({columns}) SELECT {values} FROM pg_temp.{quoted(_ROWS)}")


def _value(field: pa.Field, json: set[str]) -> str:
    if pa.types.is_null(field.type):
        return "NULL"
    return quoted(field.name) + ("::text::json" if field.name in json else "")
