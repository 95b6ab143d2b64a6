"""How good the answers to one model call are, the other side's taken as right.

Labels and options are counted by question, spans by the words of the text that they cover. Every figure has a 95 %
interval by Bayesian bootstrap over questions, each weighing as many rows as ask it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from falconql.evaluating.sides import Reply, Spans
from falconql.runtime.plan import ModelCall
from falconql.specialise.measuring import outcomes
from falconql.specialise.sampling import Estimate, estimate, share_of
from falconql.training.scoring import word_spans

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Compared:
    """The questions of one call with both answers.

    Attributes:
        index: the call's number in the query.
        call: the call.
        texts, instructions: what was asked of what.
        here: the answers of the proxy in question.
        there: the right ones, or the other side's.
        counts: rows that ask each question.
    """

    index: int
    call: ModelCall
    texts: tuple[str, ...]
    instructions: tuple[str, ...]
    here: tuple[Reply, ...]
    there: tuple[Reply, ...]
    counts: Numbers

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one call, shares from 0 to 1.

    Attributes:
        questions: how many were compared.
        precision, recall, f1: of yes, of the words of spans, or the mean over the options of ``choose``.
        accuracy: share of questions with the very same answer; for spans, all with both ends.
    """

    questions: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    accuracy: Estimate


def quality(compared: Compared) -> Quality | None:
    """Return how good the answers are; None when there are no questions."""
    if not len(compared):
        return None
    counts = _counts(compared)
    # An option that no question shows is not one of those that occur.
    unseen = None if compared.call.kind == "choose" else outcomes(counts[:, 0])[:, None]
    same = np.array([a.value == b.value for a, b in zip(compared.here, compared.there, strict=True)])

    def measured(of: Callable[[Numbers, Numbers, Numbers], Numbers]) -> Estimate:
        def statistic(sums: Numbers) -> float:
            right, found, wanted = sums.T
            present = found + wanted > 0
            return float(of(right, found, wanted)[present].mean()) if present.any() else 1.0

        return estimate(statistic, counts, compared.counts, np.zeros(len(compared), dtype=np.int64), unseen=unseen)

    return Quality(
        len(compared),
        measured(lambda right, found, wanted: _ratio(right, found)),
        measured(lambda right, found, wanted: _ratio(right, wanted)),
        measured(lambda right, found, wanted: _ratio(2 * right, found + wanted)),
        share_of(same, compared.counts),
    )


def word_f1(text: str, here: Spans, there: Spans) -> float:
    """Return the F1 of the words that both cover; 1 when neither covers any."""
    return word_spans(text, here, there).f1


def _counts(compared: Compared) -> Numbers:
    """Return what is right, found and wanted: shape (questions, classes, 3)."""
    if compared.call.kind == "choose":
        options = compared.call.options
        here, there = _one_hot(compared.here, options), _one_hot(compared.there, options)
        return np.stack([here * there, here, there], axis=-1)
    if compared.call.kind == "label":
        said = np.array([[bool(reply.value)] for reply in compared.here], dtype=np.float64)
        true = np.array([[bool(reply.value)] for reply in compared.there], dtype=np.float64)
        return np.stack([said * true, said, true], axis=-1)
    counted = []
    for text, found, wanted in zip(compared.texts, compared.here, compared.there, strict=True):
        own = word_spans(text, spans_of(found), spans_of(wanted))
        counted.append([[own.right, own.predicted, own.wanted]])
    return np.array(counted, dtype=np.float64)


def spans_of(reply: Reply) -> Spans:
    """Return the places of an answer to a question for spans."""
    assert isinstance(reply.value, tuple)
    return reply.value


def _one_hot(replies: Sequence[Reply], options: Sequence[str]) -> Numbers:
    return np.array([[reply.value == option for option in options] for reply in replies], dtype=np.float64)


def _ratio(part: Numbers, whole: Numbers) -> Numbers:
    """Return the ratio, 0 where nothing was found or wanted."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
