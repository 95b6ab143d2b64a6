"""Aggregate: one row per group, memory bounded by the number of groups (and what ``collect`` keeps)."""

from __future__ import annotations

from collections.abc import Iterator
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
from falconql.runtime.plan import Aggregate, AggregateCall

MERGE_ROWS = 100_000

# How a batch is summed up, and how such sums are summed up again.
_PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "count": (("count", "sum"),),
    "sum": (("sum", "sum"),),
    "avg": (("sum", "sum"), ("count", "sum")),
    "min": (("min", "min"),),
    "max": (("max", "max"),),
    "share": (("sum", "sum"),),
}


class AggregateOperator:
    """Sums up each frame, merges the sums now and then, finishes at the end.

    Groups come out in the order in which they were first seen.
    """

    def __init__(self, node: Aggregate, calls: ModelCalls) -> None:
        self.node = node
        self.calls = calls
        self.metrics = OperatorMetrics("Aggregate")
        self.key_names = [f"$key{number}" for number in range(len(node.keys))]
        self.collected: dict[int, dict[tuple[Any, ...], list[Any]]] = {}

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        watch = Stopwatch(self.metrics)
        parts: list[pa.Table] = []
        for frame in frames:
            with watch:
                self.metrics.rows_in += frame.num_rows
                parts.append(self._sum_up(frame))
                if sum(part.num_rows for part in parts) > MERGE_ROWS and len(parts) > 1:
                    parts = [self._merge(parts)]
        with watch:
            result = self._finish(self._merge(parts) if parts else None)
        self.metrics.rows_out += result.num_rows
        if result.num_rows:
            yield Frame(result)

    def _sum_up(self, frame: Frame) -> pa.Table:
        columns: dict[str, pa.Array] = {}
        for name, key in zip(self.key_names, self.node.keys, strict=True):
            columns[name] = evaluate(key, frame, None, self.calls)
        columns["$rows"] = pa.array(np.ones(frame.num_rows, dtype=np.int64))
        wanted = [("$rows", "sum")]
        for number, call in enumerate(self.node.aggregates):
            if call.operand is None:
                continue
            values = _summable(evaluate(call.operand, frame, None, self.calls), call)
            if call.function == "collect":
                self._collect(number, columns, values)
                continue
            columns[f"$in{number}"] = values
            wanted += [(f"$in{number}", part) for part, _ in _PARTS[call.function]]
        return pa.table(columns).group_by(self.key_names, use_threads=False).aggregate(wanted)

    def _collect(self, number: int, keys: dict[str, pa.Array], values: pa.Array) -> None:
        """Add values to the lists of their groups. Lists cannot be summed up by Arrow's grouping."""
        lists = self.collected.setdefault(number, {})
        if not self.key_names:
            lists.setdefault((), []).extend(values.drop_null().to_pylist())
            return
        table = pa.table({**{name: keys[name] for name in self.key_names}, "$value": values})
        grouped = table.group_by(self.key_names, use_threads=False).aggregate([("$value", "list")])
        for key, part in zip(self._keys_of(grouped), grouped.column("$value_list").to_pylist(), strict=True):
            lists.setdefault(key, []).extend(value for value in part if value is not None)

    def _keys_of(self, table: pa.Table) -> list[tuple[Any, ...]]:
        columns = [[repr(value) for value in table.column(name).to_pylist()] for name in self.key_names]
        return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows

    def _merge(self, parts: list[pa.Table]) -> pa.Table:
        wanted = [("$rows_sum", "sum")]
        for number, call in enumerate(self.node.aggregates):
            if call.operand is not None and call.function != "collect":
                wanted += [(f"$in{number}_{part}", again) for part, again in _PARTS[call.function]]
        merged = pa.concat_tables(parts).group_by(self.key_names, use_threads=False).aggregate(wanted)
        return merged.rename_columns(
            [name if name in self.key_names else name.rpartition("_")[0] for name in merged.column_names]
        )

    def _finish(self, merged: pa.Table | None) -> pa.RecordBatch:
        if merged is None:
            return self._of_nothing()
        columns = [merged.column(name) for name in self.key_names]
        columns += [self._final(merged, number, call) for number, call in enumerate(self.node.aggregates)]
        arrays = [c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for c in columns]
        return _batch(arrays, self._names(), merged.num_rows)

    def _final(self, merged: pa.Table, number: int, call: AggregateCall) -> Any:
        rows = merged.column("$rows_sum")
        if call.operand is None:
            return rows
        if call.function == "collect":
            lists = self.collected[number]
            return pa.array([lists.get(key, []) for key in self._keys_of(merged)], type=type_to_arrow(call.type))
        prefix = f"$in{number}_"
        if call.function in ("avg", "share"):
            over = merged.column(prefix + "count") if call.function == "avg" else rows
            total = pc.cast(merged.column(prefix + "sum"), pa.float64())
            if call.function == "share":
                total = pc.fill_null(total, 0.0)
            return pc.divide(total, pc.if_else(pc.equal(over, 0), pa.scalar(None, pa.int64()), over))
        return pc.cast(merged.column(prefix + _PARTS[call.function][0][0]), type_to_arrow(call.type))

    def _of_nothing(self) -> pa.RecordBatch:
        """Return no group, or the one group of a query without keys: counts 0, lists empty, the rest null."""
        if self.key_names:
            return pa.RecordBatch.from_arrays([], names=[])
        values: list[Any] = []
        for call in self.node.aggregates:
            empty = {"count": 0, "collect": []}.get(call.function)
            values.append(pa.array([empty], type=type_to_arrow(call.type)))
        return _batch(values, self._names(), 1)

    def _names(self) -> list[str]:
        return self.key_names + [f"$agg{number}" for number in range(len(self.node.aggregates))]


def _batch(arrays: list[pa.Array], names: list[str], rows: int) -> pa.RecordBatch:
    if not arrays:
        return pa.RecordBatch.from_arrays([pa.nulls(rows)], names=["$rows"])
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _summable(values: pa.Array, call: AggregateCall) -> pa.Array:
    if call.function == "share":
        return pc.cast(values, pa.int64())
    if call.function == "avg":
        return pc.cast(values, pa.float64())
    if call.function in ("min", "max") and pa.types.is_boolean(values.type):
        return pc.cast(values, pa.int8())
    return values
