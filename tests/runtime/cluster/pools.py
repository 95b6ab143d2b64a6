"""Workers in this process, to test everything but Ray itself: all that goes between machines is serialised."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Iterator, Sequence

import pyarrow as pa

from falconql.runtime.cluster.driver import execute
from falconql.runtime.cluster.parts import Part
from falconql.runtime.cluster.shipping import Shipped
from falconql.runtime.cluster.tasks import Job, Reader, Worker
from falconql.runtime.cluster.wire import Block, from_table, to_table
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import output_schema
from falconql.runtime.plan import Plan


class HerePool:
    """Hands blocks to ``workers`` workers in turn. ``jobs`` keeps what they were told."""

    threads = 1

    def __init__(self, workers: int = 2, on_block: Callable[[Block], None] | None = None) -> None:
        self.workers = workers
        self.jobs: list[Job] = []
        self.bytes_sent = 0
        self._on_block = on_block

    def over_corpus(
        self, job: Job, shipped: Shipped | None, reader: Reader, parts: Sequence[Part]
    ) -> Generator[Block, None, None]:
        sent = pickle.dumps((reader, list(parts)))

        def blocks() -> Iterator[Block]:
            reader, parts = pickle.loads(sent)
            for number, part in enumerate(parts):
                yield from reader.read(number, part)

        yield from self._worked(job, shipped, blocks())

    def over_blocks(self, job: Job, shipped: Shipped | None, blocks: Sequence[Block]) -> Generator[Block, None, None]:
        yield from self._worked(job, shipped, iter(blocks))

    def _worked(self, job: Job, shipped: Shipped | None, blocks: Iterator[Block]) -> Generator[Block, None, None]:
        self.jobs.append(job)
        sent = pickle.dumps((job, shipped))
        workers = [Worker(*pickle.loads(sent)) for _ in range(self.workers)]
        for turn, block in enumerate(blocks):
            for given in self._sent(block):
                if self._on_block is not None:
                    self._on_block(given)
                yield from self._sent(workers[turn % self.workers].work(given))

    def _sent(self, block: Block) -> Iterator[Block]:
        table = to_table(block)
        self.bytes_sent += table.nbytes
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        yield from from_table(pa.ipc.open_stream(sink.getvalue()).read_all())


def run_to_table(plan: Plan, ctx: ExecContext, pool: HerePool | None = None) -> pa.Table:
    schema = output_schema(plan, ctx.source.schema)
    return pa.Table.from_batches(list(execute(plan, ctx, pool or HerePool())), schema=schema)
