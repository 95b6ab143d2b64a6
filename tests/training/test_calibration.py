"""From raw scores to calibrated ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from falconql.runtime.proxy.base import Proxy, SpanValue
from falconql.runtime.proxy.decoding import is_question
from falconql.training.calibration import (
    LABEL_THRESHOLD,
    Scored,
    _kept_f1,
    as_manifest,
    calibrate,
    fit_sigmoid,
    fit_span_threshold,
    sigmoid,
)
from falconql.training.examples import Example
from falconql.training.sources import sets_in
from tests.training.made_data import write_sets


def drawn(temperature: float, bias: float) -> Scored:
    """Margins whose calibrated probability is known, with answers drawn from it."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, 3_000)
    truth = random.random(logits.size) < sigmoid(logits)
    return Scored((logits - bias) * temperature, truth)


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (3.0, 0.5), (0.5, -1.0)])
def test_the_sigmoid_that_made_the_scores_is_found(temperature: float, bias: float) -> None:
    found = fit_sigmoid([drawn(temperature, bias)])
    assert found == pytest.approx((temperature, bias), rel=0.15, abs=0.11)


def test_scores_are_low_where_labels_are_rarely_true() -> None:
    made = drawn(1.0, 0.0)
    _, bias = fit_sigmoid([replace(made, base_rate=0.2)])
    assert bias == pytest.approx(np.log(0.2 / 0.8), abs=0.11)


def test_f1_counts_as_many_true_ones_as_the_base_rate_says() -> None:
    scores = np.concatenate([np.repeat([0.9, 0.1], 10), np.repeat([0.9, 0.1], [2, 18])])
    given = Scored(scores, np.arange(40) < 20, base_rate=0.2)
    assert _kept_f1(given, 0.5) == pytest.approx(2 * 0.1 / (0.1 + 0.08 + 0.2))


def test_the_lowest_or_the_highest_of_like_thresholds_is_taken() -> None:
    def measure(proxy: Proxy, examples: Sequence[Example], threshold: float) -> float:
        good = {0.25: 0.795, 0.3: 0.8, 0.5: 0.798, 0.6: 0.795}
        return good.get(threshold, 0.7)

    group = [[Example("Extract the place", "Oslo", ((0, 4),))]]
    assert fit_span_threshold(_Reader(), group, measure)[0] == 0.25
    assert fit_span_threshold(_Reader(), group, measure, highest=True) == (0.5, [0.798])


class _Reader:
    """Right about every label with raw score 0.8 against 0.7.

    Finds capitals as types, with nonsense below 0.65, and as the answers to questions, of which it is less sure.
    """

    name = fingerprint = "reader"
    label_threshold = 0.5
    tokens_run = 0

    def label_threshold_of(self, instruction: str) -> float:
        return self.label_threshold

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        true = ["visited" in text or "liked" in text for text in texts]
        return np.where(true, 0.8, 0.7).astype(np.float32)

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        limit = threshold or 0.5
        found = []
        for text, instruction in zip(texts, instructions, strict=True):
            score = 0.6 if is_question(instruction) else 0.9
            unsure = [] if score == 0.6 else [SpanValue(0, 3, 0.65)]
            capitals = [SpanValue(*m.span(), score) for m in re.finditer(r"[A-Z]\w+", text)]
            if instruction.lower().startswith("where"):  # the place comes last; who left is nowhere
                capitals = [] if "left" in text else capitals[-1:]
            spans = [*unsure, *capitals]
            found.append([span for span in spans if span.score >= limit])
        return found

    def count_tokens(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.int64]:
        return np.array([len(text) for text in texts])


def test_calibration_moves_a_biased_proxy_to_the_middle(tmp_path: Path) -> None:
    data = write_sets(tmp_path)
    found = calibrate(_Reader(), data, sets_in(data), rows_per_set=24)
    low, high = sigmoid(np.log([0.7 / 0.3, 0.8 / 0.2]) / found.temperature + found.bias)
    assert low < LABEL_THRESHOLD < high
    assert found.span_threshold > 0.65
    assert found.question_threshold < 0.6
    assert as_manifest(found)["span"] == {
        "threshold": found.span_threshold,
        "question_threshold": found.question_threshold,
    }
    assert as_manifest(found)["label"]["threshold"] == LABEL_THRESHOLD
