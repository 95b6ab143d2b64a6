"""Plans as people and programs read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from falconql.errors import ConfigError
from falconql.plan import display
from falconql.plan.display import explain, explain_json, metrics_json
from falconql.plan.planner import Planned, plan_query
from falconql.plan.prices import LIST_PRICES, Price, PriceTable, load_prices
from falconql.plan.rules import RULES
from falconql.plan.stats import Stats
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import execute_to_table
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.plan import Node, nodes
from tests.fakes import FakeProxy, FakeSource
from tests.plan.queries import typed

QUERY = """
let laptop = label(body, "has laptop")
let cheap  = label(brand, "has cheap")
where laptop and stars > 2 and (cheap or hot)
select id, names: spans("re: [A-Z]+")
order by score(laptop) desc
limit 5
"""
TABLE = pa.table(
    {
        "id": pa.array(range(200), pa.int64()),
        "body": pa.array([f"{'laptop' if i % 2 else 'phone'} number {i}" for i in range(200)]),
        "brand": pa.array(["a cheap ACER" if i % 5 else "an HP" for i in range(200)]),
        "stars": pa.array([i % 5 + 1 for i in range(200)], pa.int64()),
        "price": pa.array([1.0] * 200),
        "seen": pa.array([None] * 200, pa.date32()),
        "hot": pa.array([i % 3 == 0 for i in range(200)]),
        "raw": pa.array([{"a": 1}] * 200),
    }
)
PRICES = PriceTable("2030-01", (Price("model-x", 1.0, 10.0),))


def _planned(query: str = QUERY) -> Planned:
    return plan_query(typed(query, TABLE.schema), stats=Stats(200, TABLE.to_batches()[0]))


def _run(planned: Planned) -> RunMetrics:
    context = ExecContext(FakeSource(TABLE), FakeProxy())
    execute_to_table(planned.plan, context)
    return context.metrics


def test_a_plan_is_a_numbered_tree_with_estimates() -> None:
    assert explain(_planned(), prices=PRICES) == EXPLAINED


EXPLAINED = """\
 1  Project  columns=id, names  rows≈5  seconds≈3.59ms
 2    Sort  by=score(laptop) desc  limit=5  rows≈5
 3      Filter  order=adaptive  rows≈24  seconds≈100ms
            and  cost=834µs  true≈0.2
              or  cost=427µs  true≈0.57
                hot  cost=0  true≈0.33
                cheap  cost=640µs  true≈0.35
              laptop  cost=719µs  true≈0.35
 4        Scan  columns=id, body, brand, stars, hot  filter=stars > 2  rows≈120

model calls
    laptop = label(body, "has laptop")
    cheap = label(brand, "has cheap")
    names = spans(body, "re: [A-Z]+")

on this machine: about 104ms for 200 rows
every text to an LLM: about 21,715 tokens, $0.09 model-x (prices of 2030-01)
"""


def test_measurements_stand_beside_the_estimates() -> None:
    planned = _planned()
    metrics = _run(planned)
    lines = explain(planned, metrics, prices=PRICES).splitlines()
    (laptop,) = [line for line in lines if line.lstrip().startswith("laptop ") and "cost" in line]
    measured = next(p for p in metrics.predicates if p.text == "laptop")
    assert f"rows={measured.rows_in}  calls={measured.calls}" in laptop
    assert f"true={measured.rows_out / measured.rows_in:.2g}" in laptop
    assert any("| rows=120" in line and "Scan" in line for line in lines)
    assert any(line.startswith("on this machine:") and f"{metrics.model_calls:,} model calls" in line for line in lines)


def test_the_rules_that_fired_are_listed() -> None:
    lines = explain(_planned(), rules=True, prices=PRICES).splitlines()
    at = lines.index("rules")
    assert lines[at + 1] == "    push_into_scan: moved conditions without model calls into the scan"
    assert any(line.startswith("    not chosen: the order as written, ") for line in lines)


def test_a_plan_without_a_model_has_no_cost_lines() -> None:
    text = explain(_planned("where stars > 2 select id"))
    assert text == " 1  Project  columns=id  rows≈120\n 2    Scan  columns=id, stars  filter=stars > 2  rows≈120\n"


def test_a_condition_that_is_never_true_is_said_to_be() -> None:
    assert "note: the condition can never be true: nothing is read" in explain(
        _planned("where stars > 2 and stars < 1")
    )


def test_an_unknown_number_of_rows_is_said_to_be() -> None:
    text = explain(plan_query(typed("where stars > 2")))
    assert "estimates are for 1,000 rows: the number of rows is not known" in text


def test_a_limit_that_ends_the_reading_is_in_the_estimate() -> None:
    few = explain(_planned('where label("x") select id limit 1')).splitlines()
    assert next(line for line in few if line.startswith("on this machine")).endswith("for some 16 of 200 rows")
    sorted_first = explain(_planned('where label("x") select id order by stars limit 1'))
    assert "for 200 rows" in sorted_first


@pytest.mark.parametrize(
    "query",
    [
        'where label("x") select id limit 0',
        'select id order by score(label("x")) limit 0',
        'group by stars select stars, n: share(label("x")) limit 0',
    ],
)
def test_nothing_is_read_for_a_limit_of_nothing(query: str) -> None:
    assert "on this machine: about 0 for some 0 of 200 rows" in explain(_planned(query))


def test_an_aggregate_without_keys_gives_a_row_of_no_rows() -> None:
    lines = explain(_planned("where stars > 3 and stars < 2 select n: count()")).splitlines()
    assert lines[0].endswith("rows≈1")


def test_the_machine_form_has_the_documented_fields() -> None:
    planned = _planned()
    metrics = _run(planned)
    data = json.loads(json.dumps(metrics_json(planned.plan, metrics)))
    assert set(data) >= {
        "plan",
        "rows_in",
        "rows_out",
        "seconds",
        "model_calls",
        "model_tokens",
        "cache_hits",
        "predicates",
    }
    assert (data["rows_in"], data["rows_out"]) == (200, 5)
    assert [entry["text"] for entry in data["predicates"]] == ["stars > 2", "hot", "cheap", "laptop"]
    scan = data["predicates"][0]
    assert set(scan) == {
        "text",
        "cost_s",
        "selectivity_estimated",
        "selectivity_measured",
        "rows_in",
        "rows_out",
        "calls",
    }
    assert (scan["rows_in"], scan["rows_out"], scan["selectivity_measured"], scan["calls"]) == (200, 120, 0.6, 0)
    assert sum(entry["calls"] for entry in data["predicates"]) == metrics.model_calls - 5
    assert data["plan"]["node"] == "Project"
    assert data["plan"]["input"]["input"]["predicate"]["and"][0]["or"][0]["test"] == "hot"


def test_explain_as_data_adds_rules_notes_and_the_price_of_an_llm() -> None:
    planned = _planned()
    data = json.loads(json.dumps(explain_json(planned, prices=PRICES)))
    assert data["rules"][0]["rule"] == "push_into_scan"
    assert data["notes"] == []
    assert data["llm"]["prices_as_of"] == "2030-01"
    assert data["llm"]["cost_usd"]["model-x"] == pytest.approx(0.09, abs=0.005)
    assert data["plan"]["rows_estimated"] == 5.0
    assert data["plan"]["input"]["input"]["input"]["rows_estimated"] == pytest.approx(120, abs=1)
    assert "llm" not in explain_json(_planned("where stars > 2 select id"))


def test_before_a_run_measured_fields_are_null() -> None:
    data = metrics_json(_planned().plan)
    assert data["rows_in"] is None
    assert data["predicates"][3]["selectivity_measured"] is None
    assert data["predicates"][3]["cost_s"] > 0


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("group by brand select brand, n: count(), m: max(price)", "Aggregate  by=brand  compute=count(), max(price)"),
        ('each w in spans("x") select w', 'Each  w=spans(body, "x")'),
        ("select id limit 3", "Limit  count=3"),
        ("where hot select id order by stars desc", "Sort  by=stars desc"),
        ("where hot select id order by stars desc", "Project  columns=id, stars  "),
        ("group by brand select b: brand, n: count()", "Project  columns=b: brand, n: count()  "),
        ("group by brand select brand order by -count(), brand", "Sort  by=-count(), brand  "),
        ("group by stars + id select n: (stars + id) * 2", "Project  columns=n: (stars + id) * 2  "),
    ],
)
def test_every_node_says_what_it_does(query: str, line: str) -> None:
    assert line in explain(plan_query(typed(query)))


def test_prices_come_from_the_table_the_user_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FALCONQL_PRICES", raising=False)
    assert load_prices() is LIST_PRICES
    path = tmp_path / "prices.json"
    path.write_text('{"as_of": "2027-02", "models": {"mine": [0.1, 0.4]}}', encoding="utf-8")
    monkeypatch.setenv("FALCONQL_PRICES", str(path))
    assert load_prices() == PriceTable("2027-02", (Price("mine", 0.1, 0.4),))
    assert load_prices().prices[0].cost_usd(1_000_000, 500_000) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "has no models"),
        ('{"models": {"m": [1]}}', "no pair of numbers for 'm'"),
        ('{"models": {"m": [1, "2"]}}', "no pair of numbers for 'm'"),
    ],
)
def test_a_wrong_price_table_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "prices.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_prices(str(path))


def test_the_manual_shows_this_plan_and_every_rule() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "optimiser.md").read_text(encoding="utf-8")
    assert EXPLAINED.rstrip() in manual
    listed = re.findall(r"^\| `(\w+)` \|", manual, re.MULTILINE)
    assert listed == [rule.name for rule in RULES]


def test_what_only_the_plan_has_is_looked_up_once_for_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = []

    def counted(root: Node) -> Iterator[Node]:
        walked.append(root)
        return nodes(root)

    monkeypatch.setattr(display, "nodes", counted)
    counts = []
    for columns in (1, 50):
        outputs = ", ".join(f"x{i}: stars" for i in range(columns))
        keys = ", ".join(f"stars + {i}" for i in range(columns))
        planned = _planned(f"select {outputs} order by {keys}")
        walked.clear()
        explain(planned, prices=PRICES)
        counts.append(len(walked))
    assert counts[0] == counts[1]
