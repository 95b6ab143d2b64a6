"""Sort: everything in order, or the first rows of that order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.calls import ModelCalls
from falconql.runtime.evaluate import evaluate
from falconql.runtime.frame import CallResult, Frame
from falconql.runtime.metrics import OperatorMetrics
from falconql.runtime.operators.base import Stopwatch
from falconql.runtime.plan import Sort, SortKey

OUTPUT_ROWS = 4096


class SortOperator:
    """Blocking. With a limit it keeps at most ``2 * limit`` rows plus one frame."""

    def __init__(self, node: Sort, calls: ModelCalls) -> None:
        self.node = node
        self.calls = calls
        self.metrics = OperatorMetrics("Sort")

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        watch = Stopwatch(self.metrics)
        held: list[Frame] = []
        limit = self.node.limit
        if limit == 0:
            return
        for frame in frames:
            with watch:
                self.metrics.rows_in += frame.num_rows
                held.append(self._with_keys(frame))
                if limit is not None and sum(f.num_rows for f in held) > 2 * limit:
                    held = [self._first(held, limit)]
        if not held:
            return
        with watch:
            ordered = self._first(held, limit)
        self.metrics.rows_out += ordered.num_rows
        for start in range(0, ordered.num_rows, OUTPUT_ROWS):
            with watch:
                part = ordered.take(np.arange(start, min(start + OUTPUT_ROWS, ordered.num_rows)))
                part.variables = {n: v for n, v in part.variables.items() if not n.startswith("$sort")}
            yield part

    def _with_keys(self, frame: Frame) -> Frame:
        for number, key in enumerate(self.node.keys):
            frame = frame.with_variable(f"$sort{number}", evaluate(key.value, frame, None, self.calls))
        return frame

    def _first(self, frames: Sequence[Frame], limit: int | None) -> Frame:
        """Return the frames as one, in order, cut to the limit."""
        whole = concatenate(frames)
        keys = [whole.variables[f"$sort{number}"] for number in range(len(self.node.keys))]
        order = sort_positions(keys, self.node.keys)
        return whole.take(order if limit is None else order[:limit])


def sort_positions(values: Sequence[pa.Array], keys: Sequence[SortKey]) -> np.ndarray:
    """Return row positions in key order: stable, nulls last whatever the direction.

    One stable pass per key from the last to the first; descending passes sort the negated rank.
    """
    positions = np.arange(len(values[0]))
    for array, key in reversed(list(zip(values, keys, strict=True))):
        ranks = _ranks(array)
        worst = ranks.max(initial=0) + 1
        codes = np.where(ranks < 0, worst, -ranks if key.descending else ranks)
        positions = positions[np.argsort(codes[positions], kind="stable")]
    return positions


def _ranks(array: pa.Array) -> np.ndarray:
    """Return dense ranks of values from 0, null and NaN as -1."""
    if pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.int8())
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    encoded = pc.dictionary_encode(array)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    rank_of = np.empty(len(order), dtype=np.int64)
    rank_of[order] = np.arange(len(order))
    indices = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.where(indices < 0, -1, rank_of[indices] if len(rank_of) else -1)


def concatenate(frames: Sequence[Frame]) -> Frame:
    """Return frames of the same columns and variables as one."""
    if len(frames) == 1:
        return frames[0]
    table = pa.Table.from_batches([frame.batch for frame in frames]).combine_chunks()
    variables = {name: pa.concat_arrays([frame.variables[name] for frame in frames]) for name in frames[0].variables}
    calls = sorted({call for frame in frames for call in frame.results})
    results = {}
    for call in calls:
        parts = [frame.result(call) for frame in frames]
        values = np.concatenate([part.values for part in parts])
        results[call] = CallResult(values, np.concatenate([part.known for part in parts]))
    return Frame(table.to_batches()[0], variables, results)
