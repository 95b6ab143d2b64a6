"""The order to start with, what it is expected to cost, and what was turned down for it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from falconql.plan import chooser, logical
from falconql.plan.chooser import choose
from falconql.plan.cost import call_tokens, condition_cost
from falconql.plan.logical import LogicalPlan
from falconql.plan.lowering import lower
from falconql.plan.planner import Planned, plan_query
from falconql.plan.rules import RULES
from falconql.plan.stats import Stats
from falconql.runtime.expression import And, Expr
from falconql.runtime.plan import AllOf, Filter, Plan, Predicate, Scan, nodes
from falconql.runtime.plan import tests as leaves_of
from tests.plan.queries import lowered, typed

SHORT, LONG = "Acer laptop", "word " * 200
SAMPLE = pa.record_batch(
    {
        "id": pa.array(range(100), pa.int64()),
        "body": pa.array([LONG] * 100),
        "brand": pa.array([SHORT] * 100),
        "stars": pa.array([1 if i < 90 else 5 for i in range(100)], pa.int64()),
        "price": pa.array([float(i) for i in range(100)]),
        "hot": pa.array([i < 50 for i in range(100)]),
    }
)
STATS = Stats(10_000, SAMPLE)


def order_of(planned: Planned | Plan) -> list[str]:
    plan = planned.plan if isinstance(planned, Planned) else planned
    return [test.text for node in nodes(plan.root) if isinstance(node, Filter) for test in leaves_of(node.predicate)]


def test_the_model_comes_after_what_needs_none_and_the_short_column_before_the_long() -> None:
    plan = lowered('where label(body, "a?") and label(brand, "b?") and stars > 3')
    assert order_of(choose(plan, stats=STATS).plan) == ["stars > 3", 'label(brand, "b?")', 'label(body, "a?")']


def test_the_order_as_written_stays_and_is_not_adaptive() -> None:
    query = typed('where label(body, "a?") and stars > 3 and (hot or label(brand, "b?"))')
    planned = plan_query(query, stats=STATS, order="written")
    assert order_of(planned) == ['label(body, "a?")', "stars > 3", "hot", 'label(brand, "b?")']
    (found,) = [node for node in nodes(planned.plan.root) if isinstance(node, Filter)]
    assert not found.adaptive
    assert planned.rejected == ()


def test_the_order_that_lost_is_recorded_with_both_costs() -> None:
    choice = choose(lowered('where label(body, "a?") and stars > 3'), stats=STATS)
    (lost,) = choice.rejected
    assert lost.tests == ('label(body, "a?")', "stars > 3")
    assert lost.cost_s > 5 * lost.chosen_cost_s


def test_correlated_column_conditions_are_judged_by_what_is_left() -> None:
    # `hot` is true for half the rows, all of them among the 60 with price < 60; of the other 40 rows 14
    # are expected to get as far, by the label.
    plan = lowered("where (price < 60.0 or label(body, 'a?')) and (hot or label(body, 'b?')) and brand = 'Acer laptop'")
    (found,) = [n for n in nodes(choose(plan, stats=STATS).plan.root) if isinstance(n, Filter)]
    by_text = {test.text: test.selectivity for test in leaves_of(found.predicate)}
    assert by_text["hot"] == pytest.approx(50 / 74, abs=0.01)
    assert by_text['brand = "Acer laptop"'] == pytest.approx(0.99, abs=0.02)


def test_selectivities_come_from_the_sample_and_never_reach_certainty() -> None:
    plan = lowered("where stars > 3 and label('a?') or stars > 99 and label('b?')")
    (found,) = [n for n in nodes(choose(plan, stats=STATS).plan.root) if isinstance(n, Filter)]
    shares = {test.text: test.selectivity for test in leaves_of(found.predicate)}
    assert shares["stars > 3"] == pytest.approx(0.1, abs=0.02)
    assert 0 < shares["stars > 99"] < 0.02


def test_the_scan_says_what_share_it_expects_to_leave_it() -> None:
    planned = plan_query(typed("where stars > 3 and label('a?')"), stats=STATS)
    *_, scan = nodes(planned.plan.root)
    assert isinstance(scan, Scan)
    assert scan.selectivity == pytest.approx(0.1, abs=0.02)


def test_without_a_sample_defaults_do() -> None:
    planned = plan_query(typed("where label(body, 'a?') and stars = 3 and brand matches /x/"))
    assert planned.plan.output == planned.logical.schema
    assert order_of(planned) == ['label(body, "a?")']


def test_tokens_grow_with_the_text_and_the_question() -> None:
    calls = lower(typed('where label(body, "a?") and label(brand, "a?") and label(brand, "a much longer one?")')).calls
    long, short, longer = (float(call_tokens(call, calls, STATS).mean()) for call in calls)
    assert long > 10 * short
    assert longer > short


def test_a_choice_asks_once_for_each_option() -> None:
    calls = lower(typed('where choose("which?", "a", "b", "c") = "a" and label("which?")')).calls
    choice, label = (float(call_tokens(call, calls, STATS).mean()) for call in calls)
    assert choice == pytest.approx(3 * label)


def test_a_condition_costs_all_the_calls_it_needs() -> None:
    plan = lowered('let who = span("who?") where label("is {who} rich?")')
    cost = condition_cost(_conditions(plan)[0], plan.calls, STATS)
    assert float(cost.tokens.mean()) > 2 * float(STATS.text_tokens("body").mean())


def _conditions(plan: LogicalPlan) -> list[Expr]:
    return [node.condition for node in logical.nodes(plan.root) if isinstance(node, logical.Filter)]


def test_a_regex_over_a_long_text_costs_more_than_a_comparison() -> None:
    plan = lowered("where body matches /x/ and brand matches /x/ and stars > 3")
    (condition,) = _conditions(plan)
    assert isinstance(condition, And)
    long, short, number = (float(condition_cost(part, plan.calls, STATS).seconds.mean()) for part in condition.operands)
    assert long > short > number


def test_a_sample_without_the_column_or_with_two_of_its_name_is_no_sample() -> None:
    doubled = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["stars", "stars"])
    query = typed("where stars > 3 and label('a?')")
    for stats in (Stats(5, doubled), Stats(5, SAMPLE.select(["id"])), Stats(5, SAMPLE.slice(0, 0))):
        *_, scan = nodes(plan_query(query, stats=stats).plan.root)
        assert isinstance(scan, Scan)
        assert scan.selectivity == 0.33


def test_each_condition_of_an_order_that_stays_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Predicate] = []
    arrange = chooser._arrange

    def counted(predicate: Predicate, *given: Any, **options: Any) -> Any:
        looked.append(predicate)
        return arrange(predicate, *given, **options)

    monkeypatch.setattr(chooser, "_arrange", counted)
    choose(lowered("where " + " or ".join(f"label('{i}?')" for i in range(9))), stats=Stats(), order="written")
    assert len(looked) == 1 + 9


def test_a_plan_survives_json_with_its_order() -> None:
    planned = plan_query(typed("where (stars > 3 or label('a?')) and label('b?') select id order by stars limit 3"))
    assert Plan.from_json(planned.plan.to_json()) == planned.plan
    (found,) = [n for n in nodes(planned.plan.root) if isinstance(n, Filter)]
    assert isinstance(found.predicate, AllOf)


def test_notes_tell_of_conditions_that_decide_nothing() -> None:
    never = plan_query(typed("where stars = 1 and stars = 2"))
    assert never.notes == ("the condition can never be true: nothing is read",)
    assert plan_query(typed("where stars = 1")).notes == ()
    assert plan_query(typed("select id limit 0")).notes == ()


def test_rules_that_fired_are_listed_in_order() -> None:
    planned = plan_query(typed("where not (stars = 1 or not label('a?'))"), rules=RULES)
    assert [firing.rule for firing in planned.fired][:2] == ["push_negations", "push_into_scan"]
