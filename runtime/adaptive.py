"""Which test of a filter to evaluate next, on which rows: learnt while running.

The filter operator asks for a step, evaluates one test on the rows named, and records for which of
them it was true; this module does the rest: short circuit over and/or trees, sampling, the order and
its changes. The rows that are kept never depend on the order. Knows nothing of expressions, batches
of columns or models: tests are numbers, rows are positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.plan import AllOf, Predicate, Test, tests

Rows = NDArray[np.int64]
Truth = NDArray[np.bool_]

_UNKNOWN, _NOT_TRUE, _TRUE = np.int8(-1), np.int8(0), np.int8(1)


@dataclass(frozen=True, slots=True)
class Step:
    """Evaluate test number ``test`` on the batch rows ``rows`` (ascending positions, not empty)."""

    test: int
    rows: Rows


class AdaptiveOrder:
    """The order in which one filter decides its tests, over all batches of a run.

    ::

        order = AdaptiveOrder(node.predicate, adaptive=node.adaptive, rows_expected=...)
        for batch in batches:
            decision = order.begin(batch.num_rows)
            while (step := decision.next_step()) is not None:
                true = ...            # evaluate order.tests[step.test].condition on step.rows
                decision.record(step, true, tokens=..., seconds=...)
            keep = decision.kept()

    Args:
        predicate: the filter's predicate in the planner's order.
        adaptive: False keeps that order for every row (tests that are decided already are skipped).
        rows_expected: rows that will reach the filter in the whole run; None if unknown, or if a
            ``limit`` above the filter will stop the run early.
    """

    def __init__(
        self, predicate: Predicate, *, adaptive: bool = True, rows_expected: int | None = None
    ) -> None:
        self.predicate = predicate
        self.adaptive = adaptive
        self.rows_expected = rows_expected
        self.tests: tuple[Test, ...] = tuple(tests(predicate))
        """The tests by number, in the planner's order."""

    def begin(self, rows: int) -> BatchDecision:
        """Start deciding the next batch, of ``rows`` rows."""
        return BatchDecision(self, rows)

    @property
    def sequence(self) -> tuple[int, ...]:
        """The numbers of the tests in the order that would be used now, for people."""
        return tuple(range(len(self.tests)))


class BatchDecision:
    """The state of one batch: what is decided, what to evaluate next."""

    def __init__(self, order: AdaptiveOrder, rows: int) -> None:
        self._order = order
        self._values = np.full((len(order.tests), rows), _UNKNOWN, dtype=np.int8)
        self._pending = list(order.sequence)

    def next_step(self) -> Step | None:
        """Return what to evaluate next, None when every row is decided."""
        while self._pending:
            test = self._pending.pop(0)
            rows = np.flatnonzero(_relevant(self._order.predicate, self._values, test))
            if rows.size:
                return Step(test, rows)
        return None

    def record(self, step: Step, true: Truth, *, tokens: int = 0, seconds: float = 0.0) -> None:
        """Take the outcome of a step: ``true[i]`` says whether the test is true for ``rows[i]``.

        Null counts as not true. ``tokens`` model tokens and ``seconds`` were spent on the step in all.
        """
        self._values[step.test, step.rows] = true

    def kept(self) -> Truth:
        """Return for every row of the batch whether the predicate is true; all steps are done."""
        state, _ = _state(self._order.predicate, self._values, 0)
        return np.asarray(state == _TRUE)


def _state(predicate: Predicate, values: NDArray[np.int8], first: int) -> tuple[NDArray[np.int8], int]:
    """Return the state of a node for every row and the number of the first test after it."""
    if isinstance(predicate, Test):
        return values[first], first + 1
    states = []
    for child in predicate.children:
        state, first = _state(child, values, first)
        states.append(state)
    stacked = np.stack(states)
    ending = _NOT_TRUE if isinstance(predicate, AllOf) else _TRUE
    result = np.full(values.shape[1], _TRUE - ending, dtype=np.int8)
    result[(stacked == _UNKNOWN).any(axis=0)] = _UNKNOWN
    result[(stacked == ending).any(axis=0)] = ending
    return result, first


def _relevant(predicate: Predicate, values: NDArray[np.int8], test: int) -> Truth:
    """Return for which rows deciding the test can still matter: no node above it is decided."""
    relevant = values[test] == _UNKNOWN
    first = 0
    node = predicate
    while True:
        state, _ = _state(node, values, first)
        relevant &= state == _UNKNOWN
        if isinstance(node, Test):
            return np.asarray(relevant)
        for child in node.children:
            count = sum(1 for _ in tests(child))
            if first <= test < first + count:
                node = child
                break
            first += count
