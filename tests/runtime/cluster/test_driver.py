"""The same rows as on one machine, whatever the query and however the work is shared out."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falconql.check.typed import TypedQuery
from falconql.plan.planner import plan_query
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import execute_to_table
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.plan import Plan
from tests.fakes import FakeProxy
from tests.plan.trees import TABLE, queries
from tests.runtime.cluster.pools import HerePool, run_to_table
from tests.runtime.queries import plan

BODIES = ["Ann and Bob met in Rome", "nothing here", "", None, "Carla sells Apples to Ann", "has x y"]
ROWS = 3000
CORPUS = pa.table(
    {
        "id": pa.array(range(ROWS)),
        "body": pa.array([BODIES[i * 7 % len(BODIES)] if i % 3 else f"Row {i} of Tests" for i in range(ROWS)]),
        "brand": pa.array([["Acme", "Bolt", None, "Cog"][i * 5 % 4] for i in range(ROWS)]),
        "stars": pa.array([None if i % 11 == 0 else i % 6 for i in range(ROWS)], type=pa.int32()),
        "price": pa.array([float("nan") if i % 101 == 0 else i % 97 / 4 for i in range(ROWS)]),
    }
)
PER_ROW = [
    "where stars >= 3 select id, body, stars",
    'where label("has Ann") or stars = 1 select *',
    'where label("random 1") and label("random 2", threshold: 0.3) select id, names: spans("re: [A-Z][a-z]+")',
    'each n in spans("names") where n != "Ann" select id, n, sure: score(n), rome: label("has {n}")',
    'select id, best: span("re: [A-Z][a-z]+"), c: choose("which", "Ann", "Row")',
    "select one: 1",
    "where stars > 100 select id",
]
ORDERED = [
    "select id, stars order by stars desc, price",
    "select id order by stars, id desc limit 7",
    "select id, brand, stars order by stars desc",
    'where stars > 1 select id, happy: score(label("random 3")) order by happy limit 20',
    'where label("random 3") select id, s: span("re: [A-Z][a-z]+") order by score(label("random 4")) desc limit 50',
    'where label("random 3") select id, n: spans("re: [A-Z][a-z]+") order by brand',
    "where stars = 99 select id order by id",
    'let sure = score(label("random 4")) where sure > 0.5 select id, sure order by sure limit 5',
]
GROUPED = [
    "select n: count(), stars: sum(stars), least: min(price), most: max(brand), few: share(stars > 2)",
    "group by brand select brand, n: count(), known: count(stars), all: collect(id)",
    'group by brand, stars select brand, stars, happy: share(label("random 1")) order by happy desc limit 4',
    'each n in spans("names") group by lower(n) select n: lower(n), k: count()',
    'where label("random 1") group by stars select stars, names: collect(span("re: [A-Z][a-z]+"))',
    "where stars > 100 select n: count(), all: collect(id)",
    "where stars > 100 group by brand select brand, n: count()",
]
LIMITED = ["select id limit 5", 'where label("random 1") select id, s: span("names") limit 40', "select id limit 0"]


PASSED_THROUGH = pa.table(
    {
        "id": pa.array(range(300)),
        "body": pa.array(["Ann", None, "Bob"] * 100),
        "a": pa.array([{"x": 1}, None, {"x": 3}] * 100),
        "b": pa.array([{"x": 5, "y": "kept"}, None, {"x": 6, "y": None}] * 100),
        "raw": pa.array([b"x", b"y", None] * 100).dictionary_encode(),
        "list": pa.array([[{"a": 1}], [], None] * 100, pa.large_list(pa.struct({"a": pa.int64()}))),
    }
)


def both(made: Plan, table: pa.Table = CORPUS, **options: Any) -> tuple[pa.Table, pa.Table, ExecContext, ExecContext]:
    one = ExecContext(MemorySource(table), FakeProxy())
    many = ExecContext(MemorySource(table), FakeProxy(), batch_rows=options.pop("batch_rows", 100))
    return execute_to_table(made, one), run_to_table(made, many, HerePool(**options)), one, many


@pytest.mark.parametrize("text", [*PER_ROW, *ORDERED, *GROUPED, *LIMITED])
@pytest.mark.parametrize("workers", [1, 3])
def test_rows_order_and_types_are_those_of_one_machine(text: str, workers: int) -> None:
    made = plan(f"text body {text}", CORPUS.schema)
    expected, found, one, many = both(made, workers=workers)
    assert found.schema == expected.schema
    assert str(found.to_pylist()) == str(expected.to_pylist())
    assert many.metrics.rows_out == one.metrics.rows_out


@pytest.mark.parametrize(
    "text",
    [
        "select a: b, b: a, new: raw, l: list",
        "select n: id, a: b, z: raw order by id desc limit 250",
        'where label("has Ann") select a: raw, list: b',
        "where exists(list) select id, m: list",
        "select n: count(a), m: count(list), k: count(raw)",
        'where exists(label("has Ann")) select id',
    ],
)
def test_unusual_columns_are_those_of_one_machine(text: str) -> None:
    expected, found, _, _ = both(plan(f"text body {text}", PASSED_THROUGH.schema), PASSED_THROUGH)
    assert found.schema == expected.schema
    assert found.to_pylist() == expected.to_pylist()
    assert found.num_rows


@pytest.mark.parametrize("text", [*PER_ROW, *ORDERED[:4], *GROUPED])
def test_the_numbers_add_up(text: str) -> None:
    _, _, one, many = both(plan(f"text body {text}", CORPUS.schema))
    a, b = one.metrics, many.metrics
    assert (a.rows_in, a.rows_out, a.rows_kept, a.rows_total) == (b.rows_in, b.rows_out, b.rows_kept, b.rows_total)
    assert [o.name for o in a.operators] == [o.name for o in b.operators]
    assert [(o.rows_in, o.rows_out) for o in a.operators] == [(o.rows_in, o.rows_out) for o in b.operators]
    assert [p.text for p in a.predicates] == [p.text for p in b.predicates]
    assert b.rows_done == b.rows_in
    if len(a.predicates) == 1:
        (p,), (q,) = a.predicates, b.predicates
        assert (p.rows_in, p.rows_out) == (q.rows_in, q.rows_out)
    # The same questions in all, whoever has the answer.
    assert a.model_calls + a.cache_hits + a.calls_avoided == b.model_calls + b.cache_hits + b.calls_avoided


@settings(max_examples=150)
@given(queries(), st.integers(1, 3), st.integers(1, 40))
def test_random_queries(typed: TypedQuery, workers: int, batch_rows: int) -> None:
    expected, found, _, _ = both(plan_query(typed).plan, TABLE, workers=workers, batch_rows=batch_rows)
    assert found.schema == expected.schema
    assert str(found.to_pylist()) == str(expected.to_pylist())
