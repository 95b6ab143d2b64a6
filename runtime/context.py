"""Everything the outside world gives to one execution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from falconql.runtime.answers import Answers
from falconql.runtime.cache import ResultCache
from falconql.runtime.io.base import TableSource
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.proxy.base import Proxy


@dataclass(frozen=True, slots=True)
class Resume:
    """Where an interrupted run goes on: so many rows of the corpus were read, so many came out of them."""

    rows_read: int
    rows_out: int


@dataclass(slots=True)
class ExecContext:
    """What a run is given.

    Attributes:
        source: the corpus.
        proxy: the opened proxy; None when the plan has no model call.
        first_rows: rows of the first batch, where somebody waits for the first results.
        answers: where to find and keep the proxy's answers; None keeps them for this run only.
        cache: where to find and keep them on disk; None for nowhere.
        batch_rows: rows per batch at most; None chooses by what the plan does. With model calls
            batches start small and grow, so that a ``limit`` can stop early and the first
            measurements cost little; without, they are as large as memory allows.
        resume: where to go on; None begins at the beginning. Only for plans without an operator that must
            read everything first, and with the same plan and corpus as before.
        metrics: filled while running.
        on_progress: called after every batch with ``metrics``, for a progress display.
    """

    source: TableSource
    proxy: Proxy | None = None
    batch_rows: int | None = None
    first_rows: int | None = None
    answers: Answers | None = None
    cache: ResultCache | None = None
    resume: Resume | None = None
    metrics: RunMetrics = field(default_factory=RunMetrics)
    on_progress: Callable[[RunMetrics], None] | None = None
