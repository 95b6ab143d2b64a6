"""Which questions are drawn, and what they say about all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from falconql.runtime.expression import ColumnRef
from falconql.runtime.plan import CallKind, ModelCall
from falconql.runtime.types import LABEL, TEXT
from falconql.specialise.measuring import f1_of
from falconql.specialise.questions import Asked
from falconql.specialise.sampling import LEAST, MOST, allocated, draw, share_of, size, strata_of


def made(scores: list[float], counts: list[int] | None = None, kind: CallKind = "label") -> Asked:
    call = ModelCall(kind, ColumnRef("text", TEXT), ("q",), LABEL, ("a", "b") if kind == "choose" else ())
    texts = tuple(f"text {number}" for number in range(len(scores)))
    of_rows = np.array(counts or [1] * len(scores), dtype=np.int64)
    return Asked(0, call, texts, ("q",) * len(scores), of_rows, np.array(scores))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(0, 200))
def test_every_stratum_gives_its_share(sizes: list[int], count: int) -> None:
    quotas = allocated(np.array(sizes), count)
    assert quotas.sum() == min(count, sum(sizes))
    assert (quotas <= sizes).all()
    short = quotas < sizes
    if short.any():
        # Whoever could give more has given as much as anybody, but for the rest of a division.
        assert quotas[short].min() >= quotas.max() - 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80), st.integers(1, 40), st.integers(0, 5))
@settings(max_examples=50)
def test_weights_add_up_to_the_corpus(scores: list[float], count: int, seed: int) -> None:
    counts = [1 + number % 3 for number in range(len(scores))]
    asked = made(scores, counts)
    sample = draw(asked, 10.0, count, seed)
    assert len(sample) == min(count, len(scores))
    assert len(set(sample.chosen.tolist())) == len(sample)
    again = draw(asked, 10.0, count, seed)
    assert (again.chosen == sample.chosen).all()
    if len(sample) == len(scores):
        assert sample.weights.sum() == pytest.approx(10.0 * sum(counts))


def test_rare_positives_are_all_there() -> None:
    scores = [0.02] * 980 + [0.95] * 10 + [0.5] * 10
    sample = draw(made(scores), 1.0, 60, seed=3)
    drawn = np.array(scores)[sample.chosen]
    assert (drawn > 0.9).sum() == 10
    assert (drawn == 0.5).sum() == 10
    assert (drawn < 0.1).sum() == 40
    assert sample.weights.sum() == pytest.approx(1000)


def test_estimates_are_not_biased_by_the_drawing() -> None:
    random = np.random.default_rng(0)
    scores = random.beta(0.3, 3, 4000)
    truth = random.random(4000) < scores
    values = []
    for seed in range(40):
        sample = draw(made(scores.tolist()), 1.0, 200, seed)
        found = share_of(truth[sample.chosen], sample.weights, sample.strata)
        values.append((found.value, found.low <= truth.mean() <= found.high))
    assert np.mean([value for value, _ in values]) == pytest.approx(truth.mean(), abs=0.01)
    assert np.mean([inside for _, inside in values]) >= 0.9


@pytest.mark.parametrize(("rows", "rate"), [(13, 0.03), (64, 0.01), (200, 0.01), (20, 0.5), (100, 1.0)])
def test_what_is_rare_is_within_the_interval_though_no_row_shows_it(rows: int, rate: float) -> None:
    random = np.random.default_rng(1)
    inside = []
    for _ in range(40):
        found = share_of(random.random(rows) < rate, np.ones(rows))
        inside.append(found.low <= rate <= found.high)
    assert np.mean(inside) >= 0.85


def test_a_stratum_of_one_row_is_not_certain() -> None:
    found = share_of(np.array([True, False]), np.array([900.0, 100.0]), np.array([0, 1]))
    assert found.value == pytest.approx(0.9)
    assert found.low < 0.5
    assert found.high > 0.95


def test_rows_that_are_alike_are_drawn_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(100_000)
    counts = np.column_stack([rows % 4 == 0, rows % 2 == 0, rows % 4 == 0]).astype(np.float64)
    drawn: list[int] = []
    generator = np.random.default_rng

    class Watched:
        def __init__(self, seed: int) -> None:
            self.rng = generator(seed)

        def standard_gamma(self, shapes: NDArray[np.float64]) -> NDArray[np.float64]:
            drawn.append(len(shapes))
            return self.rng.standard_gamma(shapes)

    monkeypatch.setattr(np.random, "default_rng", Watched)
    found = f1_of(counts, np.ones(len(rows)), np.zeros(len(rows), dtype=np.int64))
    # Three kinds of rows, and what none of them shows.
    assert max(drawn) < 20
    assert found.low == pytest.approx(2 / 3 - 0.004, abs=0.001)
    assert found.high == pytest.approx(2 / 3 + 0.004, abs=0.001)


def test_choices_have_a_stratum_each_and_spans_one() -> None:
    assert strata_of(made([0.0, 1.0, 1.0], kind="choose")).tolist() == [0, 1, 1]
    assert strata_of(made([0.1, 0.9], kind="spans")).tolist() == [0, 0]
    assert strata_of(made([0.0, 0.2, 1.0])).tolist() == [0, 1, 4]


@pytest.mark.parametrize(
    ("rows", "scale", "wanted"), [(10, 1.0, 10), (500, 1.0, LEAST), (4000, 1.0, 200), (4000, 100.0, MOST)]
)
def test_five_in_a_hundred_are_drawn_within_bounds(rows: int, scale: float, wanted: int) -> None:
    assert size(made([0.5] * rows), scale) == wanted


def test_nothing_is_drawn_from_nothing() -> None:
    assert len(draw(made([]), 1.0, 10, 0)) == 0
