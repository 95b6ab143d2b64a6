"""Connections to databases, and what databases say when something is wrong, in the user's terms."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any
from urllib.parse import quote

from falconql.runtime.errors import DataError, FalconQLError
from falconql.runtime.io.address import without_secrets
from falconql.runtime.io.remote.problems import Remote
from falconql.runtime.io.sql.address import Database

_EXTRA = 'pip install "falconql[sql]"'
_LOGIN = "put the password into ~/.pgpass or PGPASSWORD, and look at the name of the user"
OTHER_TYPES = (
    "select values of that type (`number(...)` makes numbers of texts), add &if_exists=replace, or name another table"
)
_ROW_LEFT_OUT = "leave such rows out with `where`, or name another table"
_NO_TABLE = "there is no table {table} in {name}"
_RULES: tuple[tuple[str, str, str | None], ...] = (
    (r"password authentication|no password supplied|role .* does not exist|28P01|28000", "{name}: no login", _LOGIN),
    (r"database .* does not exist|3D000", "{name}: there is no such database", "look at the part after the host"),
    (
        r"invalid (integer|URI|port|percent)|unexpected (spaces|character)|missing .*(key/value|=)|forbidden value",
        "{name}: the address is not one that PostgreSQL reads",
        "write signs such as / ? # @ in a password as %2F %3F %23 %40, or put it into PGPASSWORD",
    ),
    (r"no such table: (?:main\.|temp\.)?(.*\S)", "{name}: there is no table {0}, which {table} uses", None),
    (r"42P01|relation .* does not exist", _NO_TABLE, None),
    (r"3F000|schema .* does not exist", "{name}: there is no such schema", None),
    (
        r"permission denied to create temporary tables",
        "{name}: rows are added by way of a temporary table, and there is no permission to make one",
        "ask who owns the database for TEMPORARY",
    ),
    (r"42501|permission denied|readonly database|25006", "no permission to {verb} {name}", "ask who owns it for it"),
    (
        r'column "(.+)" is of type (.+) but expression is of type (\w+(?: \w+)*)',
        "{name}: `{0}` takes {1} only, and the result has {2} there",
        OTHER_TYPES,
    ),
    (
        r"cannot store (\w+) value in (\w+) column \S*\.(\S+)",
        "{name}: `{2}` takes {1} only, and a row has {0} there",
        OTHER_TYPES,
    ),
    (r"(\w[\w ]* constraint) failed:? ?(.*)", "{name}: a row is against a rule of the table, {0} {1}", _ROW_LEFT_OUT),
    (
        r"ERROR: +(.* out of range|value too long for .*|invalid input (?:syntax|value) for .*)",
        "{name}: a row does not fit: {0}",
        _ROW_LEFT_OUT,
    ),
    (r"violates ([\w-][\w -]* constraint)", "{name}: a row is against a rule of the table, a {0}", _ROW_LEFT_OUT),
    (
        r"has no column|column .* does not exist|42703|datatype_mismatch|42804",
        "{name}: the table has other columns",
        "add &if_exists=replace, or name another table",
    ),
    (
        r"already exists",
        "{name}: the table is there already",
        "add &if_exists=replace or &if_exists=append",
    ),
    (r"database is locked|55P03", "{name} is locked by another program", "try again when that is done"),
    (r"not a database", "{name} is no SQLite database", None),
    (
        r"[Tt]imeout|[Tt]imed out",
        "{name} does not answer in time",
        "look at the network, or try again; connect_timeout=SECONDS can be added to the address",
    ),
    (
        r"refused|could not translate|unreachable|closed the connection|SSL connection|could not receive|reset by peer",
        "the server of {name} cannot be reached",
        "look at host, port and network, and whether the server runs",
    ),
    (r"disk is full|53100|disk I/O", "{name}: the disk is full or broken", "free some space"),
)


def connect(database: Database, *, write: bool = False) -> Any:
    """Return an open connection; for reading, one that the database itself keeps from writing.

    Raises:
        DataError: there is no such database, it does not answer, or the extra is not installed.
    """
    driver = _driver(database)
    with talking(database, "write" if write else "read"):
        if database.kind == "sqlite":
            return _sqlite(driver, database, write)
        connection = driver.connect(database.target)
        try:
            if not write:
                with connection.cursor() as cursor:
                    # Large tables are otherwise read from wherever another reader is.
                    for setting in ("default_transaction_read_only = on", "synchronize_seqscans = off"):
                        cursor.execute(f"SET {setting}")
                    cursor.execute("SET standard_conforming_strings = on")
                connection.commit()
        except BaseException:
            close(connection)
            raise
        return connection


def _sqlite(driver: Any, database: Database, write: bool) -> Any:
    path = database.target
    if not write:
        if not os.path.isfile(path):
            raise DataError(f"there is no file {path}")
        if not os.access(path, os.R_OK):
            raise DataError(f"no permission to read {path}", hint=f"see `ls -l {path}`")
    return driver.connect(f"file:{quote(path)}?mode={'rwc' if write else 'ro'}")


def _driver(database: Database) -> Any:
    try:
        return import_module(f"adbc_driver_{database.kind}.dbapi")
    except ImportError:
        raise DataError(f"{database.name}: databases need an extra that is not installed", hint=_EXTRA) from None


def close(*opened: Any) -> None:
    """Close cursors and connections, whatever state they are in."""
    for one in opened:
        with suppress(Exception):
            one.close()


@contextmanager
def talking(database: Database, verb: str = "read") -> Iterator[None]:
    """Turn what a driver says into a message; what it said itself may hold secrets, and is dropped."""
    problem: Remote | None = None
    try:
        yield
    except FalconQLError:
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _DRIVERS and not isinstance(error, OSError):
            raise
        problem = _explained(error, database, verb)
    if problem is not None:
        # Raised here, it carries nothing of what was raised there.
        raise problem from None


_DRIVERS = ("adbc_driver_manager", "adbc_driver_sqlite", "adbc_driver_postgresql", "pyarrow")


def _explained(error: Exception, database: Database, verb: str) -> Remote:
    said = f"{error} {getattr(error, 'sqlstate', None) or ''}"
    for pattern, meaning, hint in _RULES:
        if found := re.search(pattern, said):
            named = {"name": database.name, "table": database.table, "verb": verb}
            if found.groups() == (database.table,):
                # Dropped after it was opened; nothing uses it.
                meaning = _NO_TABLE
            return Remote(meaning.format(*found.groups(), **named), hint=hint)
    line = without_secrets(str(error).strip().partition("\n")[0], database.location)[:200]
    return Remote(f"cannot {verb} {database.name}: {line}")
