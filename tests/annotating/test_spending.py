"""Annotating within a budget of calls, tokens or dollars."""

from __future__ import annotations

from pathlib import Path

import pytest

from falconql.annotating import Question
from falconql.annotating.annotator import Progress
from falconql.annotating.budget import Budget
from falconql.errors import ConfigError
from tests.annotating.model import (
    FIND_APPLE,
    HAS_APPLE,
    NONSENSE,
    annotator,
    right,
    texts,
)
from tests.asking.server import Say, serving


def test_calls_are_never_exceeded(tmp_path: Path) -> None:
    with serving(right) as server:
        made = annotator(server, tmp_path, budget=Budget(7, "calls"))
        found = [label for (label,) in made.annotate(texts(30), [HAS_APPLE])]
        assert len(server.requests) == 7
        assert found.count(None) == made.usage.unasked == 23
        assert made.usage.failed == 0
        assert made.out_of_budget
        assert "23 left unasked by the budget" in str(made.usage)
        more = annotator(server, tmp_path, budget=Budget(23, "calls")).annotate(texts(30), [HAS_APPLE])
    assert [label for (label,) in more] == ["apple" in text for text in texts(30)]
    assert len(server.requests) == 30


def test_questions_that_are_left_unasked_are_counted_and_not_their_windows(tmp_path: Path) -> None:
    long = [" ".join(f"{word} {number}" for number in range(300)) for word in ("plum", "pear")]
    seen: list[Progress] = []
    with serving(right) as server:
        made = annotator(server, tmp_path, budget=Budget(3, "calls"), in_flight=1, window=200, overlap=20)
        assert made.annotate(long, [HAS_APPLE], on_progress=seen.append) == [[None], [None]]
    assert len(made.requests([Question(HAS_APPLE, text) for text in long])) == seen[-1].total > 20
    assert seen[-1].done == 3
    assert made.usage.unasked == 2
    assert made.left_unasked(Question(HAS_APPLE, long[0]))
    assert not made.left_unasked(Question(FIND_APPLE, long[0]))


def test_a_model_that_thinks_before_it_answers_keeps_to_the_budget(tmp_path: Path) -> None:
    thinking = Say(
        body='{"choices": [{"message": {"role": "assistant", "content": "{\\"1\\": \\"yes\\"}"}, "index": 0, '
        '"finish_reason": "stop"}], "usage": {"prompt_tokens": 600, "completion_tokens": 5400}}'
    )
    with serving([thinking]) as server:
        made = annotator(server, tmp_path, budget=Budget(100_000, "tokens"))
        made.annotate(texts(60), [HAS_APPLE])
    assert len(server.requests) == 100_000 // 6_000
    assert made.usage.tokens <= 100_000


def test_a_second_try_is_a_call_too(tmp_path: Path) -> None:
    with serving([NONSENSE]) as server:
        made = annotator(server, tmp_path, budget=Budget(3, "calls"), in_flight=1)
        assert made.annotate(texts(2), [HAS_APPLE]) == [[None], [None]]
    assert len(server.requests) == 3


def test_requests_without_a_reply_use_up_no_budget(tmp_path: Path) -> None:
    with serving([*[Say("no", status=500)] * 5, Say('{"1": true}')]) as server:
        made = annotator(server, tmp_path, budget=Budget(3, "calls"), in_flight=1)
        found = [label for (label,) in made.annotate(texts(9), [HAS_APPLE])]
    assert found == [None] * 5 + [True] * 3 + [None]
    assert (made.usage.failed, made.usage.unasked) == (5, 1)


def test_money_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices.json").write_text('{"as_of": "2030-01", "models": {"m": [1000, 0]}}')
    monkeypatch.setenv("FALCONQL_PRICES", str(tmp_path / "prices.json"))
    with serving(right) as server:
        made = annotator(server, tmp_path, budget=Budget(0.5, "usd"), in_flight=1)
        made.annotate(texts(100), [HAS_APPLE])
    assert 0 < (made.usage.dollars or 0.0) <= 0.5
    assert made.usage.unasked > 0


def test_a_budget_in_dollars_needs_a_price(tmp_path: Path) -> None:
    with serving(right) as server, pytest.raises(ConfigError, match="server of your own"):
        annotator(server, tmp_path, budget=Budget(2, "usd"))
