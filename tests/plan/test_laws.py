"""Whatever the rules, their order, and the order of the tests: the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falconql.catalog import Catalog
from falconql.check import check_query
from falconql.check.typed import TypedQuery
from falconql.plan.chooser import Order
from falconql.plan.lowering import lower
from falconql.plan.optimiser import optimise
from falconql.plan.planner import plan_query
from falconql.plan.rules import RULES, Rule
from falconql.plan.stats import Stats
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import execute_to_table
from falconql.runtime.expression import Expr
from falconql.runtime.io.arrow import SPAN_TYPE, fields_from_schema
from falconql.runtime.plan import Plan
from falconql.source import Source
from falconql.syntax import parse
from falconql.syntax.lexemes import DATE_PARTS
from tests.fakes import FakeProxy, FakeSource
from tests.plan.trees import HOT, MODEL, PLAIN, TABLE, conditions, meaning, queries, query

SAMPLED = Stats(TABLE.num_rows, TABLE.to_batches()[0])


def _rows(
    typed: TypedQuery,
    *,
    rules: Sequence[Rule] = RULES,
    order: Order = "cost",
    stats: Stats = SAMPLED,
    batch_rows: int = 4096,
) -> list[Any]:
    plan = plan_query(typed, rules=rules, order=order, stats=stats).plan
    saved = Plan.from_json(plan.to_json())
    assert saved == plan
    context = ExecContext(FakeSource(TABLE), FakeProxy(), batch_rows=batch_rows)
    return [tuple(map(str, row.values())) for row in execute_to_table(saved, context).to_pylist()]


@given(conditions(PLAIN | MODEL))
def test_the_optimised_plan_keeps_exactly_the_rows_that_the_condition_means(where: Expr) -> None:
    expected = [str(row["id"]) for row in TABLE.to_pylist() if meaning(where, row) is True]
    assert [row[0] for row in _rows(query(where))] == expected


@given(queries(), st.permutations(RULES), st.integers(0, len(RULES)))
def test_any_rules_in_any_order_give_the_same_rows(typed: TypedQuery, rules: list[Rule], count: int) -> None:
    assert _rows(typed, rules=rules[:count]) == _rows(typed, rules=())


@given(queries(), st.integers(1, 40))
def test_the_order_of_tests_and_the_size_of_batches_do_not_matter(typed: TypedQuery, batch_rows: int) -> None:
    expected = _rows(typed, order="written")
    assert _rows(typed, batch_rows=batch_rows) == expected
    assert _rows(typed, stats=Stats(), batch_rows=batch_rows) == expected


@settings(max_examples=200)
@given(queries())
def test_the_rules_come_to_rest(typed: TypedQuery) -> None:
    once = optimise(lower(typed))
    fired: list[str] = []
    optimise(once, observer=lambda firing: fired.append(firing.rule))
    assert fired == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@given(typed=queries())
@settings(max_examples=15)
def test_each_rule_alone_keeps_rows_and_columns(rule: Rule, typed: TypedQuery) -> None:
    plain = lower(typed)
    assert (rule.apply(plain) or plain).schema == plain.schema
    assert _rows(typed, rules=[rule]) == _rows(typed, rules=())


COLUMNS: dict[str, pa.Array] = {
    "bool": pa.array([True, None]),
    "int": pa.array([1, None]),
    "float": pa.array([0.5, None]),
    "txt": pa.array(["a", None]),
    "day": pa.array([0, None], pa.date32()),
    "at": pa.array([0, None], pa.timestamp("us")),
    "one": pa.array([None, None], SPAN_TYPE),
    "ints": pa.array([[1], None]),
    "found": pa.array([[], None], pa.list_(SPAN_TYPE)),
    "rec": pa.array([{"a": 1}, None]),
    "recs": pa.array([[{"a": 1}], None]),
    "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
    "raw": pa.array([b"x", None]),
    "time": pa.array([1, None], pa.time32("s")),
    "none": pa.nulls(2),
}
VALUES = [*COLUMNS, 'label("random 1")', 'span("names")', 'spans("names")', 'choose("which", "a", "b")', "null"]
FORMS = [
    "select v: {}",
    "let v = {} select v order by v",
    "select v: {} order by body limit 1",
    "where exists({}) select body",
    "where not exists({}) and {} is not null select v: {}",
    "where {} or {} is null select body",
    "where {} = {} select body",
    "where {} in ({}, null) select body",
    "where {} < {} select body",
    "each e in {} select e, v: exists(e)",
    "select n: exists({}), m: {} is null",
    "group by {} select n: count()",
    *(f"select n: {name}({{}})" for name in ("first", "length", "lower", "number", "score", "exists")),
    *(f"select n: {name}({{}})" for name in ("date", *DATE_PARTS)),
    *(f"select n: {name}({{}})" for name in ("count", "sum", "avg", "min", "max", "share", "collect")),
]


@pytest.mark.parametrize("form", FORMS)
def test_what_the_checker_takes_is_a_plan_that_can_be_saved_and_run(form: str) -> None:
    table = pa.table({"body": ["Ann", None], **COLUMNS})
    taken = 0
    for value in VALUES:
        text = f"text body {form.replace('{}', value)}"
        typed, _ = check_query(parse(Source("test", text)), Catalog(fields_from_schema(table.schema)))
        if typed is None:
            continue
        taken += 1
        plan = plan_query(typed).plan
        assert Plan.from_json(plan.to_json()) == plan
        execute_to_table(plan, ExecContext(FakeSource(table), FakeProxy()))
    assert taken


def test_an_empty_corpus_gives_an_empty_result() -> None:
    plan = plan_query(query(HOT)).plan
    result = execute_to_table(plan, ExecContext(FakeSource(TABLE.slice(0, 0)), FakeProxy()))
    assert result.num_rows == 0
    assert result.schema.names == ["id", "q1"]
    assert result.schema.types == [pa.int64(), pa.bool_()]
