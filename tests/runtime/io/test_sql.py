"""Tables of SQLite as corpora."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import falconql
from falconql.runtime.errors import DataError
from falconql.runtime.expression import And, ColumnRef, Comparison, In, IsNull, Literal, Not, Or
from falconql.runtime.io import open_source
from falconql.runtime.io.fingerprint import fingerprint
from falconql.runtime.io.sql.conditions import Operand, condition
from falconql.runtime.io.stats import sample
from falconql.runtime.types import DATE, FLOAT, INT, TEXT
from tests.runtime.io.reading import refused, rows_of, table_of
from tests.runtime.io.sql import LATE, reviews_in, write

pytest.importorskip("adbc_driver_sqlite")


@pytest.fixture
def reviews(tmp_path: Path) -> str:
    return reviews_in(tmp_path)


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
