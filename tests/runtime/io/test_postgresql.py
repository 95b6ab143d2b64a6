"""A real PostgreSQL, where one is installed."""

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
