"""A run that kills itself at the n-th thing it does: ``python -m tests.runtime.commit.driver CORPUS OUT QUERY N``.

What counts: every batch of questions, every flush, rename and deletion, before and after it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import falconql
from falconql.cli.file import write_file
from falconql.result import Run
from falconql.runtime.commit import rows
from tests.fakes import FakeProxy

BATCH_ROWS = 16


class Reaper:
    """Counts what happens, and ends the process at a number; 0 never."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at = kill_at
        self.events = 0

    def event(self) -> None:
        self.events += 1
        if self.events == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.event()
            result = function(*arguments, **options)
            self.event()
            return result

        return counted


def started(corpus: str, query: str, proxy: FakeProxy) -> Run:
    """Return a run in small batches, without a cache."""
    run = falconql.query(query).start(corpus, proxy=proxy, cache=False)
    run.ctx.batch_rows = BATCH_ROWS
    return run


def main() -> None:
    """Run, write, and say how much was asked and how much happened."""
    corpus, out, query, kill_at = sys.argv[1:]
    rows.EVERY_SHARE = 0.0  # commit after every batch, however long the run has taken
    reaper, proxy = Reaper(int(kill_at)), FakeProxy()
    for name in ("label", "spans"):
        setattr(proxy, name, reaper.around(getattr(proxy, name)))
    for name in ("fsync", "replace", "unlink", "rmdir"):
        setattr(os, name, reaper.around(getattr(os, name)))
    write_file(started(corpus, query, proxy), out, every_s=0.0)
    print(len(proxy.asked), reaper.events)


if __name__ == "__main__":
    main()
