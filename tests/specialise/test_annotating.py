"""A language model as annotator of a training: requests, consent, budget, and answers given twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from falconql.annotating.billing import Bill
from falconql.errors import ConfigError
from falconql.specialise.annotating import ModelAnnotator
from falconql.specialise.task import Task
from tests.annotating.model import Scripted, answers_to, right, texts
from tests.asking.server import Say, Server, serving


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OPENAI_API_KEY", "FALCONQL_MODEL", "FALCONQL_CONFIRM_USD", "FALCONQL_WINDOW"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "prices.json").write_text('{"as_of": "2030-01", "models": {"dear": [9000, 9000], "cheap": [0, 0]}}')
    monkeypatch.setenv("FALCONQL_PRICES", str(tmp_path / "prices.json"))
    return tmp_path / "answers"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(right) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


def tasks(count: int = 60) -> list[Task]:
    """Two questions about each of some texts."""
    return [
        task for text in texts(count) for task in (Task("label", text, "has apple"), Task("spans", text, r"find \d+"))
    ]


def test_all_questions_about_a_text_share_a_request_and_some_texts_are_asked_twice(
    server: Server, folder: Path
) -> None:
    progress: list[tuple[int, int]] = []
    model = ModelAnnotator("cheap", folder, on_progress=lambda done, of: progress.append((done, of)))
    answers = model.annotate(tasks())
    assert answers[:4] == [True, ((5, 6),), False, ((5, 6),)]
    assert progress[-1] == (60, 60)
    assert (model.agreement.asked, model.agreement.same) == (6, 6)
    assert model.usage.requests == 60 + 3
    # What is on disk is not asked again, not even the second time.
    again = ModelAnnotator("cheap", folder)
    assert again.annotate(tasks()) == answers
    assert again.usage.requests == 0
    assert again.agreement == model.agreement


def test_what_a_model_does_not_hold_to_is_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: dict[str, object], before: int) -> Say:
        said = answers_to(request)
        return Say(json.dumps({**said, "1": not said["1"]} if before else said))

    with serving(Scripted(answer)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        model = ModelAnnotator("cheap", folder)
        model.annotate(tasks())
    assert model.agreement.same == model.agreement.asked / 2


def test_nonsense_half_of_the_time_costs_half_of_the_answers_at_most(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: dict[str, object], before: int) -> Say:
        return Say("As an AI I would say: it depends." if before % 2 == 0 else json.dumps(answers_to(request)))

    with serving(Scripted(answer)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        answers = ModelAnnotator("cheap", folder).annotate(tasks(20))
    assert None not in answers


def test_a_dear_annotation_is_agreed_to(server: Server, folder: Path) -> None:
    bills: list[Bill] = []

    def confirm(bill: Bill) -> bool:
        bills.append(bill)
        return False

    for agrees in (confirm, None):
        with pytest.raises(ConfigError, match="nobody agreed to the costs: about 63 calls of dear"):
            ModelAnnotator("dear", folder, confirm=agrees).annotate(tasks())
    assert (bills[0].calls, bills[0].rows) == (63, 60)
    assert server.requests == []
    # Whoever sets a limit has agreed to it.
    told: list[tuple[int, int]] = []
    model = ModelAnnotator("dear", folder, budget="20calls", on_progress=lambda done, of: told.append((done, of)))
    answers = model.annotate(tasks())
    assert len(server.requests) == 20
    assert sum(answer is not None for answer in answers) == 40
    # What is not answered is not asked twice, and nothing is called asked that was not.
    assert model.usage.unasked == model.unasked == 80
    assert model.agreement.asked == 0
    assert told[-1] == (20, 60)


def test_a_bill_counts_windows_and_what_is_asked_twice(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALCONQL_WINDOW", "200")
    bills: list[Bill] = []
    long = [Task("label", f"Text {number} about an apple. " * 40, "has apple") for number in range(5)]

    def confirm(bill: Bill) -> bool:
        bills.append(bill)
        return True

    model = ModelAnnotator("cheap", folder, confirm=confirm)
    model.annotate(long)
    assert bills[0].calls == model.usage.requests > 20
    assert bills[0].rows == 5


def test_a_budget_is_for_all_runs_of_a_training(server: Server, folder: Path) -> None:
    for budget, asked in (("20calls", 20), ("20calls", 20), ("30calls", 30)):
        model = ModelAnnotator("cheap", folder, budget=budget, ledger=folder.parent / "spent.jsonl")
        assert model.spent_earlier == len(server.requests)
        model.annotate(tasks())
        assert len(server.requests) == asked
    assert model.unasked == 60


def test_what_cannot_be_asked_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigError, match="no language model is set up"):
        ModelAnnotator("m", folder)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(ConfigError, match="is no budget"):
        ModelAnnotator("m", folder, budget="much")
    with pytest.raises(ConfigError, match="a budget in dollars cannot be kept"):
        ModelAnnotator("m", folder, budget="2usd")
