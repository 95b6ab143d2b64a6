"""From raw scores to calibrated ones: a temperature, a bias and thresholds.

Fitted on development splits of sets that were trained on, never on test splits or on families kept
out. The proxy is run by the same runtime that users run, so that what is fitted is what they get.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.proxy.base import Proxy
from falconql.runtime.proxy.decoding import is_question
from falconql.training.examples import Example, dev_examples
from falconql.training.scoring import Counts, answer_f1, exact_spans
from falconql.training.sources import TrainingSet

EDGE = 1e-7
# More likely true than not: the base rates are in the scores. Fitted to F1 on sets that were trained on, which are
# easier than others, it comes out far too low for those.
LABEL_THRESHOLD = 0.5
SPAN_THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8)
SPAN_ROWS_PER_SET = 40
LEAST_SPAN_ROWS = 5
SLACK, TIE = 0.01, 0.0025

SpanMeasure = Callable[[Proxy, Sequence[Example], float], float]


@dataclass(frozen=True, slots=True)
class Scored:
    """Label examples of a set: scores or margins, truths, and how often such labels are true where people ask."""

    scores: NDArray[np.float64]
    truth: NDArray[np.bool_]
    base_rate: float = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """What goes into a manifest, and how good it is on the sets it was fitted on."""

    temperature: float
    bias: float
    span_threshold: float
    question_threshold: float
    label_f1: float
    span_f1: float

    @property
    def scores(self) -> dict[str, float]:
        """The shares of right answers with these thresholds, on the sets they were fitted on."""
        return {
            "label_f1": round(self.label_f1, 4),
            "span_f1": round(self.span_f1, 4),
        }


def calibrate(
    proxy: Proxy,
    data: Path,
    sets: Sequence[TrainingSet],
    *,
    base_rates: Mapping[str, float] | None = None,
    rows_per_set: int = 60,
    seed: int = 11,
) -> Calibration:
    """Fit on dev examples of these sets; the proxy's own temperature must be 1 and its bias 0.

    ``base_rates`` are those that it was trained with, of each task; a half where there is none.
    """
    by_set = [dev_examples(set_, data, rows_per_set, seed) for set_ in sets]
    rates = [(base_rates or {}).get(set_.task, 0.5) for set_ in sets]
    asked = [_labelled(proxy, examples, rate) for examples, rate in zip(by_set, rates, strict=True)]
    labels = [found for found in asked if found is not None]
    temperature, bias = fit_sigmoid(labels)
    calibrated = [replace(each, scores=sigmoid(each.scores / temperature + bias)) for each in labels]
    label_f1 = mean(_kept_f1(each, LABEL_THRESHOLD) for each in calibrated)
    span_threshold, question_threshold, span_f1 = _fit_span_thresholds(proxy, by_set)
    return Calibration(temperature, bias, span_threshold, question_threshold, label_f1, span_f1)


def as_manifest(found: Calibration) -> dict[str, Any]:
    """Return the fields ``label`` and ``span`` of a manifest."""
    return {
        "label": {
            "readout": "first_token",
            "temperature": round(found.temperature, 4),
            "bias": round(found.bias, 4),
            "threshold": LABEL_THRESHOLD,
        },
        "span": {"threshold": found.span_threshold, "question_threshold": found.question_threshold},
    }


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logistic function of each value."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -60, 60))))


def _labelled(proxy: Proxy, examples: Sequence[Example], base_rate: float) -> Scored | None:
    """Return the raw margins and truths of a set's label examples; None when it lacks a side."""
    asked = [e for e in examples if isinstance(e.answer, bool)]
    truth = np.array([bool(e.answer) for e in asked])
    if len(set(truth.tolist())) < 2:
        return None
    scores = proxy.label([e.text for e in asked], [e.instruction for e in asked]).astype(np.float64)
    clipped = np.clip(scores, EDGE, 1 - EDGE)
    return Scored(np.log(clipped / (1 - clipped)), truth, base_rate)


def fit_sigmoid(labels: Sequence[Scored]) -> tuple[float, float]:
    """Return temperature and bias with the least log loss, every set weighing the same.

    Within a set true answers weigh together what its base rate says: how often an instruction is true in training
    says nothing about how often it is true in somebody's corpus.
    """
    centre, reach = (0.0, 0.0), (2.0, 3.0)  # of the logarithm of the temperature, and of the bias
    for _ in range(5):
        logs, biases = (np.linspace(c - r, c + r, 9) for c, r in zip(centre, reach, strict=True))
        grid = [(float(log), float(bias)) for log in logs for bias in biases]
        centre = min(grid, key=lambda point: mean(_log_loss(each, *point) for each in labels))
        reach = reach[0] / 3, reach[1] / 3
    return float(np.exp(centre[0])), centre[1]


def _log_loss(given: Scored, log_temperature: float, bias: float) -> float:
    logits = given.scores / np.exp(log_temperature) + bias
    losses = np.logaddexp(0.0, np.where(given.truth, -logits, logits))
    return float(given.base_rate * losses[given.truth].mean() + (1 - given.base_rate) * losses[~given.truth].mean())


def _kept_f1(given: Scored, threshold: float) -> float:
    """Return the F1 of what reaches a threshold, with as many true ones as the base rate says."""
    kept = given.scores >= threshold
    right = given.base_rate * kept[given.truth].mean()
    wrong = (1 - given.base_rate) * kept[~given.truth].mean()
    return float(2 * right / (right + wrong + given.base_rate))


def _fit_span_thresholds(proxy: Proxy, by_set: Sequence[Sequence[Example]]) -> tuple[float, float, float]:
    """Return the thresholds for types and for questions, and the mean F1 over the sets with both."""
    asked = [[e for e in examples if not isinstance(e.answer, bool)][:SPAN_ROWS_PER_SET] for examples in by_set]
    fitted = {}
    for questions in (False, True):
        groups = [[e for e in group if is_question(e.instruction) == questions] for group in asked]
        enough = [group for group in groups if len(group) >= LEAST_SPAN_ROWS]
        measure = _answer_f1 if questions else _span_f1
        # A model is less sure of questions that it was not trained on, so that the lowest is for those; but types that
        # a text has none of are asked for more often by people than by these examples.
        fitted[questions] = fit_span_threshold(proxy, enough, measure, highest=not questions)
    found = [f1 for _, scores in fitted.values() for f1 in scores]
    return fitted[False][0], fitted[True][0], mean(found) if found else 0.0


def fit_span_threshold(
    proxy: Proxy,
    groups: Sequence[Sequence[Example]],
    measure: SpanMeasure | None = None,
    *,
    highest: bool = False,
) -> tuple[float, list[float]]:
    """Return the lowest threshold within a point of the best mean F1, or the highest as good, and the F1 of each group.

    As good is what is at most a quarter of a point worse. Without any group it is 0.5. ``measure`` is exact F1 over all
    spans, if left out.
    """
    if not groups:
        return 0.5, []
    own = measure or _span_f1
    scores = {limit: [own(proxy, group, limit) for group in groups] for limit in SPAN_THRESHOLDS}
    top = max(mean(values) for values in scores.values())
    good = [limit for limit, values in scores.items() if mean(values) >= top - (TIE if highest else SLACK)]
    chosen = max(good) if highest else min(good)
    return chosen, scores[chosen]


def _span_f1(proxy: Proxy, examples: Sequence[Example], threshold: float) -> float:
    found = proxy.spans([e.text for e in examples], [e.instruction for e in examples], threshold)
    total = Counts()
    for example, spans in zip(examples, found, strict=True):
        wanted = () if isinstance(example.answer, bool) else example.answer
        total += exact_spans([(span.start, span.end) for span in spans], wanted)
    return total.f1


def _answer_f1(proxy: Proxy, examples: Sequence[Example], threshold: float) -> float:
    """Return the mean word F1 of the best span: what a query that asks a question takes as the answer."""
    found = proxy.spans([e.text for e in examples], [e.instruction for e in examples], threshold)
    scores = []
    for example, spans in zip(examples, found, strict=True):
        best = max(spans, key=lambda span: span.score, default=None)
        said = "" if best is None else example.text[best.start : best.end]
        wanted = () if isinstance(example.answer, bool) else example.answer
        scores.append(answer_f1(said, [example.text[start:end] for start, end in wanted]))
    return mean(scores)
