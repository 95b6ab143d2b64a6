"""A language model as the other side: what it costs is agreed to, and what it cannot answer is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

import falconql
from falconql.annotating.billing import Bill
from falconql.annotating.proxy import LlmProxy
from falconql.errors import ConfigError
from falconql.evaluating.run import Evaluation, against_answers, against_proxy
from falconql.evaluating.sides import Side
from falconql.llm.endpoint import Endpoint
from falconql.specialise.task import Task
from tests.annotating.model import Scripted, answers_to, right, text_of
from tests.asking.server import Say, Server, serving
from tests.fakes import FakeProxy

TABLE = pa.table({"id": [1, 2, 3], "text": ["an apple", "a plum", "an apple and a pear"]})
QUERY = 'where label("has apple") select id, kind: choose("which", "apple", "plum"), what: span("find pear|apple")'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path))
    monkeypatch.delenv("FALCONQL_CONFIRM_USD", raising=False)
    (tmp_path / "prices.json").write_text('{"as_of": "2030-01", "models": {"dear": [9000, 9000]}}')
    monkeypatch.setenv("FALCONQL_PRICES", str(tmp_path / "prices.json"))


def against(server: Server, model: str = "m", *, agreed: list[Bill] | None = None) -> Evaluation:
    source, typed = falconql.query(QUERY).resolved(TABLE)

    def confirm(bill: Bill) -> bool:
        assert agreed is not None
        agreed.append(bill)
        return False

    there = Side("llm", LlmProxy(Endpoint(server.url, "key", model, 5.0)))
    here = Side("fake", FakeProxy())
    return against_proxy(
        typed, QUERY, source, here, there, rows=10, seed=1, confirm=None if agreed is None else confirm
    )


def test_a_model_is_compared_with() -> None:
    with serving(right) as server:
        found = against(server)
    label, choice, span = found.calls
    assert label.quality is not None
    assert label.quality.accuracy.value == 1
    assert choice.quality is not None
    assert choice.quality.questions == 2
    assert span.quality is not None
    # The words with a capital, of which there are none, against the first match.
    assert span.quality.recall.value == 0
    assert [one.there.value for one in span.worst] == [((3, 8),), ((3, 8),)]
    assert found.agreement is not None
    assert found.agreement.kept.value == 1
    assert found.notes == ()


def test_questions_without_an_answer_are_left_out() -> None:
    def answer(request: dict[str, object], before: int) -> Say:
        nonsense = "plum" in text_of(request)
        return Say("perhaps" if nonsense else json.dumps(answers_to(request)))

    with serving(Scripted(answer)) as server:
        found = against(server)
    (label, *_) = found.calls
    assert label.quality is not None
    assert label.quality.questions == 2
    assert found.agreement is None
    assert found.notes[0] == "llm gave no usable answer to 1 questions; left out"
    assert found.notes[1].startswith("whole results could not be compared: m gave no usable answer")


def test_nothing_dear_is_asked_without_consent() -> None:
    agreed: list[Bill] = []
    with serving(right) as server:
        with pytest.raises(ConfigError, match="nobody agreed to the costs: about 9 calls of dear"):
            against(server, "dear", agreed=agreed)
        with pytest.raises(ConfigError, match="nobody agreed to the costs") as caught:
            against(server, "dear")
        assert "--sample N asks about fewer rows" in str(caught.value.hint)
        source, typed = falconql.query(QUERY).resolved(TABLE)
        model = Side("llm", LlmProxy(Endpoint(server.url, "key", "dear", 5.0)))
        # A choice is one request, whatever its options; what the query does not ask is not asked.
        gold = {
            Task("label", "a plum", "has apple"): False,
            Task("label", "a plum", "which apple"): False,
            Task("label", "a plum", "which plum"): True,
            Task("label", "a plum", "has pear"): False,
        }
        with pytest.raises(ConfigError, match="nobody agreed to the costs: about 2 calls of dear") as caught:
            against_answers(typed, QUERY, source.name, model, gold, "gold")
        assert "--sample" not in str(caught.value.hint)
        assert server.requests == []
    # All three calls about all three rows: which rows the model lets through is not known before.
    assert [bill.calls for bill in agreed] == [9]
