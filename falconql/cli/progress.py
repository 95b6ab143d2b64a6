"""How far a run is: a live line on a terminal, plain lines every few seconds elsewhere.

Reads the counters of a run from a thread of its own, so that a slow batch does not stop the clock. A
run that is over at once shows nothing and does not pay for the display.

Rows are read long before the model has answered, so what counts is what has gone through: batch by batch, and within a
batch by the tokens that went through the model, as far as earlier batches tell what a row takes.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from falconql.cli.terminal import is_terminal, say, use_color
from falconql.runtime.metrics import RunMetrics

SHOW_AFTER_S = 0.6
REFRESH_S = 0.2
PLAIN_EVERY_S, PLAIN_AT_MOST_EVERY_S = 5.0, 600.0
# What is left of a batch is a guess, and never nothing.
_MOST_OF_BATCH = 0.99
_LEAST_LEFT_S = 1.0


@dataclass(frozen=True, slots=True)
class _Through:
    """What had gone through when the last batch had, after so many seconds."""

    rows: int = 0
    asked: int = 0
    tokens: int = 0
    seconds: float = 0.0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far a run is: rows, of how many, and what is said of them; ``speed`` in rows per second."""

    rows: float
    total: float | None
    words: str
    speed: float
    left_s: float | None


def plain_wait(elapsed_s: float) -> float:
    """Return the seconds to the next line where there is no terminal: a log of a night has no thousands of them."""
    return min(max(PLAIN_EVERY_S, elapsed_s / 10), PLAIN_AT_MOST_EVERY_S)


class Progress:
    """``with Progress(...) as progress:`` around a run; ``progress.batch_done`` after every batch."""

    def __init__(self, *, quiet: bool) -> None:
        self._metrics: RunMetrics | None = None
        self._tokens: Callable[[], int] = int
        self._begun = (0.0, 0)
        self._through = _Through()
        self._done = threading.Event()
        self._held = threading.Event()
        self._screen = threading.Lock()
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
        # Ctrl-C while it was started may leave none to wait for; it will find that all is done.
        if self._thread.is_alive():
            self._thread.join()

    def watch(self, metrics: RunMetrics, tokens: Callable[[], int] = int) -> None:
        """Show these counters from now on; ``tokens`` grows within a batch too, unlike the others."""
        self._begun = (time.monotonic(), tokens())
        self.batch_done(metrics)
        self._metrics, self._tokens = metrics, tokens

    def batch_done(self, metrics: RunMetrics) -> None:
        """Take note of what has gone through."""
        rows = metrics.rows_done - metrics.rows_resumed
        self._through = _Through(rows, metrics.rows_through, metrics.model_tokens, metrics.seconds, time.monotonic())

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the screen to a question."""
        self._held.set()
        try:
            with self._screen:
                yield
        finally:
            self._held.clear()

    def _plain(self) -> None:
        begun = time.monotonic()
        while not self._done.wait(plain_wait(time.monotonic() - begun)):
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
                row = Table.grid(padding=(0, 1))
                total, completed = self.bar()
                bar = ProgressBar(total, completed, pulse=total is None, width=min(24, console.width // 4))
                row.add_row(bar, Text(self.line(), no_wrap=True, overflow="ellipsis"))
                live.update(row, refresh=True)

    def bar(self) -> tuple[float | None, float]:
        """Return how long a bar is and how much of it is full; no length where that is unknown."""
        metrics = self._metrics
        reach = None if metrics is None else self._reach(metrics, self._tokens())
        return (None, 0.0) if reach is None or reach.total is None else (reach.total, reach.rows)

    def line(self) -> str:
        """Return one line: rows, speed, time left, kept rows, model calls, calls saved, tokens."""
        metrics = self._metrics
        if metrics is None:
            return "opening"
        tokens = self._tokens()
        reach = self._reach(metrics, tokens)
        parts = [_read(metrics)] if reach is None else [reach.words]
        if reach is not None:
            if reach.speed:
                parts.append(f"{_speed(reach.speed)} rows/s")
            if reach.left_s is not None:
                parts.append(f"{_duration(reach.left_s)} left")
            parts.append(f"{metrics.rows_kept:,} kept")
        if metrics.model_calls or (reach is not None and metrics.calls_avoided):
            parts.append(f"{metrics.model_calls:,} model calls")
            if reach is not None:
                parts.append(f"{metrics.calls_avoided + metrics.cache_hits:,} saved")
        if tokens:
            parts.append(f"{tokens:,} tokens")
            began, before = self._begun
            if (reach is None or not reach.speed) and tokens > before:
                parts.append(f"{_speed((tokens - before) / (time.monotonic() - began))} tokens/s")
        return " · ".join(parts)

    def _reach(self, metrics: RunMetrics, tokens: int) -> _Reach | None:
        """Return how far the run is, None before the first batch has gone through."""
        through = self._through
        if through.rows and metrics.rows_total is not None and metrics.rows_done >= metrics.rows_total:
            # What is left, such as questions of `select` about sorted rows, is not known here.
            return _Reach(1.0, 1.0, f"all {metrics.rows_total:,} rows through", 0.0, None)
        read, resumed = metrics.rows_in - metrics.rows_resumed, metrics.rows_resumed
        total = None if metrics.rows_total is None else float(metrics.rows_total - resumed)
        given = metrics.operators[0].rows_out if metrics.operators else read
        drops = bool(given < read and metrics.model_calls + metrics.cache_hits)
        done, known = (through.asked, given) if drops else (through.rows, read)
        if not done or not through.seconds:
            return None
        guessed = drops and total is not None and read < total
        if drops and total is not None:
            total = given * max(1.0, total / read)
        into = 0.0
        if tokens > through.tokens > 0:
            into = min((tokens - through.tokens) * done / through.tokens, (known - done) * _MOST_OF_BATCH)
        rows, speed = done + into, done / through.seconds
        left = None
        if total is not None:
            waited = 0.0 if into else time.monotonic() - through.at
            left = (total - rows) / speed - waited
        offset = 0 if drops else resumed
        said = f"{int(rows) + offset:,}"
        if total is not None:
            said += f" of {'about ' if guessed else ''}{round(total) + offset:,}"
        said += " rows to ask about" if drops else " rows"
        return _Reach(rows, total, said, speed, left if left is not None and left >= _LEAST_LEFT_S else None)


def _read(metrics: RunMetrics) -> str:
    """Return what was read, while nothing has gone through."""
    total = f" of {metrics.rows_total:,}" if metrics.rows_total is not None else ""
    read = f"{metrics.rows_in:,}{total} rows read"
    given = metrics.operators[0].rows_out if metrics.operators else 0
    return f"{read} · {given:,} to ask about" if 0 < given < metrics.rows_in - metrics.rows_resumed else read


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
