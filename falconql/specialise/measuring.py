"""How well a proxy answers annotated questions, estimated for the whole corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.calls import label_threshold
from falconql.runtime.plan import ModelCall
from falconql.runtime.proxy.base import Proxy
from falconql.specialise.gold import Gold, strata_of, weights_of
from falconql.specialise.sampling import Estimate, estimate
from falconql.training.scoring import word_spans

# An F1 that falls by less is nothing to act on, however surely it falls; int8 may lose as much.
LEAST_LOSS = 0.02
# The fewest annotated texts leave four to measure on; fewer answers say nothing.
LEAST_ROWS = 4

Counts = NDArray[np.float64]
"""Of each row what was right, found and wanted [rows, 3]."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One call's quality.

    Attributes:
        rows: questions it was measured on.
        f1: of the label, or of the words of the spans.
        accuracy: of the label; None for spans.
        positives: share of rows for which the right answer is yes, or some span.
    """

    rows: int
    f1: Estimate
    accuracy: Estimate | None
    positives: Estimate


@dataclass(frozen=True, slots=True)
class Compared:
    """One call's quality before and after training, on the same questions.

    Attributes:
        before, after: of the base and of what was trained from it.
        worse: it fell plainly: by more than what chance does to so few questions.
    """

    before: Measured
    after: Measured
    worse: bool


def compare(base: Proxy, trained: Proxy, rows: Sequence[Gold], call: ModelCall) -> Compared:
    """Measure two proxies on the same questions of one call.

    Raises:
        ProxyError: one of them fails.
    """
    before, after = counted(base, rows, call), counted(trained, rows, call)
    return Compared(_measured(rows, *before), _measured(rows, *after), _is_worse(rows, before[0], after[0]))


def _measured(rows: Sequence[Gold], counts: Counts, right: NDArray[np.bool_]) -> Measured:
    weights, strata = weights_of(rows), strata_of(rows)
    some = np.array([bool(row.answer) for row in rows])

    def share(of: NDArray[np.bool_]) -> Estimate:
        return estimate(lambda chosen, given: float((of[chosen] * given).sum() / given.sum()), weights, strata)

    f1 = estimate(lambda chosen, given: _f1(counts[chosen], given), weights, strata)
    return Measured(len(rows), f1, share(right) if rows[0].task.kind == "label" else None, share(some))


def _f1(counts: Counts, weights: NDArray[np.float64]) -> float:
    true, found, wanted = (counts * weights[:, None]).sum(axis=0)
    return float(2 * true / (found + wanted)) if found + wanted else 1.0


def _is_worse(rows: Sequence[Gold], before: Counts, after: Counts) -> bool:
    """Return whether the 95 % interval of the difference lies below zero.

    That of a difference on the same questions: the intervals of before and after overlap where a dozen questions are
    all there is, even if half of the answers have become wrong; and the mere estimate falls in every second training
    that changes nothing. Rows are drawn from all at once: within strata of one or two, one wrong answer were no chance.
    """

    def gain(chosen: NDArray[np.int64], given: NDArray[np.float64]) -> float:
        return _f1(after[chosen], given) - _f1(before[chosen], given)

    found = estimate(gain, weights_of(rows), np.zeros(len(rows), dtype=np.int64))
    return len(rows) >= LEAST_ROWS and found.value <= -LEAST_LOSS and found.high < 0


def counted(proxy: Proxy, rows: Sequence[Gold], call: ModelCall) -> tuple[Counts, NDArray[np.bool_]]:
    """Return for each row what was right, found and wanted [rows, 3], and whether the answer was right."""
    texts, asked = [row.task.text for row in rows], [row.task.instruction for row in rows]
    if rows[0].task.kind == "label":
        if call.kind == "label":
            limits = np.full(len(rows), label_threshold(call, proxy), dtype=np.float32)
        else:  # an option of ``choose`` is a label of its own here
            limits = np.array([proxy.label_threshold_of(instruction) for instruction in asked], dtype=np.float32)
        said = proxy.label(texts, asked) >= limits
        true = np.array([bool(row.answer) for row in rows])
        return np.stack([said & true, said, true], axis=1).astype(np.float64), said == true
    counts = []
    for row, spans in zip(rows, proxy.spans(texts, asked, call.threshold), strict=True):
        wanted = () if isinstance(row.answer, bool) else row.answer
        own = word_spans(row.task.text, [(span.start, span.end) for span in spans], wanted)
        counts.append((own.right, own.predicted, own.wanted))
    found = np.array(counts, dtype=np.float64)
    return found, (found[:, 0] == found[:, 1]) & (found[:, 0] == found[:, 2])
