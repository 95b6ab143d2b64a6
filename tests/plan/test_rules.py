"""Where each rule fires, and where it must not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from falconql.plan.logical import Filter, LogicalPlan, Project, Scan, nodes
from falconql.plan.lowering import lower
from falconql.plan.optimiser import optimise
from falconql.plan.rules import RULES, Rule
from falconql.runtime.expression import And, Cast, ColumnRef, Comparison, Expr, Literal, Not, Or
from falconql.runtime.plan import Field, Output, ProxyRef
from falconql.runtime.types import BOOL, FLOAT, INT, NULL, TEXT
from tests.plan.queries import lowered, shape, typed, where

BY_NAME = {rule.name: rule for rule in RULES}

A, B, C = 'label("a?")', 'label("b?")', 'label("c?")'


def _applied(name: str, plan: LogicalPlan) -> LogicalPlan:
    return BY_NAME[name].apply(plan) or plan


CONDITIONS = [
    # rule, before, after
    ("fold_constants", "stars > 2 + 2", "stars > 4"),
    ("fold_constants", "stars + 1 > 7 / 2", "stars + 1 > 3.5"),
    ("fold_constants", "stars + 1 > 2", None),
    ("fold_constants", f"{A} and (1 = 2 or hot)", f"{A} and hot"),
    ("fold_constants", f"hot or {A} and 1 = 2", "hot"),
    ("fold_constants", 'length("Straße") = stars', "6 = stars"),
    ("fold_constants", 'brand = lower("ACER")', 'brand = "acer"'),
    ("fold_constants", "hot = hot", None),
    ("fold_constants", "hot or not hot", None),
    ("fold_constants", "stars > 4", None),
    ("push_negations", "not (hot and stars > 4)", "not hot or stars <= 4"),
    ("push_negations", "not (hot or stars = 4)", "not hot and stars != 4"),
    ("push_negations", "not not hot", "hot"),
    ("push_negations", f"not ({A} and not {B})", f"not {A} or {B}"),
    ("push_negations", "not (price = 4.0)", "price != 4.0"),
    ("push_negations", "not (price > 4.0)", None),
    ("push_negations", "not (body is null)", None),
    ("push_negations", "not body contains 'x'", None),
    ("years_as_ranges", "year(seen) = 2024", 'seen >= "2024-01-01" and seen < "2025-01-01"'),
    ("years_as_ranges", "year(seen) != 2024", 'seen < "2024-01-01" or seen >= "2025-01-01"'),
    ("years_as_ranges", "hot or year(seen) < 2024", 'hot or seen < "2024-01-01"'),
    ("years_as_ranges", "2024 < year(seen)", 'seen >= "2025-01-01"'),
    ("years_as_ranges", "year(seen) <= 999", 'seen < "1000-01-01"'),
    ("years_as_ranges", "year(seen) < 9999", None),
    ("years_as_ranges", "year(seen) > 0", None),
    ("years_as_ranges", "year(seen) = stars", None),
    ("years_as_ranges", "year(seen) = 2024.5", None),
    ("years_as_ranges", "month(seen) = 5", None),
    ("years_as_ranges", "year(date(body)) = 2024", None),
    ("flatten", "hot and (stars > 4 and price > 1.0)", "hot and stars > 4 and price > 1.0"),
    ("flatten", "hot or (stars > 4 or price > 1.0)", "hot or stars > 4 or price > 1.0"),
    ("flatten", "hot and (stars > 4 or price > 1.0)", None),
    ("drop_duplicates", f"hot and {A} and hot", f"hot and {A}"),
    ("drop_duplicates", "hot or hot", "hot"),
    ("drop_duplicates", f"{A} and {B}", None),
    ("absorb", f"hot and (hot or {A})", "hot"),
    ("absorb", f"hot or hot and {A}", "hot"),
    ("absorb", f"(hot or {A}) and (hot or {A} or {B})", f"hot or {A}"),
    ("absorb", f"hot and (not hot or {A})", None),
    ("absorb", f"hot or {A} and {B}", None),
    ("factor_common", f"hot and {A} or hot and {B}", f"hot and ({A} or {B})"),
    ("factor_common", f"hot and {A} or hot", "hot"),
    ("factor_common", f"hot and {A} or {B}", None),
    ("find_contradictions", "hot and not hot", "false"),
    ("find_contradictions", f"{A} and stars = 1 and stars = 2", "false"),
    ("find_contradictions", f"{A} or stars = 1 and stars = 2", f"{A} or false"),
    ("find_contradictions", "stars > 4 and stars in (1, 2)", "false"),
    ("find_contradictions", "stars > 4 and stars < 3", "false"),
    ("find_contradictions", "stars > 4 and stars <= 4", "false"),
    ("find_contradictions", "stars >= 4 and stars != 4 and stars in (4)", "false"),
    ("find_contradictions", "3 > stars and stars > 3", "false"),
    ("find_contradictions", "brand is null and brand = 'HP'", "false"),
    ("find_contradictions", "brand is null and brand contains 'HP'", "false"),
    ("find_contradictions", "seen > '2024-05-01' and seen < '2023-12-31'", "false"),
    ("find_contradictions", "price = 1.0 and price = 2.0", "false"),
    ("find_contradictions", "hot or not hot", None),
    ("find_contradictions", "stars >= 4 and stars <= 4", None),
    ("find_contradictions", "stars > 4 and stars < 6", None),
    ("find_contradictions", "stars = 1 or stars = 2", None),
    ("find_contradictions", "stars = 1 and id = 2", None),
    ("find_contradictions", "not (stars = 1 and stars = 2)", None),
    ("find_contradictions", "brand is null or brand = 'HP'", None),
]


@pytest.mark.parametrize(("name", "before", "after"), CONDITIONS)
def test_a_rule_changes_a_condition_as_documented(name: str, before: str, after: str | None) -> None:
    plan = lowered(f"where {before}")
    found = where(_applied(name, plan))
    if after is not None and after.endswith("false"):  # no query can say that
        assert found == after.replace(A, 'label(body, "a?")')
    else:
        assert found == where(lowered(f"where {after or before}"))


def test_the_second_bound_is_the_one_that_counts() -> None:
    plan = lowered("where stars > 1 and stars > 4 and stars < 4")
    assert where(_applied("find_contradictions", plan)) == "false"


SHAPES = [
    # rule, query, shape after (None: as before)
    ("push_into_scan", f"where {A} and stars > 3", ["Scan stars > 3", f"Filter {A}", "Project"]),
    ("push_into_scan", "where stars > 3", ["Scan stars > 3", "Project"]),
    ("push_into_scan", f"where {A} or stars > 3", None),
    ("push_into_scan", 'each w in spans("w") where stars > 3', None),
    (
        "push_below_each",
        f'each w in spans("w") where {A} and length(w) > 3 and stars > 2',
        ["Scan", f"Filter {A} and stars > 2 and exists(w)", "Each", "Filter length(w) > 3", "Project"],
    ),
    (
        "push_below_each",
        'each w in spans("w") each v in spans("v of {w}") where w = "x"',
        ["Scan", "Each", 'Filter w = "x"', "Each", "Project"],
    ),
    ("push_below_each", 'each w in spans("w") where label("is {w} good?")', None),
    ("push_below_each", 'each w in spans("w") where stars > 3 or length(w) > 3', None),
    ("limit_sort", "where hot order by stars limit 3", ["Scan", "Filter hot", "Sort", "Project"]),
    ("limit_sort", "where hot limit 3", None),
    ("project_before_sort", "where hot select id order by stars", ["Scan", "Filter hot", "Project", "Sort", "Project"]),
    ("project_before_sort", "where hot group by stars select stars, n: count() order by n", None),
]


def test_a_model_is_not_asked_about_rows_whose_list_is_empty() -> None:
    schema = pa.schema([("body", pa.string()), ("tags", pa.list_(pa.string()))])
    text = 'each t in tags where label("a?") and t != "x" select t'
    plan = optimise(lower(typed(text, schema)))
    below = ["Scan exists(tags)", 'Filter label(body, "a?")', "Each", 'Filter t != "x"', "Project"]
    assert shape(plan) == below
    assert shape(optimise(lower(typed('each t in tags where body = "x" select t', schema))))[0] == 'Scan body = "x"'


@pytest.mark.parametrize(("name", "query", "after"), SHAPES)
def test_a_rule_moves_nodes_as_documented(name: str, query: str, after: list[str] | None) -> None:
    plan = lowered(query)
    renamed = [line.replace(A, 'label(body, "a?")') for line in after] if after else shape(plan)
    assert shape(_applied(name, plan)) == renamed


def test_a_sort_with_a_limit_stays_below_the_projection() -> None:
    plan = _applied("limit_sort", lowered("where hot select id order by stars limit 3"))
    assert shape(_applied("project_before_sort", plan)) == shape(plan)


def test_an_implied_condition_goes_into_the_scan_once() -> None:
    plan = lowered(f"where stars > 4 and {A} or stars < 2 and {B}")
    once = _applied("imply_scan_filter", plan)
    assert shape(once)[0] == "Scan stars > 4 or stars < 2"
    assert shape(once)[1:] == shape(plan)[1:]
    assert _applied("imply_scan_filter", once) == once


@pytest.mark.parametrize("condition", [f"stars > 4 and {A} or {B}", f"{A} and {B}", f"not ({A} and stars > 4)"])
def test_nothing_is_implied_where_a_branch_needs_only_the_model(condition: str) -> None:
    plan = lowered(f"where {condition}")
    assert _applied("imply_scan_filter", plan) == plan


def test_adjacent_filters_become_one() -> None:
    query = typed(f"where hot and {A}")
    assert query.where is not None
    plan = lower(query)
    stacked = LogicalPlan(
        Filter(Filter(Scan(query.columns), query.where), ColumnRef("hot", BOOL)), query.calls, query.proxy
    )
    merged = _applied("merge_filters", stacked)
    assert [type(node).__name__ for node in nodes(merged.root)] == ["Filter", "Scan"]
    assert where(merged) == where(plan) + " and hot"


def test_equal_calls_become_one_and_unused_ones_none() -> None:
    plan = lowered('let unused = span("nobody asks") where label("a?") select id, x: label("a" ), y: label("b?")')
    folded = lowered('where label("a?") and score(label("a?")) > 0.5 select id')
    assert len(_applied("share_calls", folded).calls) == 1
    kept = _applied("share_calls", plan)
    assert [call.instruction for call in kept.calls] == [("a?",), ("a",), ("b?",)]


def test_calls_that_differ_stay_apart() -> None:
    plan = lowered('where label("a?") and label("a?", threshold: 0.9) and label(brand, "a?") and label("b?")')
    assert _applied("share_calls", plan) == plan
    assert len(plan.calls) == 4


def test_a_quoted_call_survives_renumbering() -> None:
    plan = lowered('let unused = span("x") let who = span("who?") where label("is {who} rich?") select id')
    kept = _applied("share_calls", plan)
    assert len(kept.calls) == 2
    assert shape(kept) == shape(plan)


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        (f"where {A} select id", ["id", "body"]),
        ("where stars > 3 select id order by price", ["id", "stars", "price"]),
        ("where hot select n: count()", ["hot"]),
        ("select n: count()", ["hot"]),
        ("where hot", ["id", "body", "brand", "stars", "price", "seen", "hot", "raw"]),
        ('let b = span("brand") where label("is {b} good?") select id', ["id", "body"]),
        ("where hot group by brand select brand, m: max(price)", ["brand", "price", "hot"]),
    ],
)
def test_only_needed_columns_are_read(query: str, columns: list[str]) -> None:
    plan = _applied("prune_columns", lowered(query))
    *_, scan = nodes(plan.root)
    assert isinstance(scan, Scan)
    assert [field.name for field in scan.columns] == columns


def test_columns_of_one_name_are_not_read_when_no_column_is_needed() -> None:
    a, b = Field("a", BOOL), Field("b", TEXT)
    count = Output("n", Literal(1, INT))
    for columns, kept in [((a, a, b), (b,)), ((a, a), ()), ((), ())]:
        plan = LogicalPlan(Project(Scan(columns), (count,)), (), ProxyRef())
        *_, scan = nodes(_applied("prune_columns", plan).root)
        assert isinstance(scan, Scan)
        assert scan.columns == kept


FIELDS = (Field("hot", BOOL), Field("stars", INT), Field("body", TEXT))
HOT = ColumnRef("hot", BOOL)
NULL_BOOL = Cast(Literal(None, NULL), BOOL)


def _plan(condition: Expr) -> LogicalPlan:
    return LogicalPlan(Filter(Scan(FIELDS), condition), (), ProxyRef())


@pytest.mark.parametrize(
    ("condition", "folded"),
    [
        (And((HOT, Literal(True, BOOL))), HOT),
        (And((HOT, Literal(False, BOOL))), Literal(False, BOOL)),
        (Or((HOT, Literal(True, BOOL))), Literal(True, BOOL)),
        (Or((HOT, NULL_BOOL)), Or((HOT, Literal(None, BOOL)))),
        (And((HOT, NULL_BOOL)), And((HOT, Literal(None, BOOL)))),
        (Not(NULL_BOOL), Literal(None, BOOL)),
        (Comparison(">", ColumnRef("stars", INT), Cast(Literal(None, NULL), INT)), Literal(None, BOOL)),
        (Comparison("=", Literal(1.0, FLOAT), Cast(Literal(1, INT), FLOAT)), Literal(True, BOOL)),
    ],
)
def test_constants_fold_in_three_valued_logic(condition: Expr, folded: Expr) -> None:
    plan = _applied("fold_constants", _plan(condition))
    assert isinstance(plan.root, Filter)
    assert plan.root.condition == folded


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        (Literal(True, BOOL), ["Scan"]),
        (Literal(False, BOOL), ["Scan", "Limit"]),
        (Literal(None, BOOL), ["Scan", "Limit"]),
        (HOT, ["Scan", "Filter hot"]),
    ],
)
def test_trivial_filters_disappear(condition: Expr, left: list[str]) -> None:
    assert shape(_applied("drop_trivial", _plan(condition))) == left


def test_a_projection_that_changes_something_stays() -> None:
    plan = LogicalPlan(lowered("where hot select id").root, (), ProxyRef())
    assert _applied("drop_trivial", plan) == plan


def test_every_rule_has_a_name_of_its_own_and_a_documented_example() -> None:
    assert len(BY_NAME) == len(RULES)
    for rule in RULES:
        module = __import__(rule.apply.__module__, fromlist=["__doc__"])
        assert "->" in (module.__doc__ or ""), rule.name


def test_the_driver_reports_what_fired_and_keeps_the_columns() -> None:
    plan = lowered(f"where {A} and stars > 2 + 2 select id, stars")
    fired: list[str] = []
    optimised = optimise(plan, observer=lambda firing: fired.append(firing.rule))
    assert fired[:2] == ["fold_constants", "push_into_scan"]
    assert optimised.schema == plan.schema


def test_a_rule_that_changes_the_columns_is_refused() -> None:
    from falconql.plan.logical import Project
    from falconql.plan.optimiser import OptimiserError

    def spoil(plan: LogicalPlan) -> LogicalPlan:
        return LogicalPlan(Project(plan.root, (Output("other", Literal(1, INT)),)), plan.calls, plan.proxy)

    with pytest.raises(OptimiserError, match=r"FQL901.*spoil"):
        optimise(lowered("where hot"), rules=[Rule("spoil", spoil, "", "")])
