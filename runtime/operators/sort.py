"""Sort: everything in order, or the first rows of that order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.calls import ModelCalls
from falconql.runtime.evaluate import evaluate
from falconql.runtime.frame import CallResult, Frame, Rows
from falconql.runtime.metrics import OperatorMetrics
from falconql.runtime.operators.base import Stopwatch
from falconql.runtime.plan import Sort

OUTPUT_ROWS = 4096


class SortOperator:
    """Blocking. With a limit it holds at most three times as many rows as that."""

    def __init__(self, node: Sort, calls: ModelCalls) -> None:
        self.node = node
        self.calls = calls
        self.metrics = OperatorMetrics("Sort")
        self._key_names = [f"$sort{number}" for number in range(len(node.keys))]

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        watch = Stopwatch(self.metrics)
        held: list[Frame] = []
        limit = self.node.limit
        if limit == 0:
            return
        for frame in frames:
            with watch:
                self.metrics.rows_in += frame.num_rows
                held.append(self._prepared(frame))
                if limit is not None and sum(f.num_rows for f in held) > 2 * limit:
                    held = [self._first(_joined(held)).compact()]
        if not held:
            return
        with watch:
            ordered = self._first(_joined(held))
            held.clear()
        self.metrics.rows_out += ordered.num_rows
        for start in range(0, ordered.num_rows, OUTPUT_ROWS):
            with watch:
                part = ordered.take(np.arange(start, min(start + OUTPUT_ROWS, ordered.num_rows)))
                variables = {name: v for name, v in part.variables.items() if name not in self._key_names}
                part = Frame(_narrow(part.batch), variables, part.results)
            yield part

    def _prepared(self, frame: Frame) -> Frame:
        """Return a frame as it is held: with its keys, and none of the rows that cannot be among the first."""
        for name, key in zip(self._key_names, self.node.keys, strict=True):
            frame = frame.with_variable(name, evaluate(key.value, frame, None, self.calls))
        if self.node.limit is not None and frame.num_rows > self.node.limit:
            frame = self._first(frame)
        return Frame(_wide(frame.batch), frame.variables, frame.results)

    def _first(self, frame: Frame) -> Frame:
        """Return the rows of a frame in order, cut to the limit."""
        return frame.take(self._order(frame)[: self.node.limit])

    def _order(self, frame: Frame) -> Rows:
        """Return row positions in key order: stable, nulls last whatever the direction."""
        keys = pa.table({name: frame.variables[name] for name in self._key_names})
        directions = ["descending" if key.descending else "ascending" for key in self.node.keys]
        order = pc.sort_indices(keys, sort_keys=list(zip(self._key_names, directions, strict=True)))
        positions: Rows = order.to_numpy().astype(np.int64)
        return positions


def _joined(frames: Sequence[Frame]) -> Frame:
    """Return frames of the same columns and variables as one."""
    if len(frames) == 1:
        return frames[0]
    batch = pa.concat_batches([frame.batch for frame in frames])
    variables = {name: pa.concat_arrays([frame.variables[name] for frame in frames]) for name in frames[0].variables}
    results = {}
    for call in sorted({call for frame in frames for call in frame.results}):
        parts = [frame.result(call) for frame in frames]
        values = np.concatenate([part.values for part in parts])
        results[call] = CallResult(values, np.concatenate([part.known for part in parts]))
    return Frame(batch, variables, results)


def _wide(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose texts may take more than 2 GB together, as they can when rows are held."""
    return _with_texts(batch, pa.string(), pa.large_string())


def _narrow(batch: pa.RecordBatch) -> pa.RecordBatch:
    return _with_texts(batch, pa.large_string(), pa.string())


def _with_texts(batch: pa.RecordBatch, given: pa.DataType, wanted: pa.DataType) -> pa.RecordBatch:
    arrays = [column.cast(wanted) if column.type == given else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
