"""Which test of a filter to evaluate next, on which rows: learnt while running.

The filter operator asks for a step, evaluates one test on the rows named, and records for which of
them it was true; this module does the rest: short circuit over and/or trees, sampling, the order and
its changes. The rows that are kept never depend on the order. Knows nothing of expressions, columns
or models: tests are numbers, rows are positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.belief import MAX_TESTS, Belief, Floats, Residual
from falconql.runtime.ordering import order_by_rank
from falconql.runtime.plan import AllOf, AnyOf, Predicate, Test, tests
from falconql.runtime.truth import TRUE, UNDECIDED, Truth, mattering, outcome

Rows = NDArray[np.int64]

# Sampling evaluates tests that short circuit would have skipped. It pays when the regret of all rows
# to come, times the part of it that a few rows more are likely to resolve, exceeds that waste. The
# caution factor was found by simulation (docs/optimiser.md): running shows most of it for nothing.
_CAUTION = 0.1
_SAMPLE_ROWS = 4
_RUN_ROWS, _RUN_ROWS_MOST = 16, 2048
_PRIOR_ROWS = 4.0
_MOST_RESIDUALS = 32


@dataclass(frozen=True, slots=True)
class Step:
    """Evaluate test number ``test`` on the batch rows ``rows`` (ascending positions, not empty).

    ``recall``: only where that takes no model call, because the answers are there already.
    """

    test: int
    rows: Rows
    recall: bool = False


class AdaptiveOrder:
    """The order in which one filter decides its tests, over all batches of a run.

    ::

        order = AdaptiveOrder(node.predicate, adaptive=node.adaptive)
        for batch in batches:
            decision = order.begin(batch.num_rows, share_read=...)
            while (step := decision.next_step()) is not None:
                true = ...            # evaluate order.tests[step.test].condition on step.rows
                decision.record(step, true, tokens=...)
            keep = decision.kept()

    Tests that need no model run first, in the planner's order, then those whose answers are there
    from earlier runs, as far as they are; then the rows still undecided are grouped by which tests can
    still matter to them, and each group has an order of its own.

    Args:
        predicate: the filter's predicate in the planner's order.
        adaptive: False keeps that order for every row (tests that are decided already are skipped).

    Attributes:
        tests: the tests by number, in the planner's order.
    """

    def __init__(self, predicate: Predicate, *, adaptive: bool = True) -> None:
        self.predicate = predicate
        self.adaptive = adaptive
        self.tests: tuple[Test, ...] = tuple(tests(predicate))
        self.free = tuple(number for number, test in enumerate(self.tests) if not test.calls)
        self.share_read: float | None = None
        self._seen = [_Seen(test) for test in self.tests]
        self._residuals: dict[tuple[int, ...], ResidualOrder] = {}

    def begin(self, rows: int, *, share_read: float | None = None, recall: bool = False) -> BatchDecision:
        """Start deciding the next batch, of ``rows`` rows.

        ``recall``: there may be answers of earlier runs. They are used first whatever the order, so that the
        same query a second time asks nothing, and a changed one only what is new.

        ``share_read`` says how much of the corpus has been read, this batch included, from 0 to 1;
        None if that is unknown, or if a ``limit`` above the filter will stop the run early.
        """
        self.share_read = share_read
        return BatchDecision(self, rows, recall=recall)

    def residual(self, leaves: tuple[int, ...]) -> ResidualOrder:
        """Return the order for the rows to which exactly these tests can still matter."""
        if leaves not in self._residuals:
            learns = len(leaves) <= MAX_TESTS and len(self._residuals) < _MOST_RESIDUALS
            self._residuals[leaves] = ResidualOrder(self, leaves, learns=learns)
        return self._residuals[leaves]

    def learn(self, step: Step, true: Truth, tokens: int, *, fresh: bool) -> None:
        """Take what a step showed; ``fresh``: nothing it needs had been computed for another test."""
        seen = self._seen[step.test]
        seen.rows += step.rows.size
        seen.true += int(true.sum())
        if fresh:
            seen.rows_paid += step.rows.size
            seen.tokens += tokens

    def selectivity(self, test: int) -> float:
        """Return the share of rows for which a test was true where it was decided."""
        return self._seen[test].selectivity

    def costs(self, leaves: tuple[int, ...]) -> Floats:
        """Return ``[subset, leaf]``: model tokens of a leaf when the subset has been evaluated."""
        size = 1 << len(leaves)
        result = np.zeros((size, len(leaves)))
        for column, leaf in enumerate(leaves):
            calls = set(self.tests[leaf].calls)
            for subset in range(size):
                before = (self.tests[other].calls for bit, other in enumerate(leaves) if subset >> bit & 1)
                missing = calls.difference(*before)
                result[subset, column] = self._seen[leaf].cost * len(missing) / len(calls)
        return result

    def by_rank(self) -> tuple[int, ...]:
        """Return all tests in ascending rank by what was measured so far, ignoring correlations."""
        numbers = iter(range(len(self.tests)))

        def measured(node: Predicate) -> Predicate:
            if not isinstance(node, Test):
                children = tuple(measured(child) for child in node.children)
                return AllOf(children) if isinstance(node, AllOf) else AnyOf(children)
            number = next(numbers)
            seen = self._seen[number]
            cost = seen.cost if node.calls else 0.0
            # The text carries the number through the sort: equal tests stay apart.
            return replace(node, text=str(number), cost_s=cost, selectivity=seen.selectivity)

        return tuple(int(test.text) for test in tests(order_by_rank(measured(self.predicate))))


class _Seen:
    """Running totals of one test, starting from what the planner expects."""

    def __init__(self, test: Test) -> None:
        self.planned = test
        self.rows = 0
        self.true = 0
        self.rows_paid = 0
        self.tokens = 0

    @property
    def selectivity(self) -> float:
        return (self.planned.selectivity * _PRIOR_ROWS + self.true) / (_PRIOR_ROWS + self.rows)

    @property
    def cost(self) -> float:
        """Model tokens per row; never 0, so that an order always has a reason."""
        planned = self.planned.tokens or 1.0
        return max((planned * _PRIOR_ROWS + self.tokens) / (_PRIOR_ROWS + self.rows_paid), 1e-6)


class ResidualOrder:
    """What was learnt about the rows to which the same tests can still matter."""

    def __init__(self, order: AdaptiveOrder, leaves: tuple[int, ...], *, learns: bool) -> None:
        self.leaves = leaves
        self._order = order
        self._rows = 0
        self._rows_run = 0
        self._belief: Belief | None = None
        if learns and len(leaves) > 1:
            selectivities = [order.selectivity(leaf) for leaf in leaves]
            self._belief = Belief(Residual(order.predicate, leaves), selectivities)

    def arrived(self, rows: int) -> None:
        """Take that a batch has ``rows`` such rows."""
        self._rows += rows

    def next_chunk(self, waiting: int) -> tuple[int, tuple[int, ...], bool]:
        """Return how many of the rows waiting to take next, the order, and whether to sample them.

        To sample is to evaluate every test on them, needed or not.
        """
        if self._belief is None:
            ranked = self._order.by_rank()
            return waiting, tuple(number for number in ranked if number in self.leaves), False
        outlook = self._belief.outlook(self._order.costs(self.leaves))
        resolved = _SAMPLE_ROWS / (self._belief.sampled_rows + 10.0)
        gain = outlook.regret * self._rows_to_come(waiting) * resolved * _CAUTION
        if gain > _SAMPLE_ROWS * (outlook.cost_of_all - outlook.cost):
            return min(_SAMPLE_ROWS, waiting), outlook.order, True
        most = min(max(_RUN_ROWS, self._rows_run), _RUN_ROWS_MOST)
        return min(most, waiting), outlook.order, False

    def _rows_to_come(self, waiting: int) -> float:
        share = self._order.share_read
        if share is None or share <= 0.0:  # as many again as there were so far
            return float(max(waiting, self._rows))
        return waiting + self._rows * max(0.0, 1.0 / share - 1.0)

    def observed(self, values: NDArray[np.int8], *, sampled: bool) -> None:
        """Take the outcomes ``[test, row]`` of a chunk."""
        if not sampled:
            self._rows_run += values.shape[1]
        if self._belief is None:
            return
        bits = (1 << np.arange(len(self.leaves), dtype=np.int64))[:, None]
        own = values[list(self.leaves)]
        known = ((own != UNDECIDED) * bits).sum(axis=0)
        cells = ((own == TRUE) * bits).sum(axis=0)
        whole = known == bits.sum()
        self._belief.saw_all(cells[whole])
        self._belief.saw_part(known[~whole], cells[~whole])


class BatchDecision:
    """The state of one batch: what is decided, what to evaluate next."""

    def __init__(self, order: AdaptiveOrder, rows: int, *, recall: bool = False) -> None:
        self._order = order
        self._recall = recall
        self._values = np.full((len(order.tests), rows), UNDECIDED, dtype=np.int8)
        self._steps = self._all_steps()

    def next_step(self) -> Step | None:
        """Return what to evaluate next, None when every row is decided. Record it before asking again."""
        return next(self._steps, None)

    def record(self, step: Step, true: Truth, *, tokens: int = 0) -> None:
        """Take the outcome of a step: ``true[i]`` says whether the test is true for ``rows[i]``.

        Null counts as not true. ``tokens`` model tokens were spent on the step in all. Of a step that
        recalls, only the rows with answers are recorded; if there are none, nothing is.
        """
        calls = self._order.tests[step.test].calls
        sharing = [n for n, test in enumerate(self._order.tests) if set(calls) & set(test.calls)]
        fresh = not step.recall and all((self._values[number, step.rows] == UNDECIDED).all() for number in sharing)
        self._values[step.test, step.rows] = true
        self._order.learn(step, true, tokens, fresh=fresh)

    def kept(self) -> Truth:
        """Return for every row of the batch whether the predicate is true, when no step is left."""
        states = outcome(self._order.predicate, dict(enumerate(self._values)))
        assert states is not None, "a predicate has at least one test"
        return np.asarray(states == TRUE)

    def _all_steps(self) -> Iterator[Step]:
        everything = np.arange(self._values.shape[1])
        if not self._order.adaptive:
            yield from self._in_order(range(len(self._order.tests)), everything)
            return
        yield from self._in_order(self._order.free, everything)
        if self._recall:
            numbers = [number for number, test in enumerate(self._order.tests) if test.calls]
            yield from self._in_order(numbers, everything, recall=True)
        for leaves, rows in self._groups():
            yield from self._group_steps(self._order.residual(leaves), rows)

    def _in_order(self, numbers: Iterable[int], rows: Rows, *, recall: bool = False) -> Iterator[Step]:
        for number in numbers:
            matters = self._mattering(rows)[number]
            if matters.any():
                yield Step(number, rows[matters], recall)

    def _group_steps(self, residual: ResidualOrder, rows: Rows) -> Iterator[Step]:
        residual.arrived(rows.size)
        done = 0
        while done < rows.size:
            count, numbers, sample = residual.next_chunk(rows.size - done)
            chunk = rows[done : done + count]
            if sample:
                for number in numbers:
                    yield Step(number, chunk)
            else:
                yield from self._in_order(numbers, chunk)
            residual.observed(self._values[:, chunk], sampled=sample)
            done += count

    def _groups(self) -> Iterator[tuple[tuple[int, ...], Rows]]:
        """Yield the undecided rows by the tests that can still matter to them."""
        everything = np.arange(self._values.shape[1])
        matters = np.stack(list(self._mattering(everything).values()))
        patterns, group = np.unique(matters, axis=1, return_inverse=True)
        for number, pattern in enumerate(patterns.T):
            if pattern.any():
                leaves = tuple(int(test) for test in np.flatnonzero(pattern))
                yield leaves, np.flatnonzero(group.reshape(-1) == number)

    def _mattering(self, rows: Rows) -> dict[int, Truth]:
        return mattering(self._order.predicate, dict(enumerate(self._values[:, rows])))
