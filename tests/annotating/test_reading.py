"""What a model wrote back, as answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.annotating.reading import Said, read
from falconql.annotating.task import Task

LABEL, SPANS = Task("label", "Is it?"), Task("spans", "Extract it")
CHOICE = Task("choose", "Which?", ("red", "dark blue"))


@pytest.mark.parametrize(
    "reply",
    [
        '{"1": true, "2": ["a", "b"]}',
        'Here you are:\n```json\n{"1": true, "2": ["a", "b"]}\n```\nAnything else?',
        '<think>{"1": false, "2": []} no, wait</think>\n{"1": true, "2": ["a", "b"]}',
        'First I thought {"1": false, "2": []}, but {"1": true, "2": ["a", "b"]}',
        '[true, ["a", "b"]]',
        '{"1": "yes", "2": ["a", "b"], "3": "more"}',
        'Of {3} the answer {is} {"1": true, "2": ["a", "b"]}',
    ],
)
def test_answers_are_found_in_what_stands_around_them(reply: str) -> None:
    assert read(reply, [LABEL, SPANS]) == [True, ("a", "b")]


@pytest.mark.parametrize(
    ("reply", "task", "answer"),
    [
        ("true", LABEL, True),
        ("No.", LABEL, False),
        ('"yes"', LABEL, True),
        ('["a"]', SPANS, ("a",)),
        ("[]", SPANS, ()),
        ('{"1": "Dark  Blue"}', CHOICE, "dark blue"),
        ("red", CHOICE, "red"),
        ('[["a", "b"]]', SPANS, ("a", "b")),
    ],
)
def test_one_task_may_be_answered_without_an_object(reply: str, task: Task, answer: Said) -> None:
    assert read(reply, [task]) == [answer]


@pytest.mark.parametrize("reply", ["", "I cannot do that.", '{"1": 1, "2": "a"}', '{"1": nul', "{" * 5000, "[1, 2, 3]"])
def test_nonsense_is_no_answer(reply: str) -> None:
    assert read(reply, [LABEL, SPANS]) == [None, None]


def test_what_is_there_counts_when_something_is_missing() -> None:
    assert read('{"1": true}', [LABEL, SPANS]) == [True, None]
    assert read('{"1": "perhaps", "2": []}', [LABEL, SPANS]) == [None, ()]
    assert read('{"1": "green"}', [CHOICE]) == [None]


@given(st.text(max_size=200))
def test_any_reply_is_read_without_a_crash(reply: str) -> None:
    assert len(read(reply, [LABEL, SPANS, CHOICE])) == 3
