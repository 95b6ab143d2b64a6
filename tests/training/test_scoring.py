"""How good answers are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.training.scoring import (
    Counts,
    accuracy,
    answer_f1,
    balanced_accuracy,
    bootstrap,
    calibration_error,
    class_f1,
    exact_spans,
    macro_f1,
    threshold_loss,
    word_spans,
)

TEXT = "Ada Lovelace visited Paris."


def test_exact_spans_need_both_ends() -> None:
    assert exact_spans([(0, 3), (21, 26)], [(0, 12), (21, 26)]) == Counts(right=1, predicted=2, wanted=2)


def test_words_count_by_what_is_covered() -> None:
    assert word_spans(TEXT, [(0, 3), (21, 26)], [(0, 12), (21, 26)]) == Counts(right=2, predicted=2, wanted=3)


PLACES = st.integers(0, 24)


@given(st.text(alphabet="ab .é🙂", max_size=24), st.lists(st.tuples(PLACES, PLACES), max_size=4))
def test_a_word_counts_that_a_span_has_a_part_of(text: str, spans: list[tuple[int, int]]) -> None:
    words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
    covered = [word for word in words if any(word[0] < end and start < word[1] for start, end in spans)]
    assert word_spans(text, spans, [(0, 24)]) == Counts(len(covered), len(covered), len(words))


def test_nothing_wanted_and_nothing_found_is_perfect() -> None:
    assert Counts().f1 == 1.0
    assert Counts(right=0, predicted=1, wanted=0).f1 == 0.0


def test_f1_over_rows_is_micro() -> None:
    total = exact_spans([(0, 1)], [(0, 1)]) + exact_spans([], [(0, 1), (2, 3)])
    assert total.f1 == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("predicted", "wanted", "score"),
    [
        ("the Paris", ["paris"], 1.0),
        ("Paris, France", ["Paris", "Lyon"], 2 / 3),
        ("Lyon", ["Paris"], 0.0),
        ("", ["Paris"], 0.0),
        ("", [], 1.0),
        ("Paris", [], 0.0),
    ],
)
def test_answers_score_as_in_squad(predicted: str, wanted: list[str], score: float) -> None:
    assert answer_f1(predicted, wanted) == pytest.approx(score)


def test_label_measures() -> None:
    got, wanted = [True, True, False, False], [True, False, False, False]
    assert accuracy(got, wanted) == 0.75
    assert class_f1(got, wanted, True) == pytest.approx(2 / 3)
    assert macro_f1(got, wanted) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert balanced_accuracy(got, wanted) == pytest.approx((1 + 2 / 3) / 2)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5))
def test_spans_against_themselves_are_perfect(spans: list[tuple[int, int]]) -> None:
    assert exact_spans(spans, spans).f1 == 1.0
    assert word_spans(TEXT, spans, spans).f1 == 1.0


def test_calibration_error_is_the_distance_of_score_and_share() -> None:
    assert calibration_error([0.95] * 20, [True] * 19 + [False]) == pytest.approx(0)
    assert calibration_error([0.95] * 20, [False] * 20) == pytest.approx(0.95)
    assert calibration_error([0.05, 1.0], [False, True]) == pytest.approx(0.025)


def test_threshold_loss_is_what_the_best_threshold_would_gain() -> None:
    assert threshold_loss([0.9, 0.8, 0.3], [True, True, False], 0.5) == 0
    assert threshold_loss([0.4, 0.3, 0.1], [True, True, False], 0.5) == 1
    assert threshold_loss([0.5, 0.5], [True, False], 0.9) == pytest.approx(2 / 3)


def test_bootstrap_intervals_hold_the_value_and_narrow_with_rows() -> None:
    def interval(rows: int) -> tuple[float, float]:
        values = np.arange(rows) % 4 == 0
        return bootstrap(lambda chosen: float(values[chosen].mean()), rows)

    (low, high), (lower, higher) = interval(40), interval(4000)
    assert low < 0.25 < high
    assert lower < 0.25 < higher
    assert (higher - lower) * 5 < high - low
    assert bootstrap(lambda rows: 1.0, 5) == (1.0, 1.0)
