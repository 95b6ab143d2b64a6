"""Filter: owns its predicate and the order in which it is decided."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from falconql.runtime.adaptive import AdaptiveOrder, Step
from falconql.runtime.calls import ModelCalls
from falconql.runtime.evaluate import true_rows
from falconql.runtime.frame import Frame, Rows
from falconql.runtime.metrics import OperatorMetrics, PredicateMetrics
from falconql.runtime.plan import Filter


class FilterOperator:
    """Keeps the rows for which the predicate is true, asking each test only about open rows."""

    def __init__(self, node: Filter, calls: ModelCalls, *, rows_expected: int | None) -> None:
        self.metrics = OperatorMetrics("Filter")
        self.calls = calls
        self.order = AdaptiveOrder(node.predicate, adaptive=node.adaptive)
        self.rows_expected = rows_expected
        self.predicates = [PredicateMetrics(t.text, t.cost_s, t.selectivity) for t in self.order.tests]
        calls.metrics.predicates.extend(self.predicates)

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            started = time.perf_counter()
            self.metrics.rows_in += frame.num_rows
            recall = self.calls.can_recall
            decision = self.order.begin(frame.num_rows, share_read=self._share_read(), recall=recall)
            while (step := decision.next_step()) is not None:
                if step.recall:
                    step = replace(step, rows=self._recalled(frame, step))
                    if not step.rows.size:
                        continue
                true, tokens = self._decide(frame, step)
                decision.record(step, true, tokens=tokens)
            kept = decision.kept()
            frame = frame if kept.all() else frame.take(np.flatnonzero(kept))
            self.metrics.rows_out += frame.num_rows
            self.metrics.seconds += time.perf_counter() - started
            if frame.num_rows:
                yield frame

    def _share_read(self) -> float | None:
        return self.calls.metrics.rows_in / self.rows_expected if self.rows_expected else None

    def _recalled(self, frame: Frame, step: Step) -> Rows:
        """Return the rows of a step for which all answers are there."""
        rows = step.rows
        for call in self.order.tests[step.test].calls:
            rows = self.calls.recall(call, frame, rows)
        return rows

    def _decide(self, frame: Frame, step: Step) -> tuple[np.ndarray, int]:
        """Return for which rows of the step its test is true, and the model tokens that took."""
        counted = self.calls.metrics
        before = (counted.model_tokens, counted.model_calls, time.perf_counter())
        true = true_rows(self.order.tests[step.test].condition, frame, step.rows, self.calls)
        measured = self.predicates[step.test]
        tokens = counted.model_tokens - before[0]
        measured.rows_in += step.rows.size
        measured.rows_out += int(true.sum())
        measured.tokens += tokens
        measured.calls += counted.model_calls - before[1]
        measured.seconds += time.perf_counter() - before[2]
        return true, tokens
