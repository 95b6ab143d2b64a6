"""Runs a plan on this machine: a chain of generators from the scan to the last operator."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pyarrow as pa

from falconql.runtime.build import build
from falconql.runtime.calls import ModelCalls
from falconql.runtime.context import ExecContext
from falconql.runtime.errors import DataError, ExecutionError, FalconQLError
from falconql.runtime.expression import ColumnRef
from falconql.runtime.frame import Frame
from falconql.runtime.io.arrow import own_type, type_from_arrow, type_to_arrow
from falconql.runtime.operators.base import Operator
from falconql.runtime.operators.scan import ScanOperator
from falconql.runtime.plan import Field, Plan, Project, nodes

_MEMORY_HINT = "read fewer columns, filter before sorting or grouping, or add a `limit` to `order by`"
_DATA_HINT = "look for unusual values in the columns it reads, or leave those rows out with `where`"
_ENCODING_HINT = "write the file again from texts that were decoded with their true encoding"


def output_schema(plan: Plan, source_schema: pa.Schema) -> pa.Schema:
    """Return the Arrow schema of a plan's result; columns passed through keep their own unusual types."""
    fields = []
    for field in plan.output:
        type_ = _passed_through(plan, field, source_schema) if field.type.name == "Other" else type_to_arrow(field.type)
        fields.append(pa.field(field.name, type_))
    return pa.schema(fields)


def _passed_through(plan: Plan, field: Field, source_schema: pa.Schema) -> pa.DataType:
    """Return the type of an output that FalconQL only passes through: that of the column it is in the corpus."""
    position = source_schema.get_all_field_indices(_read_from(plan, field.name))
    if not position:
        return pa.null()
    # A saved plan may meet a corpus in which the column is nothing unusual; then the scan normalises it.
    return own_type(source_schema.field(position[0]).type)


def _read_from(plan: Plan, name: str) -> str:
    """Return the column of the corpus that is passed through to an output, whatever it is called on the way."""
    for node in nodes(plan.root):
        if isinstance(node, Project):
            (value,) = (output.value for output in node.outputs if output.name == name)
            assert isinstance(value, ColumnRef), "only columns of the corpus have unusual types"
            name = value.name
    return name


def execute(plan: Plan, ctx: ExecContext) -> Generator[pa.RecordBatch, None, None]:
    """Yield the result in record batches, all of the schema ``output_schema`` gives.

    Closing the iterator early stops the run and closes the corpus. ``ctx.metrics`` is up to date
    after every batch.

    Raises:
        DataError: the corpus cannot be read.
        ProxyError: the plan has model calls and there is no proxy, or it fails.
        ExecutionError: an operator failed.
    """
    run = _Run(plan, ctx)
    frames = run.frames()
    schema = output_schema(plan, ctx.source.schema)
    try:
        for frame in frames:
            batch = output_batch(frame, schema)
            ctx.metrics.rows_out += batch.num_rows
            run.count()
            yield batch
    finally:
        run.close()
        run.count(over=True)


def execute_to_table(plan: Plan, ctx: ExecContext) -> pa.Table:
    """Return the whole result as one table; an empty result keeps its schema."""
    schema = output_schema(plan, ctx.source.schema)
    return pa.Table.from_batches(list(execute(plan, ctx)), schema=schema)


class _Run:
    """The operators of one run, chained, and the numbers that concern them all."""

    def __init__(self, plan: Plan, ctx: ExecContext) -> None:
        self._ctx = ctx
        self._calls = ModelCalls(plan.calls, ctx.proxy, ctx.metrics, ctx.answers, ctx.cache)
        self._operators = build(plan, ctx, self._calls)
        scan = self._operators[0]
        assert isinstance(scan, ScanOperator)
        self._scan = scan
        self._filters = [op.metrics for op in self._operators if op.metrics.name in ("Scan", "Filter")]
        self._opened: list[Generator[Frame, None, None]] = []
        self._started = time.perf_counter()
        ctx.metrics.operators.extend(operator.metrics for operator in self._operators)
        ctx.metrics.rows_total = ctx.source.rows
        if ctx.resume is not None:
            ctx.metrics.rows_resumed, ctx.metrics.rows_out = ctx.resume.rows_read, ctx.resume.rows_out

    def frames(self) -> Iterator[Frame]:
        """Return the frames of the last operator."""
        frames: Iterator[Frame] = iter(())
        for operator in self._operators:
            frames = guarded(operator, frames)
            self._opened.append(frames)
            if operator is self._operators[0]:
                frames = self._reporting(frames)
                self._opened.append(frames)
        return frames

    def close(self) -> None:
        """End the operators, the last one first; so a limit or an interruption ends the scan."""
        try:
            for frames in reversed(self._opened):
                frames.close()
        finally:
            self._calls.close()

    def count(self, *, over: bool = False) -> None:
        """Bring the numbers of the whole run up to date; nothing is asked any more when it is ``over``."""
        metrics = self._ctx.metrics
        metrics.seconds = time.perf_counter() - self._started
        metrics.rows_kept = self._filters[-1].rows_out
        metrics.count_avoided(self._calls.questions_per_row(), 0 if over else self._scan.rows_waiting)

    def _reporting(self, frames: Iterator[Frame]) -> Generator[Frame, None, None]:
        """Tell how far the run is each time a batch has gone through the operators above."""
        for frame in frames:
            rows = frame.num_rows
            yield frame
            self._ctx.metrics.rows_done = self._scan.rows_given
            self._ctx.metrics.rows_through += rows
            if self._ctx.on_progress is not None:
                self.count()
                self._ctx.on_progress(self._ctx.metrics)


def guarded(operator: Operator, frames: Iterator[Frame]) -> Generator[Frame, None, None]:
    """Run an operator and say which one it was when Arrow or the machine gives up."""
    with failures_of(operator):
        yield from operator.run(frames)


@contextmanager
def failures_of(operator: Operator) -> Iterator[None]:
    """Turn what Arrow and the machine say inside into messages that name the operator."""
    name = operator.metrics.name.lower()
    try:
        yield
    except FalconQLError:
        raise
    except (MemoryError, pa.ArrowMemoryError) as error:
        raise ExecutionError(f"the {name} ran out of memory", operator=name, hint=_MEMORY_HINT) from error
    except UnicodeDecodeError as error:
        # Arrow files may hold any bytes in a column of texts; nobody notices before they are read as text.
        raise DataError("a column of texts holds bytes that are not UTF-8", hint=_ENCODING_HINT) from error
    except pa.ArrowException as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ExecutionError(f"the {name} failed: {reason}", operator=name, hint=_DATA_HINT) from error


def output_batch(frame: Frame, schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns of the result; those that begin with ``$`` are not among them."""
    columns = [(frame.column(field.name), field.type) for field in schema]
    # What is passed through comes as the corpus gives it, and a cast would change it without a word.
    arrays = [a if a.type == t or type_from_arrow(t).name == "Other" else a.cast(t) for a, t in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
