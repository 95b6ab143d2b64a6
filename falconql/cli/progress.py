"""How far a run is: a live line on a terminal, plain lines every few seconds elsewhere.

Reads the counters of a run from a thread of its own, so that a slow batch does not stop the clock. A
run that is over at once shows nothing and does not pay for the display.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from falconql.cli.terminal import is_terminal, say, use_color
from falconql.runtime.metrics import RunMetrics

SHOW_AFTER_S = 0.6
REFRESH_S = 0.2
PLAIN_EVERY_S = 5.0


class Progress:
    """``with Progress(...) as progress:`` around a run; ``progress.batch_done`` after every batch."""

    def __init__(self, *, quiet: bool) -> None:
        self._metrics: RunMetrics | None = None
        self._tokens: Callable[[], int] = int
        self._started = time.monotonic()
        self._done = threading.Event()
        self._held = threading.Event()
        self._screen = threading.Lock()
        self._rows_done = 0
        self._rows_done_at = self._started
        live = is_terminal(sys.stderr)
        self._thread = threading.Thread(target=self._live if live else self._plain, daemon=True)
        self._quiet = quiet

    def __enter__(self) -> Progress:
        if not self._quiet:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if not self._quiet:
            self._thread.join()

    def watch(self, metrics: RunMetrics, tokens: Callable[[], int] = int) -> None:
        """Show these counters from now on; ``tokens`` grows within a batch too, unlike the others."""
        self._metrics, self._tokens = metrics, tokens

    def batch_done(self, metrics: RunMetrics) -> None:
        """Take note that all rows read so far have gone through."""
        self._rows_done, self._rows_done_at = metrics.rows_in, time.monotonic()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the screen to a question."""
        self._held.set()
        began = time.monotonic()
        try:
            with self._screen:
                yield
        finally:
            self._started += time.monotonic() - began
            self._held.clear()

    def _plain(self) -> None:
        while not self._done.wait(PLAIN_EVERY_S):
            if self._metrics is not None:
                with self._screen:
                    say(self.line())

    def _live(self) -> None:
        if self._done.wait(SHOW_AFTER_S):
            return
        while not self._done.is_set():
            if not self._held.is_set():
                with self._screen:
                    self._show()
            self._done.wait(REFRESH_S)

    def _show(self) -> None:
        """Show the line until the run is over or somebody needs the screen."""
        from rich.console import Console
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        console = Console(stderr=True, no_color=not use_color(sys.stderr), highlight=False)
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while not self._held.is_set() and not self._done.wait(REFRESH_S):
                total = None if self._metrics is None else self._metrics.rows_total
                row = Table.grid(padding=(0, 1))
                bar = ProgressBar(total, self._rows_done, pulse=not total, width=min(24, console.width // 4))
                row.add_row(bar, Text(self.line(), no_wrap=True, overflow="ellipsis"))
                live.update(row, refresh=True)

    def line(self) -> str:
        """Return one line: rows, speed, kept rows, model calls, calls saved, time left."""
        metrics = self._metrics
        if metrics is None:
            return "opening"
        total = f" of {metrics.rows_total:,}" if metrics.rows_total is not None else ""
        parts = [f"{metrics.rows_in:,}{total} rows"]
        elapsed = self._rows_done_at - self._started
        if self._rows_done and elapsed > 0:
            speed = max(1, self._rows_done - metrics.rows_resumed) / elapsed
            parts.append(f"{_speed(speed)} rows/s")
            if metrics.rows_total is not None:
                waited = time.monotonic() - self._rows_done_at
                left = (metrics.rows_total - self._rows_done) / speed - waited
                parts.append(f"{_duration(max(0.0, left))} left")
        parts.append(f"{metrics.rows_kept:,} kept")
        if metrics.model_calls or metrics.calls_avoided:
            parts.append(f"{metrics.model_calls:,} model calls")
            parts.append(f"{metrics.calls_avoided + metrics.cache_hits:,} saved")
        if tokens := self._tokens():
            parts.append(f"{tokens:,} tokens")
        return " · ".join(parts)


def summary(metrics: RunMetrics) -> str:
    """Return what a finished run did, in one line."""
    parts = [f"{_count(metrics.rows_out, 'row')} from {metrics.rows_in:,}", _duration(metrics.seconds)]
    if metrics.model_calls or metrics.calls_avoided or metrics.cache_hits:
        saved = metrics.calls_avoided + metrics.cache_hits
        parts.append(f"{_count(metrics.model_calls, 'model call')}, {saved:,} saved")
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _speed(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole} s" if minutes else f"{whole} s"
