"""What goes from machine to machine: frames and groups as Arrow streams, in blocks of one row each.

Arrow streams keep every type as it is; Ray sees them as bytes, and never touches a column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from falconql.runtime.cluster.stages import Needed
from falconql.runtime.errors import DataError, ExecutionError, FalconQLError, PlanError, ProxyError
from falconql.runtime.frame import CallResult, Frame
from falconql.runtime.io.arrow import SPAN_TYPE
from falconql.runtime.operators.aggregate import PartialGroups
from falconql.runtime.plan import ModelCall

# Scores of spans as they are in memory: in 64 bits.
_SPAN = pa.struct([field if field.name != "score" else pa.field("score", pa.float64()) for field in SPAN_TYPE])
_RESULT = {"label": pa.float64(), "choose": pa.string(), "span": _SPAN, "spans": pa.list_(_SPAN)}
_LAYOUT = b"falconql"
_ERRORS = {error.__name__: error for error in (DataError, ProxyError, PlanError, FalconQLError)}


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of work, or what came of it.

    Attributes:
        part: the part of the corpus it belongs to.
        number: its place among those of the part.
        rows: how many rows of the corpus have been read since the block before, those without a result included.
        data: frames or groups, as Arrow streams.
        counts: what was counted on the way, each as JSON.
        error: the failure that took the place of the data, as JSON.
    """

    part: int
    number: int
    rows: int
    data: Sequence[Any] = ()
    counts: tuple[str, ...] = ()
    error: str | None = None

    def failed(self, error: FalconQLError, advice: str | None = None) -> Block:
        """Return the block as one whose work failed; ``advice`` is added to what the error advises."""
        operator = error.operator if isinstance(error, ExecutionError) else None
        hint = "; ".join(filter(None, (error.hint, advice))) or None
        found = {"type": type(error).__name__, "message": error.message, "hint": hint, "operator": operator}
        return replace(self, data=(), error=json.dumps(found))

    def check(self) -> None:
        """Raise the failure, if there is one."""
        if self.error is None:
            return
        found = json.loads(self.error)
        if found["operator"] is not None:
            raise ExecutionError(found["message"], operator=found["operator"], hint=found["hint"])
        raise _ERRORS.get(found["type"], FalconQLError)(found["message"], hint=found["hint"])


_SCHEMA = pa.schema(
    [
        ("part", pa.int64()),
        ("number", pa.int64()),
        ("rows", pa.int64()),
        ("data", pa.list_(pa.large_binary())),
        ("counts", pa.list_(pa.string())),
        ("error", pa.string()),
    ]
)


def to_table(block: Block) -> pa.Table:
    """Return a block as a table of one row."""
    values = [block.part, block.number, block.rows, list(block.data), list(block.counts), block.error]
    return pa.table([pa.array([v], type=f.type) for v, f in zip(values, _SCHEMA, strict=True)], schema=_SCHEMA)


def from_table(table: pa.Table) -> Iterator[Block]:
    """Yield the blocks of a table; their data are views of it."""
    for row in range(table.num_rows):
        part, number, rows, data, counts, error = (table.column(name)[row] for name in _SCHEMA.names)
        streams = [value.as_buffer() for value in data.values] if data.is_valid and len(data) else []
        yield Block(part.as_py(), number.as_py(), rows.as_py(), streams, tuple(counts.as_py()), error.as_py())


@dataclass(slots=True)
class _Layout:
    """What the columns of a stream are."""

    rows: int
    columns: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)


def pack_frame(frame: Frame, calls: Sequence[ModelCall], needed: Needed) -> bytes:
    """Return a frame as an Arrow stream, as far as it is needed later."""
    layout = _Layout(frame.num_rows)
    arrays: list[pa.Array] = []
    for name in frame.names:
        if needed.columns is None or name in needed.columns:
            layout.columns.append(name)
            arrays.append(frame.column(name))
    for name in frame.variables:
        if name in needed.variables:
            layout.variables.append(name)
            arrays.append(frame.variable(name))
    for call, result in frame.results.items():
        if call in needed.calls:
            layout.calls.append(call)
            values = [v if known else None for v, known in zip(result.values.tolist(), result.known, strict=True)]
            arrays += [pa.array(values, type=_RESULT[calls[call].kind]), pa.array(result.known)]
    if not arrays:
        arrays = [pa.nulls(frame.num_rows)]
    described = {"rows": layout.rows, "columns": layout.columns, "variables": layout.variables, "calls": layout.calls}
    fields = [pa.field(str(at), array.type) for at, array in enumerate(arrays)]
    schema = pa.schema(fields, metadata={_LAYOUT: json.dumps(described).encode()})
    return _stream(schema, [pa.RecordBatch.from_arrays(arrays, schema=schema)])


def unpack_frame(data: Any) -> Frame:
    """Return the frame of a stream."""
    with pa.ipc.open_stream(data) as reader:
        layout = _Layout(**json.loads(reader.schema.metadata[_LAYOUT]))
        batch = reader.read_next_batch()
    arrays = iter(batch.columns)
    columns = [next(arrays) for _ in layout.columns]
    variables = {name: next(arrays) for name in layout.variables}
    results = {call: _result(next(arrays), next(arrays)) for call in layout.calls}
    if not columns:
        return Frame(pa.RecordBatch.from_arrays([pa.nulls(layout.rows)], names=["$rows"]), variables, results)
    return Frame(pa.RecordBatch.from_arrays(columns, names=layout.columns), variables, results)


def _result(values: pa.Array, known: pa.Array) -> CallResult:
    found = np.empty(len(values), dtype=object)
    found[:] = values.to_pylist()
    return CallResult(found, known.to_numpy(zero_copy_only=False))


def pack_groups(groups: PartialGroups) -> list[bytes]:
    """Return groups as Arrow streams: none without rows, else what they are summed up to and what was collected."""
    if groups.table is None:
        return []
    described = json.dumps({"rows": groups.rows, "collected": list(groups.collected)}).encode()
    streams = [_of_table(groups.table.replace_schema_metadata({_LAYOUT: described}))]
    for keys, values in groups.collected.values():
        streams.append(_of_table(pa.table([*keys.columns, values], names=[*keys.column_names, "$value"])))
    return streams


def unpack_groups(streams: Sequence[Any]) -> PartialGroups:
    """Return the groups of such streams."""
    if not streams:
        return PartialGroups(0, None, {})
    tables = [pa.ipc.open_stream(stream).read_all() for stream in streams]
    described = json.loads(tables[0].schema.metadata[_LAYOUT])
    collected = {
        number: (table.select(table.column_names[:-1]), table.column(table.num_columns - 1).combine_chunks())
        for number, table in zip(described["collected"], tables[1:], strict=True)
    }
    return PartialGroups(described["rows"], tables[0].replace_schema_metadata(None), collected)


def _of_table(table: pa.Table) -> bytes:
    return _stream(table.schema, table.to_batches())


def _stream(schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data
