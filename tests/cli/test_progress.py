"""The words of the progress display."""

from __future__ import annotations

from falconql.cli.progress import Progress, summary
from falconql.runtime.metrics import RunMetrics


def test_line_before_and_after_the_first_batch() -> None:
    progress = Progress(quiet=True)
    assert progress.line() == "opening"
    metrics = RunMetrics(rows_total=1_000, rows_in=256, rows_kept=12, model_calls=300, calls_avoided=40, cache_hits=2)
    progress.watch(metrics)
    assert progress.line() == "256 of 1,000 rows · 12 kept · 300 model calls · 42 saved"
    progress.batch_done(metrics)
    first, speed, left, *rest = progress.line().split(" · ")
    assert first == "256 of 1,000 rows"
    assert speed.endswith(" rows/s")
    assert left.endswith(" left")
    assert rest == ["12 kept", "300 model calls", "42 saved"]
    progress.watch(metrics, lambda: 4_567)
    assert progress.line().endswith(" · 42 saved · 4,567 tokens")


def test_unknown_total_has_no_time_left() -> None:
    progress = Progress(quiet=True)
    metrics = RunMetrics(rows_in=10, rows_kept=10)
    progress.watch(metrics)
    progress.batch_done(metrics)
    assert "left" not in progress.line()
    assert progress.line().startswith("10 rows · ")


def test_summary() -> None:
    done = RunMetrics(rows_in=7_138, rows_out=1, seconds=3_725.0, model_calls=1, calls_avoided=14_000, cache_hits=275)
    assert summary(done) == "1 row from 7,138 · 1 h 2 min · 1 model call, 14,275 saved"
    assert summary(RunMetrics(rows_in=4, rows_out=2, seconds=0.012)) == "2 rows from 4 · 0.01 s"
    assert summary(RunMetrics(rows_in=4, rows_out=2, seconds=75)) == "2 rows from 4 · 1 min 15 s"
