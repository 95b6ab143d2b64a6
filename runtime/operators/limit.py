"""Limit: the first rows, then nothing more is read."""

from __future__ import annotations

from collections.abc import Iterator

from falconql.runtime.frame import Frame
from falconql.runtime.metrics import OperatorMetrics


class LimitOperator:
    """Stops asking its input as soon as it has enough."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.metrics = OperatorMetrics("Limit")

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        left = self.count
        while left > 0 and (frame := next(frames, None)) is not None:
            self.metrics.rows_in += frame.num_rows
            taken = frame.head(left)
            left -= taken.num_rows
            self.metrics.rows_out += taken.num_rows
            yield taken
