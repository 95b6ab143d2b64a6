"""Scores and thresholds of the instructions that a proxy was trained for.

Few rows are held out, so that what they say is balanced against the proxy's general calibration; a threshold moves only
where there are enough of both answers to place it.

An instruction that quotes values has one calibration, whatever fills it: few rows of those held out quote the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.plan import ModelCall
from falconql.runtime.proxy.base import HOLE, Proxy, with_holes
from falconql.runtime.proxy.manifest import LabelCalibration
from falconql.specialise.gold import Gold, weights_of
from falconql.specialise.task import Task, question_and_option
from falconql.training.calibration import EDGE, fit_span_threshold, sigmoid

# What the general calibration weighs, in rows.
PRIOR_ROWS = 4.0
# A row that stands for much more of the corpus than the others must not decide alone.
MOST_WEIGHT = 5.0
ENOUGH = 8
THRESHOLDS = np.round(np.linspace(0.2, 0.8, 25), 3)


def calibrations(
    proxy: Proxy, rows: Sequence[Gold], general: LabelCalibration, calls: Sequence[ModelCall] = ()
) -> dict[str, dict[str, Any]]:
    """Return what goes into ``label.instructions`` and ``span.instructions`` of the manifest.

    Args:
        proxy: the trained one, with temperature 1 and bias 0.
        rows: annotated questions that were not learned from.
        general: the calibration for every other instruction.
        calls: the query's model calls, by the numbers in the rows; without them every instruction is taken as it is.
    """
    by_instruction: Mapping[tuple[str, str], dict[Task, Gold]] = defaultdict(dict)
    for row in rows:
        instruction = template_of(calls[row.call], row.task.instruction) if calls else row.task.instruction
        by_instruction[row.task.kind, instruction].setdefault(row.task, row)  # one answer, however many calls ask
    labels: dict[str, Any] = {}
    spans: dict[str, Any] = {}
    for (kind, instruction), answers in sorted(by_instruction.items(), key=lambda item: item[0]):
        own = list(answers.values())
        if kind == "label":
            found = label_calibration(proxy, own, general)
            labels[instruction] = {
                "temperature": round(found.temperature, 4),
                "bias": round(found.bias, 4),
                "threshold": found.threshold,
            }
        elif sum(bool(row.answer) for row in own) >= ENOUGH:
            threshold, _ = fit_span_threshold(proxy, [[row.example for row in own]])
            spans[instruction] = {"threshold": threshold}
    return {"label": labels, "span": spans}


def template_of(call: ModelCall, instruction: str) -> str:
    """Return an instruction of a call with holes for what it quotes; as it is where no words stand around them."""
    template = with_holes(call.instruction)
    if not _quotes(call) or not any(char.isalnum() for char in template.replace(HOLE, "")):
        return instruction
    _, option = question_and_option(call, instruction)
    return f"{template} {option}" if option else template


def _quotes(call: ModelCall) -> bool:
    return not all(isinstance(part, str) for part in call.instruction)


def label_calibration(proxy: Proxy, rows: Sequence[Gold], general: LabelCalibration) -> LabelCalibration:
    """Fit temperature, bias and threshold to the rows of one instruction, near the general ones."""
    scores = proxy.label([row.task.text for row in rows], [row.task.instruction for row in rows]).astype(np.float64)
    clipped = np.clip(scores, EDGE, 1 - EDGE)
    margins = np.log(clipped / (1 - clipped))
    truth = np.array([bool(row.answer) for row in rows])
    weights = weights_of(rows)
    weights = np.minimum(weights / weights.mean(), MOST_WEIGHT)
    temperature, bias = _fitted(margins, truth, weights, general)
    calibrated = sigmoid(margins / temperature + bias)
    return LabelCalibration(temperature, bias, _threshold(calibrated, truth, weights, general.threshold))


def _fitted(
    margins: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64], general: LabelCalibration
) -> tuple[float, float]:
    start = float(np.log(general.temperature))

    def loss(point: tuple[float, float]) -> float:
        logits = margins / np.exp(point[0]) + point[1]
        data = (weights * np.logaddexp(0.0, np.where(truth, -logits, logits))).sum()
        return float(data + PRIOR_ROWS * ((point[0] - start) ** 2 + 0.25 * (point[1] - general.bias) ** 2))

    centre, reach = (start, general.bias), (1.5, 4.0)
    for _ in range(6):
        axes = [np.linspace(c - r, c + r, 9) for c, r in zip(centre, reach, strict=True)]
        centre = min(((float(x), float(y)) for x in axes[0] for y in axes[1]), key=loss)
        reach = reach[0] / 3, reach[1] / 3
    return float(np.exp(centre[0])), centre[1]


def _threshold(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], weights: NDArray[np.float64], general: float
) -> float:
    """Return the middle of the thresholds with the best F1, or the general one where answers are few."""
    if min(int(truth.sum()), int((~truth).sum())) < ENOUGH:
        return general
    wanted = weights[truth].sum()
    f1 = np.array(
        [2 * weights[truth & (scores >= t)].sum() / (weights[scores >= t].sum() + wanted) for t in THRESHOLDS]
    )
    smooth = np.convolve(np.pad(f1, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    return float(np.median(THRESHOLDS[smooth >= smooth.max() - 1e-9]))
