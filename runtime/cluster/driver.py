"""The one place where a run comes together: hands out blocks, completes what needs all of them, counts.

Gives the same batches, metrics and progress as ``falconql.runtime.executor``, so that whoever writes, commits,
resumes or reports need not know where the work was done.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import pyarrow as pa

from falconql.runtime.build import build
from falconql.runtime.calls import ModelCalls
from falconql.runtime.cluster.counts import Counts
from falconql.runtime.cluster.parts import Part, parts_of
from falconql.runtime.cluster.shipping import Shipped, ship
from falconql.runtime.cluster.stages import Stage, asked, needed_from, stages
from falconql.runtime.cluster.tasks import Job, Reader
from falconql.runtime.cluster.wire import Block, pack_frame, unpack_frame, unpack_groups
from falconql.runtime.context import ExecContext
from falconql.runtime.errors import ClusterError
from falconql.runtime.executor import failures_of, guarded, output_batch, output_schema
from falconql.runtime.frame import Frame
from falconql.runtime.metrics import OperatorMetrics, RunMetrics
from falconql.runtime.operators.aggregate import AggregateOperator
from falconql.runtime.operators.scan import MODEL_ROWS
from falconql.runtime.plan import Plan, Scan, nodes


class Pool(Protocol):
    """Workers somewhere, and readers that feed them.

    Attributes:
        workers: how many workers there are.
        threads: threads for inference of each.
    """

    workers: int
    threads: int

    def over_corpus(
        self, job: Job, shipped: Shipped | None, reader: Reader, parts: Sequence[Part]
    ) -> Generator[Block, None, None]:
        """Yield what workers make of all blocks of a corpus, in its order."""

    def over_blocks(self, job: Job, shipped: Shipped | None, blocks: Sequence[Block]) -> Generator[Block, None, None]:
        """Yield what workers make of these blocks, in their order."""


def execute(plan: Plan, ctx: ExecContext, pool: Pool) -> Generator[pa.RecordBatch, None, None]:
    """Yield the result of a plan in record batches, like ``falconql.runtime.executor.execute``.

    Rows come in the order in which they would come without a cluster. Answers of the proxy are kept by each
    machine for itself, where ``ctx.cache`` says.

    Raises:
        DataError, ProxyError, ExecutionError: as there.
        ClusterError: the cluster fails, or lacks what the run needs.
    """
    run = _Run(plan, ctx, pool)
    schema = output_schema(plan, ctx.source.schema)
    frames = run.frames()
    try:
        for frame in frames:
            batch = output_batch(frame, schema)
            ctx.metrics.rows_out += batch.num_rows
            run.count()
            yield batch
    finally:
        run.close()


class _Run:
    """One run: its stages, and the numbers that concern them all."""

    def __init__(self, plan: Plan, ctx: ExecContext, pool: Pool) -> None:
        self._plan = plan
        self._ctx = ctx
        self._pool = pool
        self._stages = stages(plan)
        self._shipped = ship(ctx.proxy) if plan.calls and ctx.proxy is not None else None
        self._opened: list[Generator[Frame, None, None]] = []
        self._completed: list[int] = []
        # What is done here is counted apart, and added at the end.
        here = ExecContext(ctx.source, ctx.proxy, resume=ctx.resume)
        self._calls = ModelCalls(plan.calls, ctx.proxy, here.metrics)
        self._operators = build(plan, here, self._calls)
        here.metrics.operators.extend(operator.metrics for operator in self._operators)
        self._here: RunMetrics | None = here.metrics
        metrics = ctx.metrics
        metrics.operators.extend(OperatorMetrics(operator.metrics.name) for operator in self._operators)
        metrics.predicates.extend(replace(predicate) for predicate in here.metrics.predicates)
        metrics.rows_total = ctx.source.rows
        self._filters = [operator for operator in metrics.operators if operator.name in ("Scan", "Filter")]
        if ctx.resume is not None:
            metrics.rows_resumed, metrics.rows_out = ctx.resume.rows_read, ctx.resume.rows_out
            metrics.rows_in = metrics.rows_done = ctx.resume.rows_read
        self._started = time.perf_counter()

    def frames(self) -> Generator[Frame, None, None]:
        """Return the frames of the last stage."""
        frames = self._of_corpus(self._stages[0])
        self._opened.append(frames)
        for stage in self._stages[1:]:
            frames = self._of_frames(stage, frames)
            self._opened.append(frames)
        return frames

    def close(self) -> None:
        """End the run, the last stage first, and count what was done here."""
        for frames in reversed(self._opened):
            frames.close()
        here, self._here = self._here, None
        if here is not None:
            for operator in self._completed:
                # Workers count the rows that go in; what comes out is known here.
                here.operators[operator].rows_in = 0
                self._ctx.metrics.operators[operator].rows_out = 0
            Counts.of(here).add_to(self._ctx.metrics)
        self.count()

    def count(self) -> None:
        """Bring the numbers of the whole run up to date."""
        metrics = self._ctx.metrics
        metrics.seconds = time.perf_counter() - self._started
        metrics.rows_kept = self._filters[-1].rows_out
        metrics.count_avoided(self._calls.questions_per_row())

    def _of_corpus(self, stage: Stage) -> Generator[Frame, None, None]:
        ctx = self._ctx
        scan = next(node for node in nodes(self._plan.root) if isinstance(node, Scan))
        columns = [field.name for field in scan.columns]
        parts = parts_of(ctx.source, columns, scan.filter, 0 if ctx.resume is None else ctx.resume.rows_read)
        job = self._job(stage)
        reader = Reader(job.plan, ctx.batch_rows, self._pool.workers, ctx.source.rows)
        yield from self._finished(stage, self._pool.over_corpus(job, self._shipped, reader, parts))

    def _of_frames(self, stage: Stage, frames: Iterator[Frame]) -> Generator[Frame, None, None]:
        held = list(frames)
        if not self._asks(stage, held):
            results: Iterator[Frame] = iter(held)
            for operator in self._operators[stage.first : stage.last]:
                results = guarded(operator, results)
            yield from results
            return
        rows = sum(frame.num_rows for frame in held)
        step = min(MODEL_ROWS, max(1, rows // (4 * self._pool.workers)))
        needed = needed_from(self._plan, stage.first)
        parts = [
            frame.take(np.arange(start, min(start + step, frame.num_rows)))
            for frame in held
            for start in range(0, frame.num_rows, step)
        ]
        blocks = [Block(0, n, 0, [pack_frame(part, self._plan.calls, needed)]) for n, part in enumerate(parts)]
        yield from self._finished(stage, self._pool.over_blocks(self._job(stage), self._shipped, blocks))

    def _asks(self, stage: Stage, frames: Sequence[Frame]) -> bool:
        """Return whether a stage has questions for the proxy that its rows do not bring answers to."""
        return any(
            call not in frame.results or not frame.results[call].known.all()
            for call in asked(self._plan, stage)
            for frame in frames
        )

    def _finished(self, stage: Stage, blocks: Generator[Block, None, None]) -> Iterator[Frame]:
        """Yield the frames of a stage, its last operator completed."""
        counted = self._counted(blocks)
        try:
            if stage.completes is None:
                yield from _frames(counted)
                return
            self._completed.append(stage.completes)
            operator = self._operators[stage.completes]
            if not isinstance(operator, AggregateOperator):
                yield from guarded(operator, _frames(counted))
                return
            with failures_of(operator):
                for block in counted:
                    operator.add(unpack_groups(block.data))
                yield from operator.finish()
        finally:
            counted.close()
            blocks.close()

    def _counted(self, blocks: Iterator[Block]) -> Generator[Block, None, None]:
        """Yield blocks, each checked and counted; and tell how far the run is when all before has gone through."""
        metrics = self._ctx.metrics
        before = (-1, -1)
        for block in blocks:
            block.check()
            if (block.part, block.number) <= before:
                raise ClusterError(
                    f"block {block.number} of part {block.part} came out of order", hint="run the same command again"
                )
            before = (block.part, block.number)
            for counts in block.counts:
                Counts.from_json(counts).add_to(metrics)
            metrics.rows_in += block.rows
            yield block
            metrics.rows_done += block.rows
            metrics.rows_through = metrics.operators[0].rows_out
            if self._ctx.on_progress is not None:
                self.count()
                self._ctx.on_progress(metrics)

    def _job(self, stage: Stage) -> Job:
        cache = self._ctx.cache
        return Job(
            self._plan.to_json(),
            stage,
            self._ctx.source.rows,
            self._pool.workers,
            self._pool.threads,
            None if cache is None else (str(cache.root), cache.limit_bytes),
        )


def _frames(blocks: Iterator[Block]) -> Iterator[Frame]:
    for block in blocks:
        for stream in block.data:
            yield unpack_frame(stream)
