"""Aggregate: one row per group, in the order in which groups are first seen.

Each frame is summed up by itself, and the sums of frames are summed up again now and then, so that
memory is bounded by the number of groups and by what ``collect`` keeps. Nulls as in SQL: they are
left out of every aggregate but ``count()`` (so ``share`` is the part of the rows decided for which it is
true); without other values ``sum``, ``avg``, ``min``, ``max`` and ``share`` are null, ``count(x)`` is 0 and
``collect`` the empty list. A sum of Ints that does not fit 64 bits is null; a sum of Floats may differ
in its last digits with the size of the batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.calls import ModelCalls
from falconql.runtime.evaluate import evaluate
from falconql.runtime.frame import Frame
from falconql.runtime.io.arrow import type_to_arrow
from falconql.runtime.metrics import OperatorMetrics
from falconql.runtime.operators.base import Stopwatch
from falconql.runtime.operators.collect import Collected
from falconql.runtime.plan import Aggregate, AggregateCall
from falconql.runtime.types import INT

MERGE_ROWS = 100_000

# Per function: the parts a frame is summed up to, and how parts are summed up again.
_PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "count": (("count", "sum"),),
    "sum": (("sum", "sum"),),
    "avg": (("sum", "sum"), ("count", "sum")),
    "min": (("min", "min"),),
    "max": (("max", "max"),),
    "share": (("sum", "sum"), ("count", "sum")),
    "collect": (),
}


@dataclass(frozen=True, slots=True)
class PartialGroups:
    """Groups of some rows, not yet complete.

    Attributes:
        rows: how many rows they are of.
        table: what they are summed up to; None without rows.
        collected: by number of the aggregate, the keys and values of ``collect``.
    """

    rows: int
    table: pa.Table | None
    collected: Mapping[int, tuple[pa.Table, pa.Array]]


class AggregateOperator:
    """Blocking: groups are complete only at the end.

    Work can be shared out: ``take`` and ``partial`` where the rows are, ``add`` and ``finish`` in one place.
    """

    def __init__(self, node: Aggregate, calls: ModelCalls) -> None:
        self.node = node
        self.calls = calls
        self.metrics = OperatorMetrics("Aggregate")
        self._keys = [f"$key{number}" for number in range(len(node.keys))]
        self._collected = {
            number: Collected(self._keys) for number, call in enumerate(node.aggregates) if call.function == "collect"
        }
        self._merged: pa.Table | None = None
        self._parts: list[pa.Table] = []
        self._rows = 0

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        self.take(frames)
        yield from self.finish()

    def take(self, frames: Iterator[Frame]) -> None:
        """Sum up frames, all that come."""
        watch = Stopwatch(self.metrics)
        for frame in frames:
            with watch:
                self.metrics.rows_in += frame.num_rows
                self._add(self._sum_up(frame))

    def partial(self) -> PartialGroups:
        """Return what was summed up so far, for ``add`` of another operator of the same node, and begin anew."""
        with Stopwatch(self.metrics):
            merged = self._merge(self._merged, self._parts)
            rows = self._rows
            collected = {number: values.drain() for number, values in self._collected.items()} if rows else {}
            self._merged, self._parts, self._rows = None, [], 0
        return PartialGroups(rows, merged, collected)

    def add(self, partial: PartialGroups) -> None:
        """Take what another operator summed up of the rows that come next."""
        if partial.table is None:
            return
        with Stopwatch(self.metrics):
            at = partial.table.schema.get_field_index("$first_min")
            first = pc.add(partial.table.column(at), pa.scalar(self._rows))
            self._add(partial.table.set_column(at, "$first_min", first))
            for number, (keys, values) in partial.collected.items():
                self._collected[number].add(keys, values)
            self._rows += partial.rows

    def finish(self) -> Iterator[Frame]:
        """Yield one row per group of all that was taken and added."""
        with Stopwatch(self.metrics):
            merged = self._merge(self._merged, self._parts)
            result = self._of_nothing() if merged is None else self._result(merged)
        self.metrics.rows_out += result.num_rows
        if result.num_rows:
            yield Frame(result)

    def _add(self, part: pa.Table) -> None:
        self._parts.append(part)
        groups = 0 if self._merged is None else self._merged.num_rows
        # Not more often than the number of groups grows, or many groups would be merged at every frame.
        if sum(part.num_rows for part in self._parts) > max(MERGE_ROWS, groups):
            self._merged, self._parts = self._merge(self._merged, self._parts), []

    def _sum_up(self, frame: Frame) -> pa.Table:
        columns: dict[str, pa.Array] = {}
        for name, key in zip(self._keys, self.node.keys, strict=True):
            columns[name] = _as_key(evaluate(key, frame, None, self.calls))
        keys = pa.table(columns)
        # Arrow gives groups in no particular order: the first row of each says which came first.
        columns["$first"] = pa.array(np.arange(self._rows, self._rows + frame.num_rows))
        self._rows += frame.num_rows
        columns["$rows"] = pa.array(np.ones(frame.num_rows, dtype=np.int64))
        wanted = [("$first", "min"), ("$rows", "sum")]
        for number, call in enumerate(self.node.aggregates):
            if call.operand is None:
                continue
            values = evaluate(call.operand, frame, None, self.calls)
            if number in self._collected:
                self._collected[number].add(keys, values)
            for name, part in _inputs(number, call, values).items():
                columns[name] = part
                wanted += [(name, function) for function, _ in _PARTS[call.function]]
        return pa.table(columns).group_by(self._keys, use_threads=False).aggregate(wanted)

    def _merge(self, merged: pa.Table | None, parts: list[pa.Table]) -> pa.Table | None:
        parts = parts if merged is None else [merged, *parts]
        if len(parts) < 2:
            return parts[0] if parts else None
        again = {"$first_min": "min", "$rows_sum": "sum"}
        for number, call in enumerate(self.node.aggregates):
            for name in _names(number, call):
                again |= {f"{name}_{function}": merge for function, merge in _PARTS[call.function]}
        whole = pa.concat_tables(parts).group_by(self._keys, use_threads=False).aggregate(list(again.items()))
        names = [name if name in self._keys else name.rpartition("_")[0] for name in whole.column_names]
        return whole.rename_columns(names).combine_chunks()

    def _result(self, merged: pa.Table) -> pa.RecordBatch:
        merged = merged.sort_by("$first_min")
        columns = [merged.column(name) for name in self._keys]
        columns += [self._final(merged, number, call) for number, call in enumerate(self.node.aggregates)]
        return self._batch([c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in columns], merged)

    def _final(self, merged: pa.Table, number: int, call: AggregateCall) -> Any:
        if call.operand is None:
            return merged.column("$rows_sum")
        if number in self._collected:
            return self._collected[number].lists(type_to_arrow(call.type))
        name = f"$in{number}"
        if call.function in ("avg", "share"):
            # Without values the sum is null already; Arrow refuses to divide by zero even so.
            over = pc.max_element_wise(merged.column(f"{name}_count"), 1)
            return pc.divide(pc.cast(merged.column(f"{name}_sum"), pa.float64()), over)
        if _is_whole_sum(call):
            high, low = merged.column(f"{name}_high_sum"), merged.column(f"{name}_low_sum")
            return _joined(high.to_pylist(), low.to_pylist())
        (function, _), *_more = _PARTS[call.function]
        return pc.cast(merged.column(f"{name}_{function}"), type_to_arrow(call.type))

    def _of_nothing(self) -> pa.RecordBatch:
        """Return no group, or the one group there is without keys."""
        values: list[Any] = []
        for call in self.node.aggregates:
            empty = {"count": 0, "collect": []}.get(call.function)
            values.append(pa.array([] if self._keys else [empty], type=type_to_arrow(call.type)))
        keys = [pa.array([], type=type_to_arrow(key.type)) for key in self.node.keys]
        return self._batch([*keys, *values], None)

    def _batch(self, arrays: list[pa.Array], merged: pa.Table | None) -> pa.RecordBatch:
        if not arrays:
            return pa.RecordBatch.from_arrays([pa.nulls(1 if merged is None else merged.num_rows)], names=["$rows"])
        names = [*self._keys, *(f"$agg{number}" for number in range(len(self.node.aggregates)))]
        return pa.RecordBatch.from_arrays(arrays, names=names)


def _is_whole_sum(call: AggregateCall) -> bool:
    return call.function == "sum" and call.type == INT


def _names(number: int, call: AggregateCall) -> list[str]:
    """Return the names of the columns an aggregate sums up."""
    if call.operand is None or call.function == "collect":
        return []
    return [f"$in{number}_high", f"$in{number}_low"] if _is_whole_sum(call) else [f"$in{number}"]


def _inputs(number: int, call: AggregateCall, values: pa.Array) -> dict[str, pa.Array]:
    """Return the columns an aggregate sums up."""
    names = _names(number, call)
    if _is_whole_sum(call):
        # Halves of 32 bits, so that no sum of them overflows on the way.
        values = pc.cast(values, pa.int64())
        halves = pc.shift_right(values, pa.scalar(32)), pc.bit_wise_and(values, pa.scalar(0xFFFF_FFFF))
        return dict(zip(names, halves, strict=True))
    if call.function == "share":
        values = pc.cast(pc.cast(values, pa.bool_()), pa.int64())
    elif call.function in ("avg", "sum"):
        # Long whole numbers are rounded here, as they are in arithmetic.
        values = pc.cast(values, pa.float64(), safe=False)
    elif call.function in ("min", "max") and pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.int8())
    return dict.fromkeys(names, values)


def _as_key(values: pa.Array) -> pa.Array:
    # 0.0 and -0.0 are equal, and NaN has many bit patterns; groups are told apart by bits.
    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_nan(values), pa.scalar(float("nan")), pc.add(values, pa.scalar(0.0)))


def _joined(high: list[int | None], low: list[int | None]) -> pa.Array:
    sums = [None if h is None or n is None else (h << 32) + n for h, n in zip(high, low, strict=True)]
    return pa.array([s if s is not None and -(2**63) <= s < 2**63 else None for s in sums], type=pa.int64())
