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


def measure(proxy: Proxy, rows: Sequence[Gold], call: ModelCall) -> Measured:
    """Ask the questions of one call and compare, with the threshold that a run has.

    Raises:
        ProxyError: the proxy fails.
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("there is nothing to measure on")
    weights, strata = weights_of(rows), strata_of(rows)
    counts, right = counted(proxy, rows, call)
    some = np.array([bool(row.answer) for row in rows])

    def f1(chosen: NDArray[np.int64], given: NDArray[np.float64]) -> float:
        true, found, wanted = (counts[chosen] * given[:, None]).sum(axis=0)
        return float(2 * true / (found + wanted)) if found + wanted else 1.0

    def share(of: NDArray[np.bool_]) -> Estimate:
        return estimate(lambda chosen, given: float((of[chosen] * given).sum() / given.sum()), weights, strata)

    accuracy = share(right) if rows[0].task.kind == "label" else None
    return Measured(len(rows), estimate(f1, weights, strata), accuracy, share(some))


def counted(proxy: Proxy, rows: Sequence[Gold], call: ModelCall) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
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
