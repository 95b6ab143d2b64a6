"""A real PostgreSQL, where one is installed."""

import datetime as dt
import os
import shutil
import subprocess
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import falconql
from falconql.runtime.cluster.parts import parts_of
from falconql.runtime.context import ExecContext
from falconql.runtime.errors import DataError
from falconql.runtime.executor import execute_to_table
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io.fingerprint import fingerprint
from falconql.runtime.io.sql.address import database
from tests.fakes import FakeProxy
from tests.runtime.cluster.pools import run_to_table
from tests.runtime.io.reading import refused, rows_of, table_of
from tests.runtime.io.sql import results, write
from tests.runtime.queries import plan

INSTALLED = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))]
POSTGRES = INSTALLED[-1] if INSTALLED else shutil.which("postgres")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("adbc_driver_postgresql")
    if POSTGRES is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(POSTGRES).parent
    home = tmp_path_factory.mktemp("pg")
    person: dict[str, Any] = {}
    if os.getuid() == 0:
        # PostgreSQL refuses to run as root.
        import pwd

        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("there is no user postgres")
        person = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        import tempfile

        home = Path(tempfile.mkdtemp(prefix="fql-pg-"))
        os.chown(home, user.pw_uid, user.pw_gid)
    password = home / "password"
    password.write_text("planted-password")
    password.chmod(0o644)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **person)

    data = str(home / "data")
    run(str(folder / "initdb"), "-D", data, "-U", "me", "-A", "scram-sha-256", f"--pwfile={password}", "--no-sync")
    port = _free_port()
    control = [str(folder / "pg_ctl"), "-D", data, "-w"]
    run(*control, "-o", f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off", "-l", "log", "start")
    try:
        yield f"postgresql://me:planted-password@127.0.0.1:{port}/postgres"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def execute(server: str, *statements: str) -> None:
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(server) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def test_a_server_is_read_by_one_machine_of_a_cluster(server: str) -> None:
    execute(
        server,
        "create table rows (n int, text text)",
        "insert into rows select i, 'Row ' || i from generate_series(1, 300) i",
    )
    source = open_source(f"{server}?table=rows")
    (part,) = parts_of(source, ["n"], None)
    assert not part.anywhere
    assert "planted" not in repr(part)
    made = plan('where label("random 1") and n > 20 select n', source.schema)
    expected = execute_to_table(made, ExecContext(source, FakeProxy()))
    assert 0 < expected.num_rows < 280
    assert run_to_table(made, ExecContext(source, FakeProxy(), batch_rows=37)) == expected


def test_types_of_postgresql(server: str) -> None:
    execute(
        server,
        "create type mood as enum ('glad', 'sad')",
        "create table kinds (i int, n numeric, t text, c char(4), v varchar, b bool, d date, ts timestamp,"
        " tz timestamptz, u uuid, j jsonb, l text[], m mood, f real)",
        "insert into kinds values (1, 4.5, 'it''s', 'c', 'v', true, '2024-01-02', '2024-01-02 03:04',"
        " '2024-01-02 03:04+01', '00000000-0000-0000-0000-000000000001', '{}', '{x}', 'glad', 'NaN')",
        "insert into kinds (i) values (null)",
    )
    source = open_source(f"{server}?table=kinds")
    assert [str(field.type) for field in source.schema][:5] == ["int32", "double", "string", "string", "string"]
    held = table_of(source)
    row = held.to_pylist()[0]
    assert (row["n"], row["m"], row["l"], row["u"]) == (4.5, "glad", ["x"], "00000000-0000-0000-0000-000000000001")
    for where, rows in (
        ('n > 4 and n < 5 and v != "w"', 1),
        ('t = "it\'s"', 1),
        ('c = "c"', 0),
        ("not b", 0),
        ('d >= "2024-01-02"', 1),
        ('ts < "2024-01-03"', 1),
        ('tz < "2024-01-03"', 1),
        ("f > 1", 0),
        ('i in (1, 2) or t = "x"', 1),
    ):
        query = falconql.query(f"where {where} select i")
        assert len(query.run(f"{server}?table=kinds")) == rows, where
        assert len(query.run(held)) == rows, where
    assert fingerprint(source) is None


def test_results_go_to_postgresql(server: str) -> None:
    write(f"{server}?table=public.results", results())
    with pytest.raises(DataError, match="is there already"):
        write(f"{server}?table=results", results())
    write(f"{server}?table=results&if_exists=replace", results())
    assert rows_of(open_source(f"{server}?table=results"))[0]["s"] == "good"
    write(f"{server}?table=results&if_exists=append", results().select(["n", "t"]))
    assert len(rows_of(open_source(f"{server}?table=results"))) == 4
    with pytest.raises(DataError, match="takes no values for `N`"):
        open_sink(f"{server}?table=results&if_exists=append", pa.schema({"N": pa.int64()}))


@pytest.mark.parametrize(
    ("declared", "values", "kept"),
    [
        ("float8", pa.array([5, None]), ["5", None]),
        ("float4", pa.array([1.5]), ["1.5"]),
        ("int2", pa.array([7]), ["7"]),
        ("int8", pa.array([3.0]), ["3"]),
        ("numeric", pa.array([1.25]), ["1.25"]),
        ("text", pa.array([True]), ["true"]),
        ("timestamp", pa.array([dt.date(2020, 1, 2)]), ["2020-01-02 00:00:00"]),
        ("jsonb", pa.array([["a", "b"], None]), ['["a", "b"]', None]),
        ("int4", pa.nulls(1), [None]),
        ("mood", pa.array(["glad", None]), ["glad", None]),
        ("uuid", pa.array(["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]), ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
        ("xml", pa.array(["<a/>"]), ["<a/>"]),
        ("object", pa.array(["[1]"]), ["[1]"]),
        ("jsonb", pa.array([dt.date(2020, 1, 2)]), ['"2020-01-02"']),
    ],
)
def test_values_become_what_a_column_takes(
    server: str, declared: str, values: pa.Array, kept: list[str | None]
) -> None:
    execute(server, "drop type if exists mood cascade", "create type mood as enum ('glad')")
    execute(server, "drop domain if exists object cascade", "create domain object as jsonb")
    execute(server, "drop table if exists taking", f"create table taking (v {declared}, d int default 1)")
    write(f"{server}?table=taking&if_exists=append", pa.table({"v": values}))
    execute(server, "drop view if exists took", "create view took as select v::text as t, d from taking")
    assert rows_of(open_source(f"{server}?table=took")) == [{"t": value, "d": 1} for value in kept]
    execute(server, "drop view took")


@pytest.mark.parametrize(
    ("declared", "type_", "said"),
    [
        ("v int4", pa.string(), "`v` takes integer only, and the result has text there"),
        ("v timestamp", pa.int64(), "`v` takes timestamp without time zone only, and the result has bigint there"),
        ("v int8, n int not null", pa.int64(), "needs values for `n`"),
        ("v int8, n filled", pa.int64(), "needs values for `n`"),
        ("v int8 generated always as identity", pa.int64(), "takes no values for `v`"),
        ("n int, v int8 generated always as (n + 1) stored", pa.int64(), "takes no values for `v`"),
    ],
)
def test_what_a_table_would_not_take_is_said_before_there_are_rows(
    server: str, declared: str, type_: pa.DataType, said: str
) -> None:
    execute(server, "drop domain if exists filled cascade", "create domain filled as int not null")
    execute(server, "drop table if exists refusing", f"create table refusing ({declared})")
    with pytest.raises(DataError, match=said):
        open_sink(f"{server}?table=refusing&if_exists=append", pa.schema({"v": type_}))


@pytest.mark.parametrize(
    ("declared", "values", "said"),
    [
        ("int4", pa.array([1, 2**40]), "a row does not fit: integer out of range"),
        ("varchar(3)", pa.array(["abcd"]), "a row does not fit: value too long"),
        ("int8 unique", pa.array([1, 1]), "against a rule of the table, a unique constraint"),
    ],
)
def test_rows_that_do_not_fit_leave_a_table_as_it_was(server: str, declared: str, values: pa.Array, said: str) -> None:
    execute(server, "drop table if exists narrow", f"create table narrow (v {declared})")
    with pytest.raises(DataError, match=said):
        write(f"{server}?table=narrow&if_exists=append", pa.table({"v": values}))
    assert rows_of(open_source(f"{server}?table=narrow")) == []


@pytest.mark.parametrize("declared", ["timestamptz", "timestamp", "text"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_times_are_those_of_utc_whatever_the_zone_of_the_server(server: str, declared: str, zone: str | None) -> None:
    execute(server, "drop table if exists timed", f"create table timed (v {declared}, d timestamptz)")
    days = pa.array([dt.date(2020, 1, 2)])
    times = pa.array([dt.datetime(2020, 1, 2, 3, 4, 5)], pa.timestamp("us", zone))
    execute(server, "alter database postgres set timezone = 'America/New_York'")
    try:
        write(f"{server}?table=timed&if_exists=append", pa.table({"v": times, "d": days}))
    finally:
        execute(server, "alter database postgres reset timezone")
    execute(server, "set timezone = 'UTC'", "alter table timed alter v type text, alter d type text")
    rows = rows_of(open_source(f"{server}?table=timed"))
    assert [(str(row["v"]).removesuffix("+00"), row["d"]) for row in rows] == [
        ("2020-01-02 03:04:05", "2020-01-02 00:00:00+00")
    ]


def test_no_name_of_a_table_is_in_the_way_of_the_temporary_one(server: str) -> None:
    execute(server, "drop table if exists falconql_rows", "create table falconql_rows (v float8)")
    write(f"{server}?table=falconql_rows&if_exists=append", pa.table({"v": [5]}))
    assert rows_of(open_source(f"{server}?table=falconql_rows")) == [{"v": 5.0}]


def test_who_may_make_no_temporary_table_is_told_so(server: str) -> None:
    execute(server, "drop table if exists taken", "create table taken (v int)")
    execute(server, "create role adder login password 'planted-password'", "grant insert on taken to adder")
    execute(server, "revoke temporary on database postgres from public")
    try:
        with pytest.raises(DataError, match="no permission to make one"):
            open_sink(f"{server.replace('me:', 'adder:')}?table=taken&if_exists=append", pa.schema({"v": pa.int64()}))
    finally:
        execute(server, "grant temporary on database postgres to public")


def test_a_connection_for_reading_cannot_write(server: str) -> None:
    from falconql.runtime.io.sql.connection import connect, talking

    execute(server, "create table kept (a int)", "insert into kept values (1)")
    where = database(f"{server}?table=kept")
    with (
        pytest.raises(DataError, match="no permission"),
        connect(where) as connection,
        connection.cursor() as cursor,
        talking(where),
    ):
        cursor.execute("delete from kept")
    assert len(rows_of(open_source(f"{server}?table=kept"))) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("me:planted-password", "me:planted-wrong"), "no login"),
        (("/postgres", "/planned"), "no such database"),
        (("127.0.0.1:", "127.0.0.1:9"), "not one that|reached"),
        (("planted-password", "plan/ted?#pass"), "cannot|not one that"),
        (("?table=kept", "?table=other"), "there is no table other"),
    ],
)
def test_no_password_is_said(server: str, change: tuple[str, str], said: str) -> None:
    address = f"{server}?table=kept".replace(*change)
    with pytest.raises(DataError, match=said) as caught:
        open_source(address)
    whole = "".join(traceback.format_exception(caught.value)) + str(caught.value.hint)
    assert "planted" not in whole
    assert "plan/" not in whole


def test_nobody_listens() -> None:
    pytest.importorskip("adbc_driver_postgresql")
    refused(
        "postgresql://me:planted@127.0.0.1:1/x?table=t", "me:***@127.0.0.1:1/x?table=t cannot be reached", hint="port"
    )
