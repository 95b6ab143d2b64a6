from __future__ import annotations

import os
import random
import shutil
import sqlite3
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
from falconql.runtime.expression import And, ColumnRef, Comparison, In, IsNull, Literal, Not, Or
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io.arrow import SPAN_TYPE
from falconql.runtime.io.fingerprint import fingerprint, local_files
from falconql.runtime.io.sql import check_not_read, tables_of
from falconql.runtime.io.sql.address import database, same_table
from falconql.runtime.io.sql.conditions import Operand, condition
from falconql.runtime.io.stats import sample
from falconql.runtime.types import DATE, FLOAT, INT, TEXT
from tests.fakes import FakeProxy
from tests.runtime.cluster.pools import run_to_table
from tests.runtime.io.reading import refused, rows_of, table_of
from tests.runtime.queries import plan

pytest.importorskip("adbc_driver_sqlite")

LATE = 3000


@pytest.fixture
def reviews(tmp_path: Path) -> str:
    path = tmp_path / "my reviews.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            'create table reviews (id integer primary key, "te""xt" text, stars, price, mixed, late, bytes)'
        )
        rows = [
            (f"it's {i}", i % 5, i / 2 if i % 2 else i, "x" if i == 7 else i, None if i < LATE else "late", b"\xff")
            for i in range(LATE + 10)
        ]
        connection.executemany(
            'insert into reviews ("te""xt", stars, price, mixed, late, bytes) values (?, ?, ?, ?, ?, ?)', rows
        )
        connection.execute("create index covering on reviews (stars)")
        connection.execute("create table empty (a text)")
    connection.close()
    return f"sqlite:///{path}?table=reviews"


def test_every_value_of_a_table_without_types(reviews: str) -> None:
    source = open_source(reviews)
    assert [str(field.type) for field in source.schema] == [
        "int64", "string", "int64", "double", "string", "string", "binary"
    ]  # fmt: skip
    assert source.rows == LATE + 10
    table = table_of(source)
    assert table["late"].null_count == LATE
    assert table["mixed"].to_pylist()[6:9] == ["6", "x", "8"]
    assert table["price"].to_pylist()[:3] == [0.0, 0.5, 2.0]
    assert table["stars"].to_pylist()[:6] == [0, 1, 2, 3, 4, 0]


def test_rows_come_in_the_order_of_the_table_whatever_is_selected(reviews: str) -> None:
    assert table_of(open_source(reviews), ["stars"])["stars"].to_pylist()[:6] == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize("table", ["reviews", "REVIEWS", "seen", "SEEN"])
@pytest.mark.parametrize("where", ["stars > 0", "id = 9 or id < 3"])
def test_conditions_leave_the_rows_in_their_order(reviews: str, table: str, where: str) -> None:
    with sqlite3.connect(reviews.removeprefix("sqlite:///").partition("?")[0]) as connection:
        connection.execute("create view seen as select * from reviews")
    connection.close()
    address = reviews.replace("=reviews", f"={table}")
    query = falconql.query(f"where {where} select id, stars, mixed limit 3")
    for order in ("cost", "written"):
        found = query.run(address, order=order).to_arrow()
        assert found["id"].to_pylist() == ([2, 3, 4] if "stars" in where else [1, 2, 9])


def test_conditions_leave_the_rows_of_a_join_in_their_order(tmp_path: Path) -> None:
    chance = random.Random(2)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.executescript(
            "create table a (id integer primary key, k, s); create table b (id integer primary key, k, x);"
            "create index ak on a (k); create index bk on b (k);"
            "create view j as select a.id, a.s, b.x, b.id as bid from a join b on a.k = b.k"
        )
        for table in "ab":
            rows = [(i, chance.randrange(200), chance.randrange(9)) for i in range(500)]
            connection.executemany(f"insert into {table} values (?, ?, ?)", rows)
        connection.execute("analyze")
    connection.close()
    address = f"sqlite:///{tmp_path}/a.db?table=j"
    every = falconql.query("select id, s, x, bid").run(address).to_arrow().to_pylist()
    found = falconql.query("where x = 3 select id, s, x, bid").run(address).to_arrow().to_pylist()
    assert found == [row for row in every if row["x"] == 3]


def test_columns_that_a_module_hides(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create virtual table docs using fts5(title, body)")
        connection.execute("insert into docs values ('a', 'b')")
        connection.execute("create table sums (n integer, twice generated always as (2 * n), s as (n) stored)")
        connection.execute("insert into sums (n) values (2)")
    connection.close()
    assert rows_of(open_source(f"sqlite:///{tmp_path}/a.db?table=docs")) == [{"title": "a", "body": "b"}]
    assert rows_of(open_source(f"sqlite:///{tmp_path}/a.db?table=sums")) == [{"n": 2, "twice": 4, "s": 2}]


def test_a_view_of_a_table_that_is_gone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create view vw as select id, x from nope")
    connection.close()
    refused(f"sqlite:///{tmp_path}/a.db?table=vw", "there is no table nope, which vw uses")


def test_a_table_that_is_dropped_after_it_was_opened(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/a.db?table=gone"
    write(address, pa.table({"n": [1]}))
    source = open_source(address)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("drop table gone")
    connection.close()
    with pytest.raises(DataError) as caught:
        rows_of(source)
    assert caught.value.message == f"there is no table gone in {source.name}"
    refused(f"{address}&schema=temp", "there is no table gone in")


@pytest.mark.parametrize(
    "where",
    [
        "stars = 3",
        "stars in (1, 2) and price < 50",
        "price >= 10.5 or stars != 0",
        '`te"xt` = "it\'s 8"',
        '`te"xt` != "it\'s 8" and late is null',
        "late is not null",
        'mixed = "x"',
        'mixed in ("x", "9")',
        "stars > 1 and length(late) > 2",
        "stars = 3 and stars = 4",
    ],
)
def test_conditions_give_the_rows_that_they_give_without_pushing_down(reviews: str, where: str) -> None:
    query = falconql.query(f"where {where} select id")
    expected = query.run(table_of(open_source(reviews))).to_arrow()
    assert query.run(reviews).to_arrow().equals(expected)
    counted = falconql.query(f"where {where} select count()").run(reviews).to_arrow()
    assert counted.column(0).to_pylist() == [expected.num_rows]


def test_conditions_are_decided_by_the_database(reviews: str) -> None:
    query = falconql.query('where stars = 3 and `te"xt` != "x" select id').plan(reviews)
    scan: Any = query.root
    while not hasattr(scan, "filter"):
        scan = scan.input
    found = sum(batch.num_rows for batch in open_source(reviews).batches(["id"], scan.filter, batch_rows=100))
    assert found == (LATE + 10) // 5


def test_constants_of_a_query_cannot_become_sql() -> None:
    columns = {"t": Operand('"t"', "text", " COLLATE BINARY"), "n": Operand('"n"', "int"), "f": Operand('"f"', "float")}

    def text(value: str) -> Comparison:
        return Comparison("=", ColumnRef("t", TEXT), Literal(value, TEXT))

    assert condition(text("it's"), columns) == "\"t\" COLLATE BINARY = 'it''s'"
    for odd in ("back\\slash", "zero\0", "new\nline", "x" * 300):
        assert condition(text(odd), columns) is None
    assert condition(Or((text("a"), text("\\"))), columns) is None
    assert condition(And((text("\\"), text("a"))), columns) == "\"t\" COLLATE BINARY = 'a'"
    assert condition(Comparison("<", ColumnRef("t", TEXT), Literal("a", TEXT)), columns) is None
    assert condition(Comparison("<", Literal(1 << 70, INT), ColumnRef("n", INT)), columns) is None
    assert condition(Comparison("<", ColumnRef("f", FLOAT), Literal(float("inf"), FLOAT)), columns) is None
    assert condition(In(ColumnRef("n", INT), (Literal(1, INT), Literal(None, INT))), columns) is None
    assert condition(Comparison("<", Literal(1, INT), ColumnRef("n", INT)), columns) == '"n" > 1'


def test_a_database_does_not_decide_whether_a_value_is_read_as_null() -> None:
    columns = {"n": Operand('"n"', "int"), "f": Operand('"f"', "float"), "d": Operand('"d"', "date")}
    assert condition(IsNull(ColumnRef("n", INT)), columns) == '"n" IS NULL'
    assert condition(IsNull(ColumnRef("f", FLOAT)), columns) is None
    # `infinity` has no date here.
    assert condition(IsNull(ColumnRef("d", DATE)), columns) is None
    assert condition(Not(IsNull(ColumnRef("d", DATE))), columns) == '"d" IS NOT NULL'


def write(address: str, table: pa.Table) -> None:
    sink = open_sink(address, table.schema)
    for batch in table.to_batches():
        sink.write(batch)
    sink.commit()


def results() -> pa.Table:
    span = {"text": "good", "start": 0, "end": 4, "score": 0.5}
    return pa.table(
        {
            "n": [1, None],
            "b": [True, False],
            "t": ["it's", None],
            "f": [1.5, None],
            "s": pa.array([span, None], SPAN_TYPE),
            "l": [["a"], []],
            "d": pa.array([1, None], pa.date32()),
        }
    )


def test_results_become_a_table(reviews: str, tmp_path: Path) -> None:
    out = f"sqlite:///{tmp_path}/out.db?table=o%22ut"
    write(out, results())
    assert rows_of(open_source(out))[0] == {
        "n": 1, "b": 1, "t": "it's", "f": 1.5, "s": "good", "l": '["a"]', "d": "1970-01-02"
    }  # fmt: skip
    with pytest.raises(DataError, match="is there already"):
        write(out, results())
    write(f"{out}&if_exists=append", results())
    assert open_source(out).rows == 4
    write(f"{out}&if_exists=replace", results().select(["n"]))
    assert open_source(out).schema.names == ["n"]
    with pytest.raises(DataError, match="other columns"):
        write(f"{out}&if_exists=append", results())
    assert open_source(out).rows == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my reviews.db", "out.db"]


def test_rows_go_into_a_table_that_is_named_in_another_case(tmp_path: Path) -> None:
    out = f"sqlite:///{tmp_path}/out.db?table="
    write(f"{out}Rows", pa.table({"n": [1]}))
    with pytest.raises(DataError, match="is there already"):
        open_sink(f"{out}ROWS", pa.schema({"n": pa.int64()}))
    write(f"{out}rows&if_exists=append", pa.table({"N": [2]}))
    assert rows_of(open_source(f"{out}Rows")) == [{"n": 1}, {"n": 2}]
    write(f"{out}rows&if_exists=replace", pa.table({"m": [3]}))
    assert rows_of(open_source(f"{out}Rows")) == [{"m": 3}]


@pytest.mark.parametrize(
    ("table", "columns", "said", "hint"),
    [
        ("new&schema=main", ["id"], "do not go into a schema", "leave &schema= out"),
        ("new", ["ID", "id"], "columns `ID` and `id` apart", "another name"),
        ("Sqlite_new", ["id"], "SQLite's own", "another table"),
        ("seen", ["id"], "seen is a view", "another table"),
        ("seen&if_exists=append", ["id"], "seen is a view", "another table"),
        ("seen&if_exists=replace", ["id"], "seen is a view", "another table"),
        ("byn", ["id"], "byn is an index", "another table"),
        ("kept&if_exists=append", ["id", "other"], "takes no values for `other`", "if_exists=replace"),
        ("kept&if_exists=append", ["N", "twice"], "takes no values for `twice`", "if_exists=replace"),
        ("kept&if_exists=append", ["id", "d"], "needs values for `n`", "if_exists=replace"),
    ],
)
def test_what_a_table_would_not_take_is_said_before_there_are_rows(
    tmp_path: Path, table: str, columns: list[str], said: str, hint: str
) -> None:
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.executescript(
            "create table kept (id integer primary key, n not null, d not null default 1, twice as (2 * n));"
            "create view seen as select * from kept; create index byn on kept (n)"
        )
    connection.close()
    with pytest.raises(DataError, match=said) as caught:
        open_sink(f"sqlite:///{tmp_path}/out.db?table={table}", pa.schema([(name, pa.int64()) for name in columns]))
    assert hint in (caught.value.hint or "")
    assert [path.name for path in tmp_path.iterdir()] == ["out.db"]


@pytest.mark.parametrize(
    ("table", "needed"),
    [
        ("(id integer primary key not null, n)", None),
        ("(id text primary key, n)", None),
        ("(id text primary key not null, n)", "`id`"),
        ("(id int primary key not null, n)", "`id`"),
        ("(id integer primary key desc not null, n)", "`id`"),
        ("(id text primary key, n) without rowid", "`id`"),
        ("(id integer primary key, n) without rowid", "`id`"),
        ("(a text not null, b text not null, n, primary key (a, b))", "`a`, `b`"),
    ],
)
def test_only_a_primary_key_that_numbers_the_rows_may_be_missing(
    tmp_path: Path, table: str, needed: str | None
) -> None:
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.execute(f"create table kept {table}")
    connection.close()
    address = f"sqlite:///{tmp_path}/out.db?table=kept&if_exists=append"
    if needed is None:
        write(address, pa.table({"n": [1]}))
        return
    with pytest.raises(DataError, match=f"needs values for {needed}"):
        open_sink(address, pa.schema({"n": pa.int64()}))


def test_names_of_triggers_and_letters_beyond_ascii_are_free(tmp_path: Path) -> None:
    out = f"sqlite:///{tmp_path}/out.db?table="
    write(f"{out}a", pa.table({"\u00e9": [1], "\u00c9": [2]}))
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.execute("create trigger t after insert on a begin select 1; end")
    connection.close()
    write(f"{out}t", pa.table({"n": [1]}))
    assert open_source(f"{out}a").schema.names == ["\u00e9", "\u00c9"]


def test_a_result_goes_into_the_database_that_it_comes_from(reviews: str) -> None:
    run = falconql.query("where stars = 3 select id limit 5").start(reviews)
    sink = open_sink(reviews.replace("=reviews", "=found"), run.schema)
    for batch in run.batches():
        sink.write(batch)
    sink.commit()
    assert open_source(reviews.replace("=reviews", "=found")).rows == 5


def test_a_table_that_is_read_is_not_written_into(reviews: str, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to("my reviews.db")
    read = tables_of(open_source(reviews))
    for output in (
        f"{reviews}&if_exists=append",
        reviews.replace("=reviews", "=REVIEWS&if_exists=replace"),
        f"sqlite:///{tmp_path}/link.db?table=reviews",
        str(tmp_path / "link.db"),
    ):
        with pytest.raises(DataError, match=r"query reads|read by the query"):
            check_not_read(output, read)
    for output in (
        reviews.replace("=reviews", "=found"),
        reviews.replace("my reviews", "other"),
        "rows.csv",
        "s3://b/k",
    ):
        check_not_read(output, read)
        check_not_read(reviews, tables_of(open_source(pa.table({"a": [1]}))))
    assert local_files(open_source(reviews)) == [str(tmp_path / "my reviews.db")]


@pytest.mark.parametrize(
    ("output", "same"),
    [
        ("postgres://you:secret@Host:5432/shop?table=public.rows&if_exists=append", True),
        ("postgresql://host/shop?table=rows&sslmode=require", True),
        ("postgresql://host/shop?table=Rows", False),
        ("postgresql://host/shop?table=mine.rows", False),
        ("postgresql://host:5433/shop?table=rows", False),
        ("postgresql://host/other?table=rows", False),
        ("sqlite:///shop?table=rows", False),
    ],
)
def test_tables_of_a_server_are_the_same_whoever_logs_in(output: str, same: bool) -> None:
    assert same_table(database("postgresql://me@host/shop?table=rows"), database(output)) == same


def test_what_is_missing(reviews: str, tmp_path: Path) -> None:
    refused(reviews.replace("my reviews", "my review"), "there is no file")
    refused(reviews.replace("=reviews", "=review"), "there is no table review", hint="reviews")
    refused(reviews.partition("?")[0], "names no table", hint="?table=")
    refused(f"{reviews}&mode=planted", "no such setting")
    (tmp_path / "no.db").write_text("this is no database at all, but a text")
    refused(f"sqlite:///{tmp_path}/no.db?table=x", "is no SQLite database")
    refused(reviews.partition("?")[0].removeprefix("sqlite:///"), "SQLite database", hint="sqlite:///")
    assert rows_of(open_source(reviews.replace("=reviews", "=empty"))) == []


def test_text_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "latin.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table reviews (id integer, name text)")
        connection.execute("insert into reviews values (1, 'Zoé'), (2, cast(x'636166e9' as text))")
    connection.close()
    address = f"sqlite:///{path}?table=reviews"
    refused(address, "latin.db", "the column `name` has text that is not UTF-8", hint="UTF-8")
    assert rows_of(open_source(address), ["id"]) == [{"id": 1}, {"id": 2}]
    with pytest.raises(DataError, match="not UTF-8"):
        sample(open_source(address), ["name"], 2)


def test_a_database_that_changes_has_another_fingerprint(reviews: str) -> None:
    first = fingerprint(open_source(reviews))
    assert first is not None
    with sqlite3.connect(reviews.removeprefix("sqlite:///").partition("?")[0]) as connection:
        connection.execute("insert into reviews (stars) values (9)")
    connection.close()
    assert fingerprint(open_source(reviews)) != first


def test_without_the_extra(reviews: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "adbc_driver_sqlite.dbapi", None)
    refused(reviews, "not installed", hint='pip install "falconql[sql]"')


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
