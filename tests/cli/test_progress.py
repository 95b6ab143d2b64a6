"""The words of the progress display."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from falconql.cli.progress import Progress, plain_wait, summary
from falconql.runtime.metrics import OperatorMetrics, RunMetrics


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock."""
    at = 0.0

    def set_clock(seconds: float) -> None:
        nonlocal at
        at = seconds

    monkeypatch.setattr(time, "monotonic", lambda: at)
    return set_clock


def test_line_before_and_after_the_first_batch(now: Callable[[float], None]) -> None:
    progress = Progress(quiet=True)
    assert progress.line() == "opening"
    assert progress.bar() == (None, 0.0)
    metrics = RunMetrics(rows_total=1_000, rows_in=256)
    tokens = 0
    progress.watch(metrics, lambda: tokens)
    assert progress.line() == "256 of 1,000 rows read"
    now(2.0)
    tokens = 4_000
    assert progress.line() == "256 of 1,000 rows read · 4,000 tokens · 2,000 tokens/s"
    assert progress.bar() == (None, 0.0)
    metrics.rows_done, metrics.rows_through, metrics.seconds = 256, 256, 4.0
    metrics.rows_kept, metrics.model_calls, metrics.calls_avoided, metrics.cache_hits = 12, 300, 40, 2
    metrics.model_tokens = tokens = 10_240
    now(4.0)
    progress.batch_done(metrics)
    said = "12 kept · 300 model calls · 42 saved"
    assert progress.line() == f"256 of 1,000 rows · 64 rows/s · 12 s left · {said} · 10,240 tokens"
    assert progress.bar() == (1_000, 256)


def test_within_a_batch_rows_go_up_with_the_tokens(now: Callable[[float], None]) -> None:
    progress = Progress(quiet=True)
    metrics = RunMetrics(1_000, rows_in=500, rows_done=100, rows_through=100, seconds=10.0, model_tokens=1_000)
    tokens = 1_000
    progress.watch(metrics, lambda: tokens)
    tokens = 3_000
    now(20.0)
    assert progress.line().startswith("300 of 1,000 rows · 10 rows/s · 1 min 10 s left")
    tokens = 30_000
    assert progress.line().startswith("496 of 1,000 rows · 10 rows/s · 50 s left")


def test_rows_that_a_filter_drops_are_none_to_ask_about(now: Callable[[float], None]) -> None:
    progress = Progress(quiet=True)
    scan = OperatorMetrics("Scan", 2_000, 400)
    metrics = RunMetrics(10_000, rows_in=2_000, operators=[scan])
    progress.watch(metrics)
    assert progress.line() == "2,000 of 10,000 rows read · 400 to ask about"
    metrics.rows_through, metrics.model_calls, metrics.seconds = 100, 100, 10.0
    progress.batch_done(metrics)
    assert progress.line().startswith("100 of about 2,000 rows to ask about · 10 rows/s · 3 min 10 s left · 0 kept")
    metrics.rows_in, scan.rows_in, scan.rows_out = 10_000, 10_000, 1_500
    assert progress.line().startswith("100 of 1,500 rows to ask about · 10 rows/s · 2 min 20 s left · 0 kept")


def test_filters_without_a_model_ask_about_nothing(now: Callable[[float], None]) -> None:
    progress = Progress(quiet=True)
    scan = OperatorMetrics("Scan", 2_000, 400)
    metrics = RunMetrics(10_000, rows_in=2_000, rows_done=2_000, rows_through=400, seconds=2.0, operators=[scan])
    progress.watch(metrics)
    assert progress.line() == "2,000 of 10,000 rows · 1,000 rows/s · 8.0 s left · 0 kept"


def test_there_is_no_time_left_that_is_not_known(now: Callable[[float], None]) -> None:
    progress = Progress(quiet=True)
    metrics = RunMetrics(1_000, rows_in=1_000, rows_done=900, rows_through=900, seconds=90.0)
    progress.watch(metrics)
    assert "10 rows/s · 10 s left" in progress.line()
    now(30.0)
    assert progress.line() == "900 of 1,000 rows · 10 rows/s · 0 kept"
    metrics.rows_done = metrics.rows_through = 1_000
    metrics.model_calls = 7
    progress.batch_done(metrics)
    assert progress.line() == "all 1,000 rows through · 0 kept · 7 model calls · 0 saved"


def test_unknown_total_has_no_time_left() -> None:
    progress = Progress(quiet=True)
    metrics = RunMetrics(rows_in=10, rows_kept=10)
    progress.watch(metrics)
    assert progress.line() == "10 rows read"
    metrics.rows_done, metrics.rows_through, metrics.seconds = 10, 10, 1.0
    progress.batch_done(metrics)
    assert progress.line() == "10 rows · 10 rows/s · 10 kept"


def test_a_run_that_goes_on_counts_what_was_done_before_but_not_as_speed(now: Callable[[float], None]) -> None:
    progress = Progress(quiet=True)
    metrics = RunMetrics(
        1_000, rows_in=700, rows_done=700, rows_through=100, rows_resumed=600, seconds=10.0, model_calls=100
    )
    progress.watch(metrics)
    assert progress.line().startswith("700 of 1,000 rows · 10 rows/s · 30 s left")


def test_summary() -> None:
    done = RunMetrics(rows_in=7_138, rows_out=1, seconds=3_725.0, model_calls=1, calls_avoided=14_000, cache_hits=275)
    assert summary(done) == "1 row from 7,138 · 1 h 2 min · 1 model call, 14,275 saved"
    assert summary(RunMetrics(rows_in=4, rows_out=2, seconds=0.012)) == "2 rows from 4 · 0.01 s"
    assert summary(RunMetrics(rows_in=4, rows_out=2, seconds=75)) == "2 rows from 4 · 1 min 15 s"


def test_one_that_ctrl_c_kept_from_beginning_ends_all_the_same() -> None:
    Progress(quiet=False).__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def test_a_log_of_a_night_is_short() -> None:
    lines, elapsed = 0, 0.0
    while elapsed < 8 * 3600:
        lines, elapsed = lines + 1, elapsed + plain_wait(elapsed)
    assert plain_wait(0) == plain_wait(40) == 5
    assert lines < 120
