"""Scan: the corpus in batches that start small and grow."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.context import ExecContext
from falconql.runtime.errors import DataError
from falconql.runtime.evaluate import true_rows
from falconql.runtime.frame import Frame
from falconql.runtime.io.arrow import is_list, type_from_arrow, type_to_arrow
from falconql.runtime.metrics import OperatorMetrics
from falconql.runtime.plan import Scan

FIRST_ROWS = 256
MODEL_FREE_ROWS = 131_072
MOST_BATCH_BYTES = 32 << 20


class ScanOperator:
    """Reads the columns of a scan and applies its filter.

    With model calls behind it, batches begin at ``FIRST_ROWS`` and double up to
    ``ctx.batch_rows``, so that a limit stops early; without, they are large at once.
    """

    def __init__(self, node: Scan, ctx: ExecContext, *, model_calls: bool, may_stop: bool) -> None:
        self.node = node
        self.ctx = ctx
        self.metrics = OperatorMetrics("Scan")
        self.first_rows = FIRST_ROWS if model_calls or may_stop else MODEL_FREE_ROWS
        self.batch_rows = ctx.batch_rows if model_calls else max(ctx.batch_rows, MODEL_FREE_ROWS)

    def run(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for batch in self._batches():
            started = time.perf_counter()
            self.metrics.rows_in += batch.num_rows
            self.ctx.metrics.rows_in += batch.num_rows
            frame = Frame(self._normalised(batch))
            if self.node.filter is not None:
                keep = true_rows(self.node.filter, frame)
                frame = frame if keep.all() else frame.take(np.flatnonzero(keep))
            self.metrics.rows_out += frame.num_rows
            self.metrics.seconds += time.perf_counter() - started
            if frame.num_rows:
                yield frame

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of growing size, none much larger than ``MOST_BATCH_BYTES``."""
        names = [field.name for field in self.node.columns]
        rows = min(self.first_rows, self.batch_rows)
        for read in self.ctx.source.batches(names, self.node.filter, batch_rows=self.batch_rows):
            position = 0
            while position < read.num_rows:
                size = read.nbytes / read.num_rows * rows
                step = rows if size <= MOST_BATCH_BYTES else max(1, int(rows * MOST_BATCH_BYTES / size))
                yield read.slice(position, step)
                position += step
                rows = min(rows * 2, self.batch_rows)

    def _normalised(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        arrays = [normalise(batch.column(i)) for i in range(batch.num_columns)]
        for array, field in zip(arrays, self.node.columns, strict=True):
            found = type_from_arrow(array.type)
            if found != field.type and field.type.name != "Other":
                raise DataError(f"column `{field.name}` was planned as {field.type} and is {found} in the corpus")
        if not arrays:
            # A batch without columns would forget how many rows it has.
            return pa.RecordBatch.from_arrays([pa.nulls(batch.num_rows)], names=["$rows"])
        return pa.RecordBatch.from_arrays(arrays, names=[field.name for field in self.node.columns])


def normalise(values: pa.Array) -> pa.Array:
    """Return a column in the Arrow type that FalconQL computes with; unusual types stay as they are."""
    type_ = type_from_arrow(values.type)
    if type_.name == "Other":
        return values
    wanted = type_to_arrow(type_)
    if values.type == wanted:
        return values
    if pa.types.is_dictionary(values.type):
        return normalise(values.dictionary_decode())
    if is_list(values.type) or not pa.types.is_uint64(values.type):
        return pc.cast(values, wanted, safe=False)
    fits = pc.less_equal(values, pa.scalar(2**63 - 1, pa.uint64()))
    return pc.cast(pc.if_else(fits, values, pa.scalar(None, pa.uint64())), wanted)
