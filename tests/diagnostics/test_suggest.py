"""Near names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.diagnostics import suggest
from falconql.diagnostics.suggest import edit_distance, near_names

_NAMES = ["stars", "status", "title", "published", "publisher", "id", "Body"]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("star", ["stars"]),
        ("satrs", ["stars", "status"]),
        ("STARS", ["stars", "status"]),
        ("body", ["Body"]),
        ("publishd", ["published", "publisher"]),
        ("price", []),
        ("is", ["id"]),
    ],
)
def test_near_names_come_nearest_first(word: str, near: list[str]) -> None:
    assert near_names(word, _NAMES) == near


def test_at_most_four_are_given() -> None:
    assert near_names("name", [f"name{i}" for i in range(10)]) == ["name0", "name1", "name2", "name3"]


def test_a_name_is_given_once() -> None:
    assert near_names("stars", ["star", "star"]) == ["star"]


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3), ("ca", "abc", 3)],
)
def test_distance_counts_insertions_deletions_changes_and_swaps(left: str, right: str, distance: int) -> None:
    assert edit_distance(left, right) == distance


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_distance_is_symmetric_and_bounded(left: str, right: str) -> None:
    distance = edit_distance(left, right)
    assert distance == edit_distance(right, left)
    assert abs(len(left) - len(right)) <= distance <= max(len(left), len(right))
    assert (distance == 0) == (left == right)


@given(st.text("abcdX", max_size=8), st.lists(st.text("abcdX", max_size=8), max_size=6, unique=True))
def test_near_is_what_it_is_said_to_be(word: str, candidates: list[str]) -> None:
    ranked = []
    for order, candidate in enumerate(candidates):
        left, right = word.casefold(), candidate.casefold()
        distance = edit_distance(left, right)
        begins = min(len(left), len(right)) >= 3 and (left.startswith(right) or right.startswith(left))
        if begins or distance <= max(1, max(len(left), len(right)) // 3):
            ranked.append((distance, order, candidate))
    assert near_names(word, candidates) == [candidate for _, _, candidate in sorted(ranked)[: suggest.MOST]]


def test_of_thousands_of_columns_only_those_that_may_be_near_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def measure(_: str, right: str) -> int:
        measured.append(right)
        return 1

    monkeypatch.setattr(suggest, "edit_distance", measure)
    near_names("price", ["stars", "review_text", "ab", *(f"feature_{i}" for i in range(5000)), "prise", "price_inr"])
    assert measured == ["prise"]
