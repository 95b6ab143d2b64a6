"""Each: one row per element of a list."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.calls import ModelCalls
from falconql.runtime.evaluate import evaluate
from falconql.runtime.frame import Frame
from falconql.runtime.metrics import OperatorMetrics
from falconql.runtime.operators.base import Stopwatch
from falconql.runtime.plan import Each

MOST_ROWS = 8192
MOST_BYTES = 64 << 20


class EachOperator:
    """Repeats each row once per element; everything known about the row comes along.

    However long the lists, frames stay small: at most ``MOST_ROWS`` rows, and no more than what the
    repeated columns may take if somebody asks for all of them.
    """

    def __init__(self, node: Each, calls: ModelCalls) -> None:
        self.node = node
        self.calls = calls
        self.metrics = OperatorMetrics("Each")

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        watch = Stopwatch(self.metrics)
        for frame in frames:
            with watch:
                self.metrics.rows_in += frame.num_rows
                lists = evaluate(self.node.value, frame, None, self.calls)
                lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
                rows = np.repeat(np.arange(frame.num_rows), lengths)
                elements = pc.list_flatten(lists)
                step = int(max(1, min(MOST_ROWS, MOST_BYTES // max(1.0, frame.row_bytes()))))
            for start in range(0, len(rows), step):
                with watch:
                    part = rows[start : start + step]
                    # A copy: kernels that look into structs do not all honour the offset of a slice.
                    values = elements.take(pa.array(np.arange(start, start + len(part))))
                    expanded = frame.take(part).with_variable(self.node.name, values)
                    self.metrics.rows_out += len(part)
                yield expanded
