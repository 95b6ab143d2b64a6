"""Project: exactly the output columns."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from falconql.runtime.calls import ModelCalls
from falconql.runtime.evaluate import evaluate
from falconql.runtime.frame import Frame
from falconql.runtime.metrics import OperatorMetrics
from falconql.runtime.operators.base import Stopwatch
from falconql.runtime.plan import Project


class ProjectOperator:
    """Computes the outputs; what they need of model calls is asked now, for these rows only."""

    def __init__(self, node: Project, calls: ModelCalls) -> None:
        self.node = node
        self.calls = calls
        self.metrics = OperatorMetrics("Project")

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        watch = Stopwatch(self.metrics)
        for frame in frames:
            with watch:
                self.metrics.rows_in += frame.num_rows
                self.metrics.rows_out += frame.num_rows
                arrays = [evaluate(output.value, frame, None, self.calls) for output in self.node.outputs]
                names = [output.name for output in self.node.outputs]
                projected = Frame(pa.RecordBatch.from_arrays(arrays, names=names))
            yield projected
