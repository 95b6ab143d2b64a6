"""What is believed about the model tests of a filter, and the order that follows from it.

The belief is over the joint truth of the tests: each of the ``2**k`` combinations (a "cell") has a
weight, so that correlations are seen as they are. From it follow the best order, what that is
expected to cost, and what knowing the cells exactly would save, which tells whether looking at more
rows than necessary pays. Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.plan import Predicate
from falconql.runtime.truth import NOT_TRUE, TRUE, UNDECIDED, mattering

Floats = NDArray[np.float64]

MAX_TESTS = 7
"""More tests than this have too many cells; they are ordered by rank instead."""

_DRAWS = 48
_PRIOR_ROWS = 2.0
_MEMORY_ROWS = 4096.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """The best order for a belief and what it is worth.

    ``cost`` is expected per row in this order, ``cost_of_all`` when every test is evaluated;
    ``regret`` is what knowing the cells exactly would save per row, on average.
    """

    order: tuple[int, ...]
    cost: float
    cost_of_all: float
    regret: float


class Residual:
    """What is left of a predicate when only the tests ``leaves`` (ascending numbers) can matter.

    Tables are over subsets of the leaves (bit ``i`` stands for ``leaves[i]``) and cells (bit ``i``
    set: that test is true).

    Attributes:
        matters: ``[leaf, subset, cell]``, 1 where with the subset known the leaf is still needed.
    """

    def __init__(self, predicate: Predicate, leaves: Sequence[int]) -> None:
        self.leaves = tuple(leaves)
        size = 1 << len(self.leaves)
        subsets, cells = np.arange(size)[:, None], np.arange(size)[None, :]
        values = {}
        for bit, leaf in enumerate(self.leaves):
            truth = np.where(cells >> bit & 1, TRUE, NOT_TRUE)
            values[leaf] = np.where(subsets >> bit & 1, truth, UNDECIDED)
        found = mattering(predicate, values)
        self.matters: Floats = np.stack([found[leaf] for leaf in self.leaves]).astype(np.float64)


class Belief:
    """The joint truth of a residual's leaves: a Dirichlet distribution over cells.

    Args:
        residual: the leaves and how they hang together.
        selectivities: of the leaves, as planned; they count as much as two rows seen.
    """

    def __init__(self, residual: Residual, selectivities: Sequence[float]) -> None:
        self.residual = residual
        cells = np.arange(1 << len(residual.leaves))
        self._prior = np.full(cells.size, _PRIOR_ROWS)
        for bit, selectivity in enumerate(selectivities):
            share = min(max(selectivity, 0.02), 0.98)
            self._prior *= np.where(cells >> bit & 1, share, 1.0 - share)
        self._seen = np.zeros(cells.size)
        self._partial: dict[tuple[int, int], float] = {}
        self._looks = 0

    @property
    def sampled_rows(self) -> float:
        """Rows of which every leaf is known, as far as they are remembered."""
        return float(self._seen.sum())

    def saw_all(self, cells: NDArray[np.int64]) -> None:
        """Take rows of which every leaf is known, by cell."""
        self._seen += np.bincount(cells, minlength=self._seen.size)

    def saw_part(self, known: NDArray[np.int64], cells: NDArray[np.int64]) -> None:
        """Take rows of which the leaves in the bit mask ``known`` were decided, the others' bits 0."""
        width = len(self.residual.leaves)
        for key, rows in zip(*np.unique(known << width | cells, return_counts=True), strict=True):
            pattern = int(key) >> width, int(key) & ((1 << width) - 1)
            self._partial[pattern] = self._partial.get(pattern, 0.0) + float(rows)
        if sum(self._partial.values()) > _MEMORY_ROWS:
            self._forget_half()

    def _forget_half(self) -> None:
        # A corpus may be sorted by what the query asks for: what was seen long ago counts less.
        self._seen *= 0.5
        self._partial = {pattern: 0.5 * rows for pattern, rows in self._partial.items()}

    def _cells(self) -> Floats:
        """Return shares of the cells, ``[cell, draw]``: the mean first, then random draws."""
        weights = (self._prior + self._seen)[:, None]
        generator = np.random.default_rng(self._looks)
        self._looks += 1
        drawn = generator.gamma(np.broadcast_to(weights, (weights.size, _DRAWS))) + 1e-12
        shares = np.concatenate([weights / weights.sum(), drawn / drawn.sum(axis=0)], axis=1)
        result = shares * weights.sum()
        cells = np.arange(weights.size)
        # A row known in part counts for every cell it may be in, as these are seen among rows that
        # are known in full: running corrects the shares, sampling the correlations.
        for (known, cell), rows in self._partial.items():
            inside = shares * ((cells & known) == cell)[:, None]
            result += rows * inside / inside.sum(axis=0)
        return np.asarray(result / result.sum(axis=0))

    def outlook(self, costs: Floats) -> Outlook:
        """Return the best order now; ``costs[subset, leaf]`` is a leaf's cost after the subset.

        Dynamic programming over subsets: what a leaf costs next depends on which leaves went before
        it, not on their order.
        """
        count = len(self.residual.leaves)
        # [leaf, subset, draw]: expected cost of evaluating the leaf right after the subset.
        step = (self.residual.matters @ self._cells()) * costs.T[:, :, None]
        best = np.zeros((1 << count, step.shape[2]))
        choice = np.zeros(1 << count, dtype=np.int64)
        for subset in range((1 << count) - 2, -1, -1):
            free = [leaf for leaf in range(count) if not subset >> leaf & 1]
            options = np.stack([step[leaf, subset] + best[subset | 1 << leaf] for leaf in free])
            choice[subset] = free[int(options[:, 0].argmin())]
            best[subset] = options.min(axis=0)
        order: list[int] = []
        spent, of_all, subset = np.zeros(step.shape[2]), 0.0, 0
        while len(order) < count:
            leaf = int(choice[subset])
            order.append(self.residual.leaves[leaf])
            spent += step[leaf, subset]
            of_all += float(costs[subset, leaf])
            subset |= 1 << leaf
        regret = float((spent - best[0])[1:].mean())
        return Outlook(tuple(order), float(spent[0]), of_all, regret)
