"""A table of SQLite to read, and rows to write into databases."""

import sqlite3
from pathlib import Path

import pyarrow as pa

from falconql.runtime.io import open_sink
from falconql.runtime.io.arrow import SPAN_TYPE

LATE = 3000


def reviews_in(folder: Path) -> str:
    """Return the address of a table without types, of more rows than are looked at first."""
    path = folder / "my reviews.db"
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


def write(address: str, table: pa.Table) -> None:
    """Write a table as a run writes its result."""
    sink = open_sink(address, table.schema)
    for batch in table.to_batches():
        sink.write(batch)
    sink.commit()


def results() -> pa.Table:
    """Return rows of all types that results have."""
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
