"""How well a proxy answers annotated questions, estimated for the whole corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.calls import label_threshold
from falconql.runtime.plan import ModelCall
from falconql.runtime.proxy.base import Proxy, SpanValue
from falconql.specialise.gold import Gold, strata_of, weights_of
from falconql.specialise.sampling import Estimate, estimate, share_of
from falconql.specialise.task import Spans, question_and_option
from falconql.training.scoring import Counts as WordCounts
from falconql.training.scoring import bootstrap, word_spans

# An F1 that falls by less is nothing to act on, however surely it falls; int8 may lose as much.
LEAST_LOSS = 0.02
# The fewest annotated texts leave four to measure on; fewer answers say nothing.
LEAST_ROWS = 4

Counts = NDArray[np.float64]
"""Of each row what was right, found and wanted [rows, 3]."""
# What one question can show: found and right, found and wrong, missed, and nothing there.
OUTCOMES: Counts = np.array([[1, 1, 1], [0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Measured:
    """One call's quality.

    Attributes:
        rows: questions it was measured on.
        f1: of the label, of the words of the spans, or of the options that are chosen.
        accuracy: of the label or the choice; None for spans.
        positives: share of rows for which the right answer is yes, or some span or option.
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


def compare(base: Proxy, trained: Proxy, rows: Sequence[Gold], call: ModelCall, annotated: Sequence[Gold]) -> Compared:
    """Measure two proxies on the same questions of one call.

    Args:
        base: the one before.
        trained: the one after.
        rows: what neither learned from.
        call: what asks them.
        annotated: all rows of the call that have an answer, which say how often it is yes: a rare one is learned from.

    Raises:
        ProxyError: one of them fails.
    """
    before, after = counted(base, rows, call), counted(trained, rows, call)
    weights, strata = _of_questions(rows, call, weights_of(rows)), _of_questions(rows, call, strata_of(rows))
    positives = share_of(
        _of_questions(annotated, call, np.array([bool(row.answer) for row in annotated]), np.logical_or),
        _of_questions(annotated, call, weights_of(annotated)),
        _of_questions(annotated, call, strata_of(annotated)),
    )

    def measured(counts: Counts, right: NDArray[np.bool_]) -> Measured:
        accuracy = share_of(right, weights, strata) if rows[0].task.kind == "label" else None
        return Measured(len(counts), f1_of(counts, weights, strata), accuracy, positives)

    return Compared(measured(*before), measured(*after), _is_worse(weights, before[0], after[0]))


def f1_of(counts: Counts, weights: NDArray[np.float64], strata: NDArray[np.int64]) -> Estimate:
    """Return the F1 of weighted questions."""
    return estimate(_f1, counts, weights, strata, unseen=outcomes(counts))


def outcomes(counts: Counts) -> Counts:
    """Return all that one question can show, as large as what is shown by those that show any."""
    sizes = counts.max(axis=1)
    return OUTCOMES * (sizes[sizes > 0].mean() if sizes.any() else 1.0)


def _f1(sums: Counts) -> float:
    true, found, wanted = sums
    return float(2 * true / (found + wanted)) if found + wanted else 1.0


def _is_worse(weights: NDArray[np.float64], before: Counts, after: Counts) -> bool:
    """Return whether the 95 % interval of the difference lies below zero.

    That of a difference on the same questions: the intervals of before and after overlap where a dozen questions are
    all there is, even if half of the answers have become wrong; and the mere estimate falls in every second training
    that changes nothing. Rows are drawn from all at once: within strata of one or two, one wrong answer were no chance.
    """

    def gain(chosen: NDArray[np.int64]) -> float:
        return _f1(weights[chosen] @ after[chosen]) - _f1(weights[chosen] @ before[chosen])

    if len(weights) < LEAST_ROWS or gain(np.arange(len(weights))) > -LEAST_LOSS:
        return False
    return bootstrap(gain, len(weights))[1] < 0


def counted(proxy: Proxy, rows: Sequence[Gold], call: ModelCall) -> tuple[Counts, NDArray[np.bool_]]:
    """Return for each question what was right, found and wanted [questions, 3], and whether the answer was right.

    What a proxy says is what the query gets from it: of ``choose`` one option, of ``span`` the surest, and of several
    right ones the nearest is meant.
    """
    texts, asked = [row.task.text for row in rows], [row.task.instruction for row in rows]
    if rows[0].task.kind == "label":
        if call.kind == "label":
            said = proxy.label(texts, asked) >= np.float32(label_threshold(call, proxy))
        else:
            said = _chosen(proxy, rows, call)
        true = np.array([bool(row.answer) for row in rows])
        of_rows = np.stack([said & true, said, true], axis=1).astype(np.float64)
        return _of_questions(rows, call, of_rows, np.add), _of_questions(rows, call, said == true, np.logical_and)
    counts = []
    for row, spans in zip(rows, proxy.spans(texts, asked, call.threshold), strict=True):
        wanted = () if isinstance(row.answer, bool) else row.answer
        own = _of_words(row.task.text, spans, wanted, only=call.kind == "span")
        counts.append((own.right, own.predicted, own.wanted))
    found = np.array(counts, dtype=np.float64)
    return found, (found[:, 0] == found[:, 1]) & (found[:, 0] == found[:, 2])


def _of_words(text: str, spans: Sequence[SpanValue], wanted: Spans, *, only: bool) -> WordCounts:
    if not only:
        return word_spans(text, [(span.start, span.end) for span in spans], wanted)
    best = [(span.start, span.end) for span in sorted(spans, key=lambda span: -span.score)[:1]]
    return max(
        (word_spans(text, best, [one]) for one in wanted), key=lambda one: one.f1, default=word_spans(text, best, ())
    )


def _chosen(proxy: Proxy, rows: Sequence[Gold], call: ModelCall) -> NDArray[np.bool_]:
    """Return for each row, which asks about one option of ``choose``, whether it is the one that is chosen."""
    asked = [(row.task.text, *question_and_option(call, row.task.instruction)) for row in rows]
    questions = list(dict.fromkeys((text, question) for text, question, _ in asked))
    pairs = [(text, f"{question} {option}") for text, question in questions for option in call.options]
    scores = proxy.label([text for text, _ in pairs], [instruction for _, instruction in pairs])
    best = scores.reshape(len(questions), len(call.options)).argmax(axis=1)
    chosen = {question: call.options[place] for question, place in zip(questions, best.tolist(), strict=True)}
    return np.array([chosen[text, question] == option for text, question, option in asked])


def _of_questions(
    rows: Sequence[Gold], call: ModelCall, of_rows: NDArray[Any], together: np.ufunc | None = None
) -> NDArray[Any]:
    """Return values of rows by their questions: several rows are about the options of one; the first's, or all's."""
    if call.kind != "choose":
        return of_rows
    places: dict[tuple[str, str], int] = {}
    asked = ((row.task.text, question_and_option(call, row.task.instruction)[0]) for row in rows)
    number = np.array([places.setdefault(question, len(places)) for question in asked])
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    return of_rows[order][starts] if together is None else together.reduceat(of_rows[order], starts, axis=0)
