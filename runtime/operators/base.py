"""What operators have in common: frames in, frames out, and a clock that counts only their own time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from falconql.runtime.frame import Frame
from falconql.runtime.metrics import OperatorMetrics


class Operator(Protocol):
    """Executes one plan node: takes the frames of its input, gives its own, lazily."""

    metrics: OperatorMetrics

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the operator's frames; empty ones are left out."""


class Stopwatch:
    """``with watch:`` adds the time inside to an operator's seconds."""

    def __init__(self, metrics: OperatorMetrics) -> None:
        self.metrics = metrics
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.metrics.seconds += time.perf_counter() - self._started
