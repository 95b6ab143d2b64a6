"""Results into tables of SQLite."""

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest

import falconql
from falconql.runtime.errors import DataError
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io.fingerprint import local_files
from falconql.runtime.io.sql import check_not_read, tables_of
from falconql.runtime.io.sql.address import database, same_table
from tests.runtime.io.reading import rows_of
from tests.runtime.io.sql import results, reviews_in, write

pytest.importorskip("adbc_driver_sqlite")


def table_to_append_to(folder: Path, declared: str, named: str = "kept") -> str:
    """Make a table ``kept`` of SQLite, and return the address under which rows are added to it."""
    with sqlite3.connect(folder / "out.db") as connection:
        connection.execute(f"create table kept {declared}")
    connection.close()
    return f"sqlite:///{folder}/out.db?table={named}&if_exists=append"


@pytest.fixture
def reviews(tmp_path: Path) -> str:
    return reviews_in(tmp_path)


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
        ("bare&if_exists=append", ["c"], "needs values for `a`, `b`", "if_exists=replace"),
    ],
)
def test_what_a_table_would_not_take_is_said_before_there_are_rows(
    tmp_path: Path, table: str, columns: list[str], said: str, hint: str
) -> None:
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.executescript(
            "create table kept (id integer primary key, n not null, d not null default 1, twice as (2 * n));"
            "create view seen as select * from kept; create index byn on kept (n);"
            "create table bare (a not null default null, b not null default ( NULL ), c, d not null default 'null')"
        )
    connection.close()
    with pytest.raises(DataError, match=said) as caught:
        open_sink(f"sqlite:///{tmp_path}/out.db?table={table}", pa.schema([(name, pa.int64()) for name in columns]))
    assert hint in (caught.value.hint or "")
    assert [path.name for path in tmp_path.iterdir()] == ["out.db"]


@pytest.mark.parametrize(
    ("declared", "values", "refused"),
    [
        ("int", pa.array(["a"]), "`v` takes INT only, and the result has texts there"),
        ("real", pa.array([["a"]]), "`v` takes REAL only, and the result has texts there"),
        ("blob", pa.array([1]), "`v` takes BLOB only, and the result has numbers there"),
        ("text", pa.array([b"a"]), "`v` takes TEXT only, and the result has blobs there"),
        ("integer", pa.array([2.0]), None),
        ("integer", pa.nulls(1), None),
        ("real", pa.array([True]), None),
        ("text", pa.array([1]), None),
        ("any", pa.array(["a"]), None),
    ],
)
def test_a_strict_table_takes_only_its_types(
    tmp_path: Path, declared: str, values: pa.Array, refused: str | None
) -> None:
    address = table_to_append_to(tmp_path, f"(v {declared}) strict", named="KEPT")
    if refused is None:
        write(address, pa.table({"v": values}))
        assert open_source(address).rows == 1
        return
    with pytest.raises(DataError, match=refused):
        open_sink(address, pa.schema({"v": values.type}))


@pytest.mark.parametrize(
    ("table", "values", "said"),
    [
        ("(v not null)", [None], "a row is against a rule of the table, NOT NULL constraint kept.v"),
        ("(v unique)", [1, 1], "a row is against a rule of the table, UNIQUE constraint kept.v"),
        ("(v check (v < 3))", [5], "a row is against a rule of the table, CHECK constraint v < 3"),
        ("(v int) strict", [1.5], "`v` takes INT only, and a row has REAL there"),
    ],
)
def test_rows_that_are_against_the_rules_of_a_table(tmp_path: Path, table: str, values: list[float], said: str) -> None:
    address = table_to_append_to(tmp_path, table)
    with pytest.raises(DataError, match=said):
        write(address, pa.table({"v": values}))
    assert open_source(address).rows == 0


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
    address = table_to_append_to(tmp_path, table)
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
