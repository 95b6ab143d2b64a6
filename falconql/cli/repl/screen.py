"""Showing rows while they come.

The first rows are shown as soon as they are there, more of them as they come until the screen has enough; what
comes later is counted and kept. Ctrl-C stops, and what is there stays.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from falconql.cli.consent import say_spent
from falconql.cli.progress import Progress, summary
from falconql.cli.repl.session import Finished
from falconql.cli.terminal import is_terminal, say, use_color, width

if TYPE_CHECKING:
    import pyarrow as pa

    from falconql.api import Query
    from falconql.result import Run

# Rows that are there wait this long for more of them before they are shown.
GATHER_S = 0.4
MOST_KEPT_BYTES = 512 << 20


def show(query: Query, run: Run, rows: int, corpus: str | None, proxy: str | None) -> Finished:
    """Run to the end or to Ctrl-C, and show the first ``rows`` rows; it was started on ``corpus`` with ``proxy``."""
    import pyarrow as pa

    shown = _Shown(run, rows)
    kept: list[pa.RecordBatch] = []
    size = 0
    ended: Literal["complete", "stopped"] = "complete"
    batches = run.batches()
    try:
        with _progress(run) as progress:
            run.ctx.on_progress = progress.batch_done
            for batch in batches:
                size += batch.nbytes
                if size <= MOST_KEPT_BYTES:
                    kept.append(batch)
                if shown.ready(batch):
                    # The line of progress goes before rows are written, and comes back below them.
                    progress.pause()
                    shown.write()
                    progress.resume()
    except KeyboardInterrupt:
        ended = "stopped"
    finally:
        batches.close()
    # Whoever has seen enough of many rows keeps them.
    with suppress(KeyboardInterrupt):
        shown.write()
    table = pa.Table.from_batches(kept, schema=run.schema) if size <= MOST_KEPT_BYTES else None
    left = run.metrics.rows_out - shown.rows
    if ended == "stopped":
        found = sum(batch.num_rows for batch in kept)
        say(f"stopped: {found:,} row{'s' * (found != 1)} so far, kept for `.save` and `.report`")
    elif left > 0:
        hint = "`.save FILE` writes them all, `.set rows N` shows more"
        print(f"… {left:,} more row{'s' * (left > 1)} ({hint})")
    say(summary(run.metrics))
    say_spent(run)
    return Finished(query, run, table, ended, corpus, proxy)


class _Shown:
    """The part of a result that is on the screen."""

    def __init__(self, run: Run, most: int) -> None:
        self.rows = 0
        self._run = run
        self._most = most
        self._waiting: list[pa.RecordBatch] = []
        self._since = 0.0
        self._widths: list[int] | None = None

    def ready(self, batch: pa.RecordBatch) -> bool:
        """Take a batch, and say whether it is time to write."""
        if self.rows >= self._most or not batch.num_rows:
            return False
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(batch)
        waiting = sum(each.num_rows for each in self._waiting)
        return self.rows + waiting >= self._most or time.monotonic() - self._since >= GATHER_S

    def write(self) -> None:
        """Write what waits; at the end of an empty result the names of its columns."""
        import pyarrow as pa

        from falconql.table import column_widths, format_table

        first = self._widths is None
        if not self._waiting and not first:
            return
        table = pa.Table.from_batches(self._waiting, schema=self._run.schema).slice(0, self._most - self.rows)
        self._waiting.clear()
        if self._widths is None:
            self._widths = column_widths(table, width=width())
        print(
            format_table(
                table,
                width=width(),
                color=use_color(sys.stdout),
                highlights=self._run.highlights,
                widths=self._widths,
                header=first,
            ),
            flush=True,
        )
        self.rows += table.num_rows


class _Pausable:
    """A line of progress that can give way to rows."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._quiet = not is_terminal(sys.stderr)
        self._progress: Progress | None = None

    def __enter__(self) -> _Pausable:
        self.resume()
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def resume(self) -> None:
        self._progress = Progress(quiet=self._quiet)
        self._progress.__enter__()
        self._progress.watch(self._run.metrics, self._run.tokens_run)

    def pause(self) -> None:
        if self._progress is not None:
            self._progress.__exit__(None, None, None)
            self._progress = None

    def batch_done(self, metrics: object) -> None:
        if self._progress is not None:
            self._progress.batch_done(self._run.metrics)


def _progress(run: Run) -> _Pausable:
    return _Pausable(run)
