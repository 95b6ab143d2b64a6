"""Scan: the corpus in batches of the size that suits what comes after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from falconql.runtime.context import ExecContext
from falconql.runtime.errors import DataError
from falconql.runtime.evaluate import true_rows
from falconql.runtime.frame import Frame
from falconql.runtime.io.arrow import type_from_arrow
from falconql.runtime.metrics import OperatorMetrics
from falconql.runtime.normalise import normalise
from falconql.runtime.operators.base import Stopwatch
from falconql.runtime.plan import Scan

MODEL_ROWS = 1024
MODEL_FREE_ROWS = 65_536
MODEL_FIRST_ROWS = 64
FIRST_ROWS = 256
FEWEST_ROWS = 16
MOST_BATCH_BYTES = 32 << 20
# Rows that passed the filter are held back until they fill a batch, but not while so many full ones are read.
MOST_HELD_BATCHES = 32


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """How many rows a batch has: ``first`` at the beginning, twice as many each time up to ``most``.

    ``fill``: rows that pass the filter are gathered until they make a whole batch, since a model
    works best on many texts at once.
    """

    first: int
    most: int
    fill: bool

    @classmethod
    def suited(cls, *, model_calls: bool, limit: int | None, most: int | None, first: int | None = None) -> BatchSizes:
        """Return the sizes for a plan.

        Args:
            model_calls: whether it has some.
            limit: how many rows it stops at.
            most: the caller's bound.
            first: the caller's wish for the first batch of a plan with model calls.
        """
        if model_calls:
            most = most or MODEL_ROWS
            first = first or MODEL_FIRST_ROWS
            if limit is not None:
                first = min(first, max(FEWEST_ROWS, 2 * limit))
            return cls(min(first, most), most, limit is None)
        most = most or (MODEL_FREE_ROWS if limit is None else MODEL_ROWS)
        return cls(most if limit is None else min(FIRST_ROWS, most), most, False)


class ScanOperator:
    """Reads the columns of a scan and applies its filter.

    Attributes:
        rows_given: so many rows of the corpus are in the frames yielded so far, as far as they passed the
            filter, and none of later ones.
        rows_waiting: so many rows come after the frame yielded last, and have passed the filter already.
    """

    def __init__(self, node: Scan, ctx: ExecContext, sizes: BatchSizes) -> None:
        self.node = node
        self.ctx = ctx
        self.sizes = sizes
        self.metrics = OperatorMetrics("Scan")
        self.rows_given = 0
        self.rows_waiting = 0
        self._rows = sizes.first
        self._held: list[pa.RecordBatch] = []
        self._held_rows = self._held_bytes = 0
        self._read_before = 0  # rows read when the last of them went on

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        watch = Stopwatch(self.metrics)
        for batch in self._batches():
            with watch:
                frame = self._filtered(batch)
                ready = self._gathered(frame) if self.sizes.fill else frame
            if ready is not None and ready.num_rows:
                yield from self._cut(ready)
        if (rest := self._release()) is not None:
            yield from self._cut(rest)

    def _filtered(self, batch: pa.RecordBatch) -> Frame:
        self.metrics.rows_in += batch.num_rows
        self.ctx.metrics.rows_in += batch.num_rows
        frame = Frame(self._normalised(batch))
        if self.node.filter is None:
            return frame
        keep = true_rows(self.node.filter, frame)
        return frame if keep.all() else frame.take(np.flatnonzero(keep))

    def _gathered(self, frame: Frame) -> Frame | None:
        """Hold a frame back, and return all that is held when it is enough."""
        if not self._held and frame.num_rows >= self._rows:
            self._read_before = self.metrics.rows_in
            return frame
        if frame.num_rows:
            self._held.append(frame.batch)
            self._held_rows += frame.num_rows
            self._held_bytes += self._held[-1].nbytes
        read = self.metrics.rows_in - self._read_before
        enough = (
            self._held_rows >= self._rows
            or self._held_bytes >= MOST_BATCH_BYTES
            or read >= MOST_HELD_BATCHES * self.sizes.most
        )
        return self._release() if enough else None

    def _release(self) -> Frame | None:
        batches, self._held = self._held, []
        self._held_rows = self._held_bytes = 0
        self._read_before = self.metrics.rows_in
        if not batches:
            return None
        return Frame(pa.concat_batches(batches) if len(batches) > 1 else batches[0])

    def _cut(self, frame: Frame) -> Iterator[Frame]:
        """Yield a frame in parts of the size that is due; those for a model grow with each."""
        self.metrics.rows_out += frame.num_rows
        start = 0
        while start < frame.num_rows:
            stop = min(start + (self._rows if self.sizes.fill else self.sizes.most), frame.num_rows)
            self.rows_waiting = frame.num_rows - stop
            if not self.rows_waiting:
                # What is cut here is all that was held back.
                self.rows_given = self.ctx.metrics.rows_in
            yield frame if stop - start == frame.num_rows else frame.take(np.arange(start, stop))
            start = stop
            if self.sizes.fill:
                self._grow()

    def _grow(self) -> None:
        self._rows = min(self._rows * 2, self.sizes.most)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Yield batches, none with many more bytes than ``MOST_BATCH_BYTES``.

        Of rows, one for a model without a filter has as many as are due, one for a model with a filter has the most
        that are allowed, and any other twice as many as the one before.
        """
        names = [field.name for field in self.node.columns]
        skip = 0 if self.ctx.resume is None else self.ctx.resume.rows_read
        for read in self.ctx.source.batches(names, self.node.filter, batch_rows=self.sizes.most):
            position = min(skip, read.num_rows)
            skip -= position
            self.ctx.metrics.rows_in += position
            while position < read.num_rows:
                rows = self._next_rows()
                size = read.nbytes / read.num_rows * rows
                step = rows if size <= MOST_BATCH_BYTES else max(1, int(rows * MOST_BATCH_BYTES / size))
                batch = read.slice(position, step)
                position += batch.num_rows
                yield batch
                if not self.sizes.fill:
                    self._grow()

    def _next_rows(self) -> int:
        if self.sizes.fill and self.node.filter is not None:
            return self.sizes.most  # the filter leaves fewer
        return max(1, self._rows - self._held_rows)

    def _normalised(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [normalise(batch.column(i)) for i in range(batch.num_columns)]
        for array, field in zip(arrays, self.node.columns, strict=True):
            found = type_from_arrow(array.type)
            if found != field.type and field.type.name != "Other":
                raise DataError(
                    f"column `{field.name}` was planned as {field.type} and is {found} in the corpus",
                    hint="plan the query again with this corpus",
                )
        if not arrays:
            # A batch without columns would forget how many rows it has.
            return pa.RecordBatch.from_arrays([pa.nulls(batch.num_rows)], names=["$rows"])
        return pa.RecordBatch.from_arrays(arrays, names=[field.name for field in self.node.columns])
