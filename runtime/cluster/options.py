"""What a caller says about a cluster. Imports nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ray:
    """Run on a Ray cluster.

    Attributes:
        address: of the cluster, as ``ray start --head`` prints it, or ``auto`` for the one this machine belongs to;
            None for what ``RAY_ADDRESS`` says, else a cluster on this machine alone, for this run.
        workers: how many proxies run side by side; None for as many as the cluster has room for.
        cpus: processors of each worker: threads for inference.
        gpus: GPUs of each worker, fractions allowed.
        shared: every machine sees the corpus under the same path, so that all of them read; otherwise the
            machine that the run is started on reads for all.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1
    gpus: float = 0.0
    shared: bool = False
