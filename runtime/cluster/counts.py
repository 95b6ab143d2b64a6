"""What one piece of work counted, to be added to the numbers of the whole run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from falconql.runtime.metrics import SCORE_BINS, OperatorMetrics, PredicateMetrics, RunMetrics

Numbers = list[float]


@dataclass(slots=True)
class Counts:
    """Numbers of a run that add up.

    Attributes:
        run: model calls, model tokens, answers that were there already.
        operators: per operator, rows in, rows out and seconds.
        predicates: per test, rows in, rows out, calls, tokens and seconds.
        scores: per label call, its histogram.
    """

    run: Numbers = field(default_factory=list)
    operators: list[Numbers] = field(default_factory=list)
    predicates: list[Numbers] = field(default_factory=list)
    scores: dict[int, Numbers] = field(default_factory=dict)

    @classmethod
    def of(cls, metrics: RunMetrics) -> Counts:
        """Return the present numbers of a run."""
        return cls(
            [metrics.model_calls, metrics.model_tokens, metrics.cache_hits],
            [_of_operator(operator) for operator in metrics.operators],
            [_of_predicate(predicate) for predicate in metrics.predicates],
            {call: list(bins) for call, bins in metrics.label_scores.items()},
        )

    @classmethod
    def none(cls, operators: int, predicates: int) -> Counts:
        """Return numbers of nothing yet."""
        return cls([0] * 3, [[0.0] * 3 for _ in range(operators)], [[0.0] * 5 for _ in range(predicates)])

    def since(self, before: Counts) -> Counts:
        """Return what has been added since."""
        return Counts(
            _minus(self.run, before.run),
            [_minus(now, then) for now, then in zip(self.operators, before.operators, strict=True)],
            [_minus(now, then) for now, then in zip(self.predicates, before.predicates, strict=True)],
            {call: _minus(bins, before.scores.get(call, [0] * SCORE_BINS)) for call, bins in self.scores.items()},
        )

    def add_to(self, metrics: RunMetrics) -> None:
        """Add the numbers to those of a run."""
        calls, tokens, hits = self.run
        metrics.model_calls += int(calls)
        metrics.model_tokens += int(tokens)
        metrics.cache_hits += int(hits)
        for operator, numbers in zip(metrics.operators, self.operators, strict=True):
            add_to_operator(operator, numbers)
        for predicate, (rows_in, rows_out, asked, read, seconds) in zip(
            metrics.predicates, self.predicates, strict=True
        ):
            predicate.rows_in += int(rows_in)
            predicate.rows_out += int(rows_out)
            predicate.calls += int(asked)
            predicate.tokens += int(read)
            predicate.seconds += seconds
        for call, more in self.scores.items():
            bins = metrics.label_scores.setdefault(call, [0] * SCORE_BINS)
            metrics.label_scores[call] = [int(a + b) for a, b in zip(bins, more, strict=True)]

    def to_json(self) -> str:
        """Return the numbers as text; ``from_json`` reads it."""
        return json.dumps([self.run, self.operators, self.predicates, list(self.scores.items())])

    @classmethod
    def from_json(cls, text: str) -> Counts:
        run, operators, predicates, scores = json.loads(text)
        return cls(run, operators, predicates, {int(call): bins for call, bins in scores})


def add_to_operator(operator: OperatorMetrics, numbers: Sequence[float]) -> None:
    """Add rows in, rows out and seconds."""
    operator.rows_in += int(numbers[0])
    operator.rows_out += int(numbers[1])
    operator.seconds += numbers[2]


def _of_operator(metrics: OperatorMetrics) -> Numbers:
    return [metrics.rows_in, metrics.rows_out, metrics.seconds]


def _of_predicate(metrics: PredicateMetrics) -> Numbers:
    return [metrics.rows_in, metrics.rows_out, metrics.calls, metrics.tokens, metrics.seconds]


def _minus(now: Numbers, then: Numbers) -> Numbers:
    return [a - b for a, b in zip(now, then, strict=True)]
