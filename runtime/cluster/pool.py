"""Workers and readers on Ray Data. The only module that knows Ray.

A corpus is a data set of parts; reading makes blocks of them, actors with one proxy each make results of the
blocks, and both stay in the order of the corpus.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa

from falconql.runtime.cluster.driver import execute
from falconql.runtime.cluster.options import Ray
from falconql.runtime.cluster.parts import Part
from falconql.runtime.cluster.shipping import Shipped
from falconql.runtime.cluster.tasks import Job, Reader, Worker
from falconql.runtime.cluster.wire import Block, from_table, to_table
from falconql.runtime.context import ExecContext
from falconql.runtime.errors import ClusterError, FalconQLError
from falconql.runtime.plan import Plan
from falconql.runtime.proxy.session import usable_cores

# Parts read at the same time on one machine: reading is many times as fast as asking a model.
_READERS = 2
_PATIENCE_S = 10.0
_NODE = "ray.io/node-id"
_QUIET = {
    # Ray would tell its makers about every start, and write its own doings on standard error.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
}


def execute_on_ray(plan: Plan, ctx: ExecContext, options: Ray) -> Generator[pa.RecordBatch, None, None]:
    """Yield the result of a plan, as ``driver.execute`` does, on a Ray cluster.

    Raises:
        ClusterError: Ray is missing or cannot be reached, it fails, or has not what is asked for.
    """
    with connected(options) as pool, closing(execute(plan, ctx, pool)) as batches:
        yield from batches


@contextmanager
def connected(options: Ray) -> Iterator[RayPool]:
    """Connect to a cluster, or start one on this machine; what was started is stopped again.

    Raises:
        ClusterError: Ray is missing, or the cluster cannot be reached.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    ray = _ray()
    if ray.is_initialized():
        yield RayPool(options)
        return
    try:
        _connect(ray, options)
    except FalconQLError:
        raise
    except Exception as error:  # connecting raises whatever the network, the system and Ray do
        where = f"at {options.address}" if options.address else "on this machine"
        hint = (
            "start one with `ray start --head`, and see `ray status` for its address; one that lets nobody in without "
            "a token needs RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
        )
        raise ClusterError(f"no Ray cluster can be reached {where}: {_first_line(error)}", hint=hint) from error
    try:
        yield RayPool(options)
    finally:
        ray.shutdown()


class RayPool:
    """Readers and workers on the cluster this process is connected to.

    Raises:
        ClusterError: the cluster has not what is asked for.
    """

    def __init__(self, options: Ray) -> None:
        self._ray = _ray()
        self._options = options
        self.threads = options.cpus
        self.workers = _room(self._ray.cluster_resources(), options)

    def over_corpus(
        self, job: Job, shipped: Shipped | None, reader: Reader, parts: Sequence[Part]
    ) -> Generator[Block, None, None]:
        """Yield what workers make of all blocks of a corpus, in its order."""
        from ray.data import TaskPoolStrategy

        if not parts:
            return
        references = [self._ray.put(part) for part in parts]
        data = self._from([pa.table({"part": [number]}) for number in range(len(parts))])
        everywhere = self._options.shared or all(part.anywhere for part in parts)
        here = None if everywhere else {_NODE: self._ray.get_runtime_context().get_node_id()}
        readers = _READERS if here else max(_READERS, sum(node["Alive"] for node in self._ray.nodes()))
        data = data.map_batches(
            Reading(reader, references),
            batch_size=1,
            batch_format="pyarrow",
            # Workers take all processors there are: reading goes beside them.
            num_cpus=0,
            compute=TaskPoolStrategy(size=min(readers, len(parts))),
            label_selector=here,
        )
        yield from self._worked(data, job, shipped)

    def over_blocks(self, job: Job, shipped: Shipped | None, blocks: Sequence[Block]) -> Generator[Block, None, None]:
        """Yield what workers make of these blocks, in their order."""
        if blocks:
            yield from self._worked(self._from([to_table(block) for block in blocks]), job, shipped)

    def _from(self, tables: list[pa.Table]) -> Any:
        from ray.data import from_arrow

        return from_arrow(tables)

    def _worked(self, data: Any, job: Job, shipped: Shipped | None) -> Generator[Block, None, None]:
        from ray.data import ActorPoolStrategy

        data = data.map_batches(
            Working,
            fn_constructor_args=(job, None if shipped is None else [self._ray.put(shipped)]),
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=self._options.cpus,
            num_gpus=self._options.gpus or None,
            compute=ActorPoolStrategy(size=min(self.workers, job.workers)),
        )
        _set(data.context)
        batches = iter(data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1))
        try:
            for table in batches:
                yield from from_table(table)
        except self._ray.exceptions.RayError as error:
            raise ClusterError(
                f"the Ray cluster failed: {_first_line(error)}",
                hint="see `ray status` and the logs of Ray; the same command goes on where it was, or begins again",
            ) from error
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()


class Reading:
    """A reader as Ray Data calls it: a part's number in, its blocks out, one by one."""

    def __init__(self, reader: Reader, parts: Sequence[Any]) -> None:
        self._reader = reader
        self._parts = list(parts)

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        for number in table.column("part").to_pylist():
            part = _ray().get(self._parts[number])
            for block in self._reader.read(number, part):
                yield to_table(block)


class Working:
    """A worker as Ray Data calls it: blocks in, results out."""

    def __init__(self, job: Job, shipped: list[Any] | None) -> None:
        self._failed: FalconQLError | None = None
        try:
            self._worker = Worker(job, None if shipped is None else _ray().get(shipped[0]))
        except FalconQLError as error:
            # An actor that cannot be made is made again and again: let the first block tell.
            self._failed = error

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        for block in from_table(table):
            yield to_table(self._worker.work(block) if self._failed is None else block.failed(self._failed))


def _connect(ray: Any, options: Ray) -> None:
    address = options.address or os.environ.get("RAY_ADDRESS") or "local"
    if address.startswith("ray://"):
        raise ClusterError(
            "a run cannot be sent through a Ray client address (ray://)",
            hint="run the same command on a machine of the cluster, with --address auto",
        )
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        # Ray itself tries for minutes.
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_S):
            pass
    processors = None
    if address == "local":
        processors = max(usable_cores(), (options.workers or 1) * options.cpus)
    with _hushed():
        ray.init(
            address=address,
            num_cpus=processors,
            include_dashboard=False if address == "local" else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep what Ray's own core says about its log level off standard error; failures are exceptions."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _room(resources: dict[str, float], options: Ray) -> int:
    """Return how many workers a cluster has room for, or as many as were asked for."""
    processors, devices = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    room = int(processors // options.cpus)
    if options.gpus:
        room = min(room, int(devices / options.gpus))
    wanted = max(1, room) if options.workers is None else options.workers
    if wanted > room:
        each = f"{options.cpus} CPU{'s' if options.cpus > 1 else ''}"
        each += f" and {options.gpus:g} GPU{'s' if options.gpus > 1 else ''}" if options.gpus else ""
        raise ClusterError(
            f"{wanted} workers of {each} do not fit into a cluster of {processors:g} CPUs and {devices:g} GPUs",
            hint="ask for fewer workers, or add machines with `ray start --address`",
        )
    return wanted


def _set(context: Any) -> None:
    """Let Ray Data keep blocks as they are, in order, and say nothing."""
    context.execution_options.preserve_order = True
    # Blocks are cut to size already: none is put together with others.
    context.target_max_block_size = context.target_min_block_size = 1
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # Small corpora do not keep all workers busy, and that is no news.
    warnings.filterwarnings("ignore", module=r"ray\.")


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ClusterError(
            "Ray is not installed, so nothing can run on a cluster",
            hint='install it with `pip install "falconql[ray]"`',
        ) from error
    return ray


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
