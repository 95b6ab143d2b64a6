"""Rows into a table of PostgreSQL that is there already.

The driver sends values in the form of their own type, whatever the column's is, and eight bytes of a whole number are
some fraction, too. So rows go into a temporary table of their own types first, and the server makes of them what the
columns take, as in any `INSERT`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from falconql.runtime.io.sql.address import Database, literal, quoted

# What PostgreSQL puts enumerations, addresses of networks, and json, uuid and others into.
_WRITTEN_AS_TEXT = ("E", "I", "U")


@dataclass(frozen=True, slots=True)
class _Column:
    """What a column takes.

    Attributes:
        type: as it was declared.
        base: the same, or what a domain is made of.
        category: the kind of type that PostgreSQL counts it to.
    """

    type: str
    base: str
    category: str


def rehearse(connection: Any, database: Database, schema: pa.Schema) -> None:
    """Let the server say whether the table takes such rows, by adding none."""
    append(connection, database, pa.RecordBatchReader.from_batches(schema, []))


def append(connection: Any, database: Database, rows: pa.RecordBatchReader) -> None:
    """Add rows to the table; nothing is committed."""
    # A temporary table hides any other of its name, be it this one or one that a trigger writes to.
    name = f"falconql_{secrets.token_hex(8)}"
    with connection.cursor() as cursor:
        cursor.adbc_ingest(name, rows, mode="create", temporary=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname::text, format_type(atttypid, atttypmod),"
            " format_type(coalesce(nullif(typbasetype, 0), t.oid), NULL), typcategory::text"
            " FROM pg_attribute JOIN pg_type t ON t.oid = atttypid"
            f" WHERE attnum > 0 AND attrelid = to_regclass({literal(database.quoted)})"
        )
        taken = {found: _Column(*column) for found, *column in cursor.fetchall()}
        values = ", ".join(_value(field, taken) for field in rows.schema)
        columns = ", ".join(quoted(field) for field in rows.schema.names)
        cursor.execute(f"INSERT INTO {database.quoted} ({columns}) SELECT {values} FROM pg_temp.{quoted(name)}")


def _value(field: pa.Field, taken: Mapping[str, _Column]) -> str:
    """Return what is inserted for a field: itself, where the server needs to be told nothing."""
    name, kinds = quoted(field.name), pa.types
    if kinds.is_null(field.type):
        return "NULL"
    if (column := taken.get(field.name)) is None:
        return name
    if kinds.is_string(field.type):
        as_text = column.category in _WRITTEN_AS_TEXT and column.base != "bytea"
        return f"{name}::{column.type}" if as_text else name
    if column.base in ("json", "jsonb"):
        return f"to_json({name})"
    if kinds.is_date(field.type) or kinds.is_timestamp(field.type):
        # Times without a zone are UTC, and not of the zone that a session happens to have.
        zoned, takes_zoned = getattr(field.type, "tz", None) is not None, column.base == "timestamp with time zone"
        if zoned != takes_zoned:
            return f"{name} AT TIME ZONE 'UTC'" if zoned else f"{name}::timestamp AT TIME ZONE 'UTC'"
    return name
