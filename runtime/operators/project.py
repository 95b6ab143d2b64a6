"""Project: exactly the output columns."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from falconql.runtime.calls import ModelCalls
from falconql.runtime.evaluate import evaluate
from falconql.runtime.expression import Cast, Expr
from falconql.runtime.frame import Frame
from falconql.runtime.metrics import OperatorMetrics
from falconql.runtime.operators.base import Stopwatch
from falconql.runtime.plan import Project
from falconql.runtime.types import BOOL, LABEL


class ProjectOperator:
    """Computes the outputs; what they need of model calls is asked now, for these rows only."""

    def __init__(self, node: Project, calls: ModelCalls) -> None:
        self.node = node
        self.calls = calls
        self.metrics = OperatorMetrics("Project")
        self._names = [output.name for output in node.outputs]
        self._values = [_as_column(output.value) for output in node.outputs]

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        watch = Stopwatch(self.metrics)
        for frame in frames:
            with watch:
                self.metrics.rows_in += frame.num_rows
                arrays = [evaluate(value, frame, None, self.calls) for value in self._values]
                self.metrics.rows_out += frame.num_rows
                projected = Frame(pa.RecordBatch.from_arrays(arrays, names=self._names))
            yield projected


def _as_column(value: Expr) -> Expr:
    """Return a value as it is in a column: of a label, whether it is true."""
    return Cast(value, BOOL) if value.type == LABEL else value
