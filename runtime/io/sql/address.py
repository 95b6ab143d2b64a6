"""Addresses of tables: ``sqlite:///file.db?table=reviews``, ``postgresql://user@host/db?table=reviews``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal as OneOf
from urllib.parse import parse_qsl, unquote

from falconql.runtime.errors import DataError
from falconql.runtime.io.address import scheme_of, shown, split

Kind = OneOf["sqlite", "postgresql"]
_OURS = ("table", "schema", "if_exists")
_IF_EXISTS = ("fail", "replace", "append")
CONNECT_S = 10


@dataclass(frozen=True, slots=True)
class Database:
    """A table in a database.

    Attributes:
        kind: of the database.
        location: the address as it was given; secret.
        target: what the driver is given: a path, or an address without what is only ours; secret.
        name: what may be shown.
        table: the table's name.
        schema: its schema; None for what the database finds.
        if_exists: what an output does with a table that is there.
    """

    kind: Kind
    location: str = field(repr=False)
    target: str = field(repr=False)
    name: str
    table: str
    schema: str | None = None
    if_exists: str = "fail"

    @property
    def quoted(self) -> str:
        """The table as SQL names it."""
        return quoted(self.table) if self.schema is None else f"{quoted(self.schema)}.{quoted(self.table)}"


def quoted(name: str) -> str:
    """Return a name as SQL reads it literally, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL reads it literally."""
    return "'" + text.replace("'", "''") + "'"


def database(location: str) -> Database:
    """Return what an address of a table says.

    Raises:
        DataError: it names no table, or says what is not understood.
    """
    kind: Kind = "sqlite" if scheme_of(location) == "sqlite" else "postgresql"
    _, _, path, query = split(location)
    name = shown(location)
    said = dict(parse_qsl(query, keep_blank_values=True))
    table = said.get("table", "")
    if not table:
        raise DataError(f"{name} names no table", hint=f"add ?table=NAME: {_example(kind)}")
    if_exists = said.get("if_exists", "fail")
    if if_exists not in _IF_EXISTS:
        raise DataError(f"{name}: if_exists is one of {', '.join(_IF_EXISTS)}")
    schema = said.get("schema")
    if schema is None and kind == "postgresql" and "." in table:
        schema, _, table = table.partition(".")
    if kind == "postgresql":
        return Database(kind, location, _for_driver(location, query), name, table, schema, if_exists)
    for option in said:
        if option not in _OURS:
            raise DataError(f"{name}: SQLite has no such setting", hint=f"known are {', '.join(_OURS)}")
    file = os.path.expanduser(unquote(path.removeprefix("/")))
    if not file:
        raise DataError(f"{name} names no file", hint=f"for example {_example(kind)}")
    return Database(kind, location, file, name, table, schema, if_exists)


def same_table(one: Database, other: Database) -> bool:
    """Return whether two addresses name one table, as far as they tell."""
    if one.kind == other.kind == "sqlite":
        return same_file(one, other.target) and one.table.lower() == other.table.lower()
    return one.kind == other.kind and _in_server(one) == _in_server(other)


def same_file(database: Database, path: str) -> bool:
    """Return whether a database is this file."""
    try:
        return database.kind == "sqlite" and os.path.samefile(database.target, path)
    except (OSError, ValueError):
        return False


def _in_server(database: Database) -> tuple[str, ...]:
    """Return what names a table of a server, whoever logs in."""
    user, host, path, _ = split(database.location)
    named = unquote(path.strip("/")) or unquote(user.partition(":")[0])
    return host.lower().removesuffix(":5432"), named, database.schema or "public", database.table


def _example(kind: Kind) -> str:
    return "sqlite:///file.db?table=reviews" if kind == "sqlite" else "postgresql://user@host/db?table=reviews"


def _for_driver(location: str, query: str) -> str:
    whole, _, _ = location.partition("://")[2].partition("?")
    kept = [part for part in query.split("&") if part and part.partition("=")[0] not in _OURS]
    if not any(part.startswith("connect_timeout=") for part in kept):
        kept.append(f"connect_timeout={CONNECT_S}")
    return f"postgresql://{whole}?{'&'.join(kept)}"
