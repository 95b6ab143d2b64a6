"""Which questions to annotate, and what the answers say about all of them.

A label's questions are parted into five strata by the current proxy's score, of equal width, and each gives the same
number: rare positives, doubtful rows and clear negatives are all there, however unequal their shares (the aim of
algorithm 1 in arXiv 2510.01427). ``choose`` has a stratum per option; spans are drawn at random. Every question keeps
the number of rows it stands for, so that sums over the sample estimate sums over the corpus without bias (Horvitz and
Thompson, "A generalization of sampling without replacement from a finite universe", JASA 1952).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from falconql.specialise.questions import Asked

SHARE, LEAST, MOST = 0.05, 64, 2048
STRATA = 5

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """Questions of one call to be annotated.

    Attributes:
        asked: all of them.
        chosen: positions of those drawn, ascending.
        strata: the stratum of each.
        weights: rows of the corpus that each stands for.
    """

    asked: Asked
    chosen: NDArray[np.int64]
    strata: NDArray[np.int64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.chosen)


def size(asked: Asked, scale: float) -> int:
    """Return how many questions to annotate: 5 % of the rows that ask, at least 64, at most 2,048."""
    rows = float(asked.counts.sum()) * scale
    return min(len(asked), max(LEAST, min(MOST, round(SHARE * rows))))


def draw(asked: Asked, scale: float, count: int, seed: int) -> Sample:
    """Return ``count`` questions, or all when there are fewer.

    Args:
        asked: the questions of a call.
        scale: rows of the corpus that each counted row stands for.
        count: how many to draw.
        seed: the same seed draws the same questions.
    """
    rng = np.random.default_rng([seed, asked.index])
    strata = strata_of(asked)
    sizes = np.bincount(strata, minlength=1) if len(asked) else np.zeros(1, dtype=np.int64)
    chosen: list[NDArray[np.int64]] = []
    weights = np.zeros(len(asked))
    for stratum, quota in enumerate(allocated(sizes, count)):
        members = np.flatnonzero(strata == stratum)
        drawn = rng.choice(members, quota, replace=False)
        chosen.append(drawn)
        if quota:
            weights[drawn] = asked.counts[drawn] * scale * len(members) / quota
    places = np.sort(np.concatenate(chosen)).astype(np.int64)
    return Sample(asked, places, strata[places], weights[places])


def strata_of(asked: Asked) -> NDArray[np.int64]:
    """Return the stratum of every question."""
    if asked.call.kind == "label":
        return np.minimum((asked.scores * STRATA).astype(np.int64), STRATA - 1)
    if asked.call.kind == "choose":
        return asked.scores.astype(np.int64)
    return np.zeros(len(asked), dtype=np.int64)


def allocated(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return how many to draw from strata of these sizes: equal numbers, what one lacks goes to the others."""
    quotas = np.zeros_like(sizes)
    for _ in range(min(count, int(sizes.sum()))):
        open_ = np.flatnonzero(quotas < sizes)
        quotas[open_[quotas[open_].argmin()]] += 1
    return quotas


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate for the whole corpus with its 95 % interval."""

    value: float
    low: float
    high: float


def estimate(
    statistic: Callable[[Numbers], float],
    counts: Numbers,
    weights: Numbers,
    strata: NDArray[np.int64],
    *,
    unseen: Numbers | None = None,
    samples: int = 400,
    seed: int = 0,
) -> Estimate:
    """Return a statistic of what weighted rows count together, with its interval by Bayesian bootstrap within strata.

    How much of its stratum each row stands for is drawn anew (Rubin, "The Bayesian bootstrap", Annals of Statistics
    1981): no row is ever left out, so that a rare answer is in every draw. What the rows of a stratum do not show may
    still be there, or not, and the interval is for both. If so, the ``unseen`` outcomes have together the share of one
    more row (Perks, "Some observations on inverse probability", Journal of the Institute of Actuaries 1947; of two
    outcomes that is the prior of Jeffreys).

    Args:
        statistic: of the weighted sum of the counts.
        counts: of each row [rows, ...].
        weights: what each row stands for.
        strata: of each row.
        unseen: counts of outcomes that there are beyond those of the rows [outcomes, ...].
        samples: how often shares are drawn.
        seed: for the drawing.
    """
    value = statistic(np.tensordot(weights, counts, 1))
    if not len(weights):
        return Estimate(value, float("nan"), float("nan"))
    of_row = np.unique(strata, return_inverse=True)[1]
    totals = np.bincount(of_row, weights)
    # Rows that are alike are drawn as one: the sum of what they stand for has a gamma distribution, too.
    told = np.column_stack([of_row, weights, counts.reshape(len(weights), -1)])
    kinds, alike = np.unique(told, axis=0, return_counts=True)
    others = counts[:0] if unseen is None else unseen
    of_other = np.repeat(np.arange(len(totals)), len(others))
    stratum = np.append(kinds[:, 0].astype(np.int64), of_other)
    each = np.append(kinds[:, 1], (totals / np.bincount(of_row))[of_other])
    known = np.concatenate([kinds[:, 2:].reshape(-1, *counts.shape[1:]), *[others] * len(totals)])
    rng = np.random.default_rng(seed)
    ends = [value]
    for other in (0.0, 1.0 / len(others)) if len(others) else (0.0,):  # the unseen may be there, and may not
        shapes = np.append(alike, np.full(len(of_other), other))
        values = []
        for _ in range(samples):
            drawn = rng.standard_gamma(shapes) * each
            drawn *= (totals / np.bincount(stratum, drawn))[stratum]
            values.append(statistic(np.tensordot(drawn, known, 1)))
        ends += np.percentile(values, [2.5, 97.5]).tolist()
    return Estimate(value, min(ends), max(ends))


def share_of(rows: NDArray[np.bool_], weights: Numbers, strata: NDArray[np.int64] | None = None) -> Estimate:
    """Return the share of what weighted rows stand for of which something is true.

    Args:
        rows: of which it is true.
        weights: what each stands for.
        strata: of each; without them all are one.
    """
    return estimate(
        lambda sums: float(sums[0] / sums[1]),
        np.column_stack([rows, np.ones(len(rows))]),
        weights,
        np.zeros(len(rows), dtype=np.int64) if strata is None else strata,
        unseen=np.array([[1.0, 1.0], [0.0, 1.0]]),
    )
