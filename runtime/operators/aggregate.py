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
    "share": (("sum", "sum"), ("rows", "sum")),
    "collect": (("list", "flatten"),),
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
            columns[f"$in{number}"] = _summable(evaluate(call.operand, frame, None, self.calls), call)
            wanted += [(f"$in{number}", part) for part, _ in _PARTS[call.function] if part != "rows"]
        grouped = pa.table(columns).group_by(self.key_names, use_threads=False).aggregate(list(dict.fromkeys(wanted)))
        return grouped if grouped.num_rows else grouped.slice(0, 0)

    def _merge(self, parts: list[pa.Table]) -> pa.Table:
        whole = pa.concat_tables(parts)
        wanted: list[tuple[str, str]] = [("$rows_sum", "sum")]
        lists: list[str] = []
        for number, call in enumerate(self.node.aggregates):
            for part, again in _PARTS[call.function]:
                name = f"$in{number}_{part}"
                if part == "rows" or call.operand is None:
                    continue
                if again == "flatten":
                    lists.append(name)
                else:
                    wanted.append((name, again))
        wanted += [(name, "list") for name in lists]
        merged = whole.group_by(self.key_names, use_threads=False).aggregate(list(dict.fromkeys(wanted)))
        renamed = []
        for name in merged.column_names:
            base = name.rpartition("_")[0] if name not in self.key_names else name
            renamed.append(base)
        merged = merged.rename_columns(renamed)
        for name in lists:
            flat = [[v for part in row for v in part] for row in merged.column(name).to_pylist()]
            position = merged.column_names.index(name)
            merged = merged.set_column(position, name, pa.array(flat, type=whole.schema.field(name).type))
        return merged

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
        prefix = f"$in{number}_"
        if call.function in ("avg", "share"):
            over = merged.column(prefix + "count") if call.function == "avg" else rows
            total = pc.cast(merged.column(prefix + "sum"), pa.float64())
            if call.function == "share":
                total = pc.fill_null(total, 0.0)
            return pc.divide(total, pc.if_else(pc.equal(over, 0), pa.scalar(None, pa.int64()), over))
        (part, _), *_rest = _PARTS[call.function]
        values = merged.column(prefix + part)
        if call.function == "collect":
            lists = [[v for v in row if v is not None] for row in values.to_pylist()]
            return pa.array(lists, type=type_to_arrow(call.type))
        return pc.cast(values, type_to_arrow(call.type))

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
