"""A language model behind the proxy contract, in queries and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import falconql
from falconql.annotating.billing import Bill
from falconql.annotating.proxy import LlmProxy
from falconql.errors import ConfigError, ModelServerError
from falconql.llm.endpoint import Endpoint
from falconql.runtime.proxy.base import Proxy, SpanValue
from tests.annotating.model import Scripted, answers_to, right, tasks_of, text_of
from tests.asking.server import Say, Server, serving

ROWS = {
    "id": list(range(6)),
    "stars": [1, 5, 5, 5, 2, 5],
    "body": ["red apple", "red plum, red apple", "blue plum", "red plum", "blue apple", "green apple"],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FALCONQL_MODEL", "FALCONQL_PRICES", "FALCONQL_CONFIRM_USD"):
        monkeypatch.delenv(name, raising=False)


def use(server: Server, monkeypatch: pytest.MonkeyPatch, **prices: tuple[float, float]) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    if prices:
        path = Path("prices.json").absolute()
        path.write_text(json.dumps({"as_of": "2030-01", "models": prices}))
        monkeypatch.setenv("FALCONQL_PRICES", str(path))


def opened(server: Server, model: str = "m") -> LlmProxy:
    return LlmProxy(Endpoint(server.url, "key", model, 5.0))


def test_it_keeps_the_contract() -> None:
    with serving(right) as server:
        proxy: Proxy = opened(server)
        scores = proxy.label(["an apple", "a plum"], ["has apple", "has apple"])
        assert scores.dtype == np.float32
        assert scores.tolist() == [1.0, 0.0]
        assert proxy.spans(["an apple", "a plum"], ["find apple", "find apple"]) == [[SpanValue(3, 8, 1.0)], []]
        assert proxy.label([], []).shape == (0,)
        assert proxy.name == "llm:m"
        assert proxy.label_threshold == 0.5
        assert proxy.tokens_run == 4 * 15
        counts = proxy.count_tokens(["a" * 420, ""], ["b" * 42, "b"])
        assert counts.dtype == np.int64
        assert 90 <= counts[0] - counts[1] <= 130


def test_every_question_is_a_request_of_its_own() -> None:
    with serving(right) as server:
        opened(server).label(["red apple"] * 3, ["has apple", "has red", "has plum"])
    assert [len(tasks_of(request)) for request in server.requests] == [1, 1, 1]


def test_the_fingerprint_tells_models_and_servers_apart() -> None:
    with serving(right) as one, serving(right) as other:
        prints = {opened(one).fingerprint, opened(one, "n").fingerprint, opened(other).fingerprint}
        assert len(prints) == 3
        assert opened(one).fingerprint == opened(one).fingerprint


QUERY = """
text body
using llm "m"
let kind = choose("What fruit is it?", "apple", "plum")
where label("has red")
select id, kind, fruit: spans("find apple|plum"), one: span("find apple")
"""


def test_a_query_runs_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(right) as server:
        use(server, monkeypatch)
        result = falconql.query(QUERY).run(ROWS)
        rows = result.to_arrow().to_pylist()
    assert [row["id"] for row in rows] == [0, 1, 3]
    assert [row["kind"] for row in rows] == ["apple", "apple", "plum"]
    assert [[span["text"] for span in row["fruit"]] for row in rows] == [["apple"], ["plum", "apple"], ["plum"]]
    assert rows[1]["one"] == {"text": "apple", "start": 14, "end": 19, "score": 1.0}
    assert rows[2]["one"] is None
    # Six labels, then for three rows a choice (one request, not one per option) and two extractions.
    assert result.metrics["model_calls"] == len(server.requests) == 6 + 3 * 3
    assert result.metrics["model_tokens"] == 15 * 15
    assert (result.plan.proxy.name, result.plan.proxy.llm) == ("m", True)


@pytest.mark.parametrize("proxy", ["llm:m", "llm"])
def test_the_caller_may_name_it(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    with serving(right) as server:
        use(server, monkeypatch)
        query = falconql.query('text body where label("has plum") select id')
        expected = [1, 2, 3]
        assert query.run(ROWS, proxy=proxy).to_arrow()["id"].to_pylist() == expected
        assert query.run(ROWS, proxy=falconql.proxy(proxy)).to_arrow()["id"].to_pylist() == expected
        assert len(server.requests) == 6, "the second run finds the answers of the first"
        spans = falconql.proxy(proxy).spans(["red apple"], "find apple")
        assert [span.text for span in spans[0]] == ["apple"]


def test_a_proxy_object_overrides_using_llm(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes import FakeProxy

    result = falconql.query('text body using llm "m" where label("has plum") select id').run(ROWS, proxy=FakeProxy())
    assert result.to_arrow()["id"].to_pylist() == [1, 2, 3]
    assert not result.plan.proxy.llm


def test_cheap_conditions_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Scripted(lambda request, before: right(request))
    query = 'text body using llm "m" where label("has apple") and stars > 3 and body contains "red" select id'
    with serving(script) as server:
        use(server, monkeypatch)
        assert falconql.query(query).run(ROWS).to_arrow()["id"].to_pylist() == [1]
    assert set(script.asked) == {"red plum, red apple", "red plum"}


def test_explain_says_what_it_asks_and_needs_no_endpoint() -> None:
    query = falconql.query('text body using llm "gpt-4o" where label("has apple") and stars > 3 select id')
    lines = str(query.explain(ROWS)).splitlines()
    assert lines[-1].startswith("asks gpt-4o: about 4 calls, ")  # of 6 rows four have more than 3 stars
    assert "$0.00 (prices of 2026-09) for 6 rows" in lines[-1]
    kestrel = falconql.query('text body where label("has apple") and stars > 3 select id').explain(ROWS)
    assert "on this machine" in str(kestrel)
    costs = [float(each.to_dict()["predicates"][-1]["cost_s"]) for each in (query.explain(ROWS), kestrel)]
    assert costs[0] > 5 * costs[1]


def test_a_row_without_an_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: dict[str, Any]) -> Say:
        return Say("no idea") if text_of(request) == "blue plum" else right(request)

    query = falconql.query('text body using llm "m" where label("has plum") select id')
    with serving(answer) as server:
        use(server, monkeypatch)
        with pytest.raises(ModelServerError, match="no usable answer to 'has plum'") as caught:
            query.run(ROWS)
        assert "answers so far are kept" in (caught.value.hint or "")
        asked = len(server.requests)
        server.answers = right
        assert query.run(ROWS).to_arrow()["id"].to_pylist() == [1, 2, 3]
        assert len(server.requests) < asked + 6


# What it may cost.


def keeping(bills: list[Bill]) -> Callable[[Bill], bool]:
    """Agree to everything, and keep what was agreed to."""

    def agree(bill: Bill) -> bool:
        bills.append(bill)
        return True

    return agree


def test_a_dear_run_is_not_begun_without_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    query = falconql.query('text body using llm "m" where label("has plum") select id')
    bills: list[Bill] = []

    def no(bill: Bill) -> bool:
        bills.append(bill)
        return False

    with serving(right) as server:
        use(server, monkeypatch, m=(1000, 1000))
        with pytest.raises(ConfigError, match="nobody agreed to the costs: about 6 calls of m at 127") as caught:
            query.run(ROWS)
        assert "--yes" in (caught.value.hint or "")
        with pytest.raises(ConfigError, match="nobody agreed"):
            query.run(ROWS, confirm=no)
        assert server.requests == []
        assert len(query.run(ROWS, confirm=lambda bill: True)) == 3
        monkeypatch.setenv("FALCONQL_CONFIRM_USD", "10")
        assert len(query.run(ROWS)) == 3
    (bill,) = bills
    assert (bill.rows, bill.calls, bill.model, bill.needs_consent) == (6, 6, "m", True)
    assert bill.dollars is not None
    assert 1.0 < bill.dollars < 4.0
    assert str(bill).endswith(f"{bill.tokens:,} tokens, ${bill.dollars:.2f} by the prices of 2030-01")


def test_a_server_of_ones_own_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bills: list[Bill] = []
    with serving(right) as server:
        use(server, monkeypatch)
        monkeypatch.setenv("FALCONQL_CONFIRM_USD", "0")
        query = falconql.query('text body using llm "gpt-4o" where label("has plum") select id')
        query.run(ROWS, confirm=keeping(bills))
        assert len(query.run(ROWS)) == 3
    assert bills[0].dollars is None
    assert "$" not in str(bills[0])


@pytest.mark.parametrize("wrong", ["much", "-1", "nan"])
def test_a_limit_that_is_no_amount(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("FALCONQL_CONFIRM_USD", wrong)
    with serving(right) as server:
        use(server, monkeypatch)
        with pytest.raises(ConfigError, match="FALCONQL_CONFIRM_USD"):
            falconql.query('text body using llm "m" where label("x")').run(ROWS)


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ('where label("has plum") and stars > 3 select id', 4),
        ('where label("has plum") and label("has red") select id', 12),
        ('where label("has plum") select id, spans("find x")', 12),
        ('select id, choose("?", "a", "b", "c")', 6),
        ('each f in spans("find plum") select f, label("Is {f} good?")', 6 + 12),
    ],
)
def test_the_estimate_counts_calls_not_options(monkeypatch: pytest.MonkeyPatch, query: str, most: int) -> None:
    bills: list[Bill] = []
    with serving(lambda request: Say(json.dumps(answers_to(request)))) as server:
        use(server, monkeypatch)
        falconql.query(f'text body using llm "m" {query}').run(ROWS, confirm=keeping(bills))
    assert 0 < bills[0].calls <= most


def test_a_limit_reads_and_costs_less(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"body": [f"plum {number}" for number in range(5000)]}
    bills: list[Bill] = []
    with serving(right) as server:
        use(server, monkeypatch)
        found = falconql.query('using llm "m" where label("has plum") limit 3').run(many, confirm=keeping(bills))
    assert len(found) == 3
    assert bills[0].calls < 50
    assert len(server.requests) < 50
