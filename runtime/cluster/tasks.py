"""What runs on the machines: reading a part of the corpus, and the operators of a stage on one block.

Knows nothing of Ray, and imports nothing of FalconQL but the runtime.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from falconql.runtime.build import build, stops_at
from falconql.runtime.cache import ResultCache, open_cache
from falconql.runtime.calls import ModelCalls
from falconql.runtime.cluster.counts import Counts
from falconql.runtime.cluster.parts import Part
from falconql.runtime.cluster.shipping import Shipped, arrive
from falconql.runtime.cluster.stages import Stage, chain, needed_after, needed_from
from falconql.runtime.cluster.wire import Block, pack_frame, pack_groups, unpack_frame
from falconql.runtime.context import ExecContext, Resume
from falconql.runtime.errors import FalconQLError
from falconql.runtime.executor import failures_of, guarded
from falconql.runtime.frame import Frame
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.operators.aggregate import AggregateOperator
from falconql.runtime.operators.base import Operator
from falconql.runtime.operators.scan import MODEL_ROWS, BatchSizes, ScanOperator
from falconql.runtime.plan import Filter, Node, Plan, Scan, tests

MOST_BLOCK_ROWS = 8192
# So many blocks in a second that whoever hands them out is never what one waits for.
_ROWS_PER_WORKER = 64
_BLOCKS_PER_WORKER, _FEWEST_ROWS = 16, 128


@dataclass(frozen=True, slots=True)
class Job:
    """One stage of a plan, for a worker.

    Attributes:
        plan: the plan, as JSON.
        stage: its operators.
        rows: rows of the whole corpus, if known.
        workers: how many share the work.
        threads: threads for inference of each.
        cache: the folder of the cache on every machine, and how many bytes it may take; None for no cache.
    """

    plan: str
    stage: Stage
    rows: int | None
    workers: int
    threads: int
    cache: tuple[str, int] | None


# The machine that the run was started on has read the beginning with its own.
_OWN_LOGIN = "each machine of a cluster reads with its own login, as it was set before `ray start`"


class Reader:
    """Reads parts of a corpus and applies the scan's filter.

    Args:
        plan: the plan, as JSON.
        batch_rows: the caller's bound on the rows of a block.
        workers: how many work on the blocks.
        rows: rows of the whole corpus, if known.
    """

    def __init__(self, plan: str, batch_rows: int | None, workers: int, rows: int | None) -> None:
        made = Plan.from_json(plan)
        order = chain(made)
        scan = order[0]
        assert isinstance(scan, Scan)
        above: list[Node] = order[:0:-1]
        most = _block_rows(workers, rows) if made.calls else None
        self._node = scan
        self._sizes = BatchSizes.suited(model_calls=bool(made.calls), limit=stops_at(above), most=batch_rows or most)
        self._needed = needed_from(made, 1)
        self._operators = len(order)
        self._tests = sum(len(list(tests(node.predicate))) for node in order if isinstance(node, Filter))

    def read(self, number: int, part: Part) -> Iterator[Block]:
        """Yield the blocks of a part. A failure is the last of them."""
        ctx = ExecContext(part.source, resume=Resume(part.skip, 0) if part.skip else None)
        scan = ScanOperator(self._node, ctx, self._sizes)
        done, counted, block = part.skip, [0.0, 0.0, 0.0], Block(number, 0, 0)
        try:
            for frame in guarded(scan, iter(())):
                yield self._block(block, scan, done, counted, [pack_frame(frame, (), self._needed)])
                done, counted = scan.rows_given or done, _numbers(scan)
                block = Block(number, block.number + 1, 0)
            # The rows after the last that passed the filter.
            scan.rows_given = ctx.metrics.rows_in
            yield self._block(block, scan, done, counted, [])
        except FalconQLError as error:
            yield block.failed(error, _OWN_LOGIN if part.anywhere else None)

    def _block(self, block: Block, scan: ScanOperator, done: int, counted: list[float], data: Sequence[Any]) -> Block:
        counts = Counts.none(self._operators, self._tests)
        counts.operators[0] = [now - then for now, then in zip(_numbers(scan), counted, strict=True)]
        rows = max(0, scan.rows_given - done)
        return Block(block.part, block.number, rows, data, (counts.to_json(),))


class Worker:
    """Runs the operators of a stage on one block after the other; what it learns of the rows it keeps.

    Raises:
        ProxyError: the proxy cannot be opened here.
    """

    def __init__(self, job: Job, shipped: Shipped | None) -> None:
        self.plan = Plan.from_json(job.plan)
        self.stage = job.stage
        self.needed = needed_after(self.plan, job.stage)
        self._proxy = None if shipped is None else arrive(shipped, job.threads)
        rows = None if job.rows is None else max(1, job.rows // job.workers)
        self._cache = None if self._proxy is None else _cache(job.cache, self._proxy)
        source = MemorySource(pa.table({}), "a corpus that is read elsewhere")
        source.rows = rows
        self._ctx = ExecContext(source, self._proxy, cache=self._cache)
        calls = ModelCalls(self.plan.calls, self._proxy, self._ctx.metrics, cache=self._cache)
        self._operators = build(self.plan, self._ctx, calls)
        self._ctx.metrics.operators.extend(operator.metrics for operator in self._operators)

    def work(self, block: Block) -> Block:
        """Return what the stage makes of a block, or its failure."""
        if block.error is not None:
            return block
        metrics = self._ctx.metrics
        before = Counts.of(metrics)
        metrics.rows_in += block.rows
        try:
            data = self._run([unpack_frame(stream) for stream in block.data])
        except FalconQLError as error:
            return block.failed(error)
        if self._cache is not None:
            self._cache.flush()
        counts = Counts.of(metrics).since(before)
        return Block(block.part, block.number, block.rows, data, (*block.counts, counts.to_json()))

    def _run(self, frames: list[Frame]) -> list[Any]:
        # What has been scanned is read from the corpus elsewhere.
        operators = self._operators[max(1, self.stage.first) : self.stage.last]
        ends_in_groups = bool(operators) and isinstance(operators[-1], AggregateOperator)
        results = _chained(operators[:-1] if ends_in_groups else operators, _cut(frames))
        if ends_in_groups:
            last = operators[-1]
            assert isinstance(last, AggregateOperator)
            with failures_of(last):
                last.take(results)
                return list(pack_groups(last.partial()))
        return [pack_frame(frame, self.plan.calls, self.needed) for frame in results if frame.num_rows]


def _block_rows(workers: int, rows: int | None) -> int:
    """Return how many rows a block has: so few that at the end of a corpus nobody waits long for the last one."""
    most = min(MOST_BLOCK_ROWS, max(MODEL_ROWS, _ROWS_PER_WORKER * workers))
    return most if rows is None else max(_FEWEST_ROWS, min(most, rows // (_BLOCKS_PER_WORKER * workers)))


def _chained(operators: Sequence[Operator], frames: Iterator[Frame]) -> Iterator[Frame]:
    for operator in operators:
        frames = guarded(operator, frames)
    return frames


def _cut(frames: list[Frame]) -> Iterator[Frame]:
    """Yield frames in parts that a model takes at once."""
    for frame in frames:
        for start in range(0, frame.num_rows, MODEL_ROWS):
            stop = min(start + MODEL_ROWS, frame.num_rows)
            yield frame if stop - start == frame.num_rows else frame.take(np.arange(start, stop))


def _cache(where: tuple[str, int] | None, proxy: Any) -> ResultCache | None:
    """Return the cache of this machine. Where it cannot be written the work goes on without a word."""
    if where is None:
        return None
    folder, limit = where
    with contextlib.suppress(OSError):
        return open_cache(Path(folder), proxy.fingerprint, proxy.name, limit_bytes=limit, warn=lambda _: None)
    return None


def _numbers(scan: ScanOperator) -> list[float]:
    return [scan.metrics.rows_in, scan.metrics.rows_out, scan.metrics.seconds]
