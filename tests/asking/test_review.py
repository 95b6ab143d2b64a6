"""What is noted of a query that may not say what the instruction says, and what is not."""

from __future__ import annotations

import pytest

from falconql.asking import plan
from falconql.asking.frame.quantities import values_in_any_unit
from falconql.asking.loop import Answer
from falconql.llm.endpoint import Endpoint
from tests.asking.server import Say, serving

GAMES = {
    "game": ["Hades", "Portal", "Braid"],
    "playtime_minutes": [10, 300, 4000],
    "review": ["It is not what I hoped for, so that I would like to have my money back, please."] * 3,
}


def answered(instruction: str, query: str) -> Answer:
    with serving([Say(query)], models=[("m", "vllm")]) as server:
        return plan(instruction, GAMES, endpoint=Endpoint(server.url, "k", "m"))


@pytest.mark.parametrize(
    ("instruction", "query"),
    [
        (
            "reviews by people who want a refund, played for under two hours",
            'where playtime_minutes < 120 and label("Does the player want a refund?") select game, review',
        ),
        ("how many rows", "select n: count()"),
        ("how many rows are there in the whole table", "select n: count()"),
        ("everything", "select *"),
        ("all of the data", "select *"),
        ("more than ten hours played", "where playtime_minutes > 600"),
    ],
)
def test_a_right_query_is_not_doubted(instruction: str, query: str) -> None:
    answer = answered(instruction, query)
    assert answer.notes == ()
    assert len(answer.tries) == 1


@pytest.mark.parametrize(
    ("instruction", "query", "note"),
    [
        (
            "people who want a refund, and crashes",
            'where label("Does the player want a refund?")',
            "nothing of: crashes",
        ),
        ("people who want a refund", "select *", "nothing of: people who want a refund"),
        ("how many rows", "select *", "wants a number of rows"),
        ("played for over 7 hours", "where playtime_minutes > 60", "says 7, the query does nothing with it"),
    ],
)
def test_what_is_left_out_is_still_noted(instruction: str, query: str, note: str) -> None:
    assert any(note in each for each in answered(instruction, query).notes)


def test_long_times_in_short_units_are_whole_numbers() -> None:
    assert {"10", "600", "36000"} <= values_in_any_unit("over 10 hours")
