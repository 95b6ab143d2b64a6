"""Runs a plan on this machine: a chain of generators from the scan to the last operator."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pyarrow as pa

from falconql.runtime.build import build
from falconql.runtime.calls import ModelCalls
from falconql.runtime.context import ExecContext
from falconql.runtime.errors import ExecutionError, FalconQLError
from falconql.runtime.frame import Frame
from falconql.runtime.io.arrow import type_to_arrow
from falconql.runtime.operators.base import Operator
from falconql.runtime.plan import Filter, Plan, nodes


def output_schema(plan: Plan, source_schema: pa.Schema) -> pa.Schema:
    """Return the Arrow schema of a plan's result; columns passed through keep their own unusual types."""
    fields = []
    for field in plan.output:
        if field.type.name == "Other":
            position = source_schema.get_all_field_indices(field.name)
            type_ = source_schema.field(position[0]).type if position else pa.null()
        else:
            type_ = type_to_arrow(field.type)
        fields.append(pa.field(field.name, type_))
    return pa.schema(fields)


def execute(plan: Plan, ctx: ExecContext) -> Iterator[pa.RecordBatch]:
    """Yield the result in record batches, all of the schema ``output_schema`` gives.

    Closing the iterator early stops the run. ``ctx.metrics`` is up to date after every batch.

    Raises:
        DataError: the corpus cannot be read.
        ProxyError: the plan has model calls and there is no proxy, or it fails.
        ExecutionError: an operator failed.
    """
    calls = ModelCalls(plan.calls, ctx.proxy, ctx.metrics)
    operators = build(plan, ctx, calls)
    metrics = ctx.metrics
    metrics.operators.extend(operator.metrics for operator in operators)
    metrics.rows_total = ctx.source.rows
    schema = output_schema(plan, ctx.source.schema)
    filters = [operator for operator in operators if operator.metrics.name in ("Scan", "Filter")]
    started = time.perf_counter()
    try:
        for frame in _chain(operators, ctx):
            batch = _output(frame, plan, schema)
            metrics.rows_out += batch.num_rows
            _settle(plan, metrics_of=filters, ctx=ctx, started=started)
            yield batch
    finally:
        _settle(plan, metrics_of=filters, ctx=ctx, started=started)


def execute_to_table(plan: Plan, ctx: ExecContext) -> pa.Table:
    """Return the whole result as one table; an empty result keeps its schema."""
    schema = output_schema(plan, ctx.source.schema)
    return pa.Table.from_batches(list(execute(plan, ctx)), schema=schema)


def _chain(operators: list[Operator], ctx: ExecContext) -> Iterator[Frame]:
    frames: Iterator[Frame] = iter(())
    for number, operator in enumerate(operators):
        frames = _guarded(operator, frames)
        if number == len(operators) - 1:
            break
        frames = _reporting(frames, ctx) if number == 0 else frames
    return frames


def _reporting(frames: Iterator[Frame], ctx: ExecContext) -> Iterator[Frame]:
    """Tell how far the run is each time a batch has gone through the operators above."""
    for frame in frames:
        yield frame
        if ctx.on_progress is not None:
            ctx.on_progress(ctx.metrics)


def _guarded(operator: Operator, frames: Iterator[Frame]) -> Iterator[Frame]:
    """Run an operator and say which one it was when Arrow or the machine gives up."""
    try:
        yield from operator.run(frames)
    except FalconQLError:
        raise
    except (pa.ArrowException, MemoryError) as error:
        name = operator.metrics.name.lower()
        reason = "out of memory" if isinstance(error, MemoryError) else str(error)
        raise ExecutionError(f"the {name} failed: {reason}", operator=name) from error


def _output(frame: Frame, plan: Plan, schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for name, field in zip((f.name for f in plan.output), schema, strict=True):
        array = frame.column(name)
        arrays.append(array if array.type == field.type else array.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _settle(plan: Plan, *, metrics_of: list[Operator], ctx: ExecContext, started: float) -> None:
    metrics = ctx.metrics
    metrics.seconds = time.perf_counter() - started
    metrics.rows_kept = metrics_of[-1].metrics.rows_out
    asked = len(plan.calls) * metrics.rows_in
    metrics.calls_avoided = max(0, asked - metrics.model_calls - metrics.cache_hits)


def has_filter(plan: Plan) -> bool:
    """Return whether a plan keeps only some rows."""
    return any(isinstance(node, Filter) for node in nodes(plan.root))
