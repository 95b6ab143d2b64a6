"""Conditions without model calls mean what they mean in SQL: compared with DuckDB on random ones."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.queries import Run

TABLE = pa.table(
    {
        "id": list(range(48)),
        "a": [None, 0, 1, 2, -3, 7, None, 4] * 6,
        "b": [1, None, 1, 2, 3, None, 0, -1, 5, 2, None, 7] * 4,
        "x": [0.5, None, -1.25, 3.0, 0.0, 2.5] * 8,
        "t": ["apple", "Banana", None, "", "ap", "café", "apple pie", None] * 6,
        "u": ["a", "pp", "apple", None] * 12,
        "p": [True, False, None] * 16,
        "q": [None, None, True, False] * 12,
        "d": [date(2023, 12, 31), date(2024, 1, 1), None, date(2024, 12, 31), date(2025, 1, 1), date(1969, 7, 1)] * 8,
        "moment": [datetime(2023, 12, 31, 23, 59, 59, 999_999), None, datetime(2024, 1, 1), datetime(2024, 12, 31, 12)]
        * 12,
    }
)

numbers = st.one_of(
    st.sampled_from(["a", "b", "x"]),
    st.integers(-3, 7).map(str),
    st.sampled_from(["0.5", "-1.25", "2.5"]),
)
arithmetic = st.recursive(
    numbers,
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(
        lambda t: f"({t[0]} {t[1]} {t[2]})"
    ),
    max_leaves=3,
)
texts = st.sampled_from(["t", "u", "'apple'", "'ap'", "''"])
comparisons = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def pair(query: str, sql: str | None = None) -> tuple[str, str]:
    return query, query if sql is None else sql


leaves = st.one_of(
    st.tuples(arithmetic, comparisons, arithmetic).map(lambda t: pair(f"{t[0]} {t[1]} {t[2]}")),
    st.tuples(texts, comparisons, texts).map(lambda t: pair(f"{t[0]} {t[1]} {t[2]}")),
    st.tuples(texts, texts).map(lambda t: pair(f"{t[0]} contains {t[1]}", f"contains({t[0]}, {t[1]})")),
    st.tuples(texts, texts).map(lambda t: pair(f"{t[0]} starts with {t[1]}", f"starts_with({t[0]}, {t[1]})")),
    st.sampled_from(["ap+", "^b", "e$", "a.*e"]).map(
        lambda r: pair(f"t matches /{r}/i", f"regexp_matches(t, '{r}', 'i')")
    ),
    st.sampled_from(["a", "b", "x", "t", "p"]).map(lambda c: pair(f"{c} is null")),
    st.sampled_from(["a", "b", "x", "t", "p"]).map(lambda c: pair(f"{c} is not null")),
    st.tuples(
        st.sampled_from(["a", "b"]), st.lists(st.sampled_from(["1", "2", "null", "b"]), min_size=1, max_size=3)
    ).map(lambda t: pair(f"{t[0]} in ({', '.join(t[1])})")),
    st.sampled_from([pair("p"), pair("q"), pair("p = q"), pair("true"), pair("false")]),
    st.tuples(st.sampled_from(["d", "moment"]), comparisons, st.integers(2023, 2025)).map(
        lambda t: pair(f"year({t[0]}) {t[1]} {t[2]}")
    ),
    st.tuples(comparisons, st.sampled_from(["d", "moment"])).map(lambda t: pair(f"2024 {t[0]} year({t[1]})")),
    st.sampled_from([pair("month(d) = 12"), pair("day(moment) < 31"), pair("year(d) in (2023, null)")]),
    st.sampled_from([pair("length(t) > 4", "length(t) > 4"), pair("lower(t) = 'banana'")]),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda c: pair(f"not ({c[0]})", f"not ({c[1]})")),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda t: pair(f"({t[0][0]}) {t[1]} ({t[2][0]})", f"({t[0][1]}) {t[1]} ({t[2][1]})")
        ),
    ),
    max_leaves=6,
)


@given(condition=conditions, batch_rows=st.sampled_from([1, 7, 4096]))
@settings(max_examples=250)
def test_a_condition_keeps_the_rows_that_sql_keeps(condition: tuple[str, str], batch_rows: int) -> None:
    query, sql = condition
    corpus = TABLE  # DuckDB finds the table by the name of this variable
    relation = duckdb.sql(f"select id from corpus where {sql} order by id")
    assert relation is not None
    kept = Run(f"where {query} select id", corpus, batch_rows=batch_rows).column("id")
    assert kept == [row[0] for row in relation.fetchall()]
