"""What a run counts.

One mutable object per run, filled by the operators and read by ``explain --analyze``, ``--metrics``
and the progress display.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

SCORE_BINS = 20


@dataclass(slots=True)
class PredicateMetrics:
    """What was measured of one test of a filter.

    ``rows_in`` rows were decided by it, ``rows_out`` of them true; ``calls`` model calls went to the
    proxy for it (answers found in the cache not counted); ``seconds`` and ``tokens`` in all.
    """

    text: str
    cost_estimated_s: float
    selectivity_estimated: float
    rows_in: int = 0
    rows_out: int = 0
    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def selectivity_measured(self) -> float | None:
        """The share of the rows it decided for which it was true, None before the first."""
        return self.rows_out / self.rows_in if self.rows_in else None

    @property
    def cost_s(self) -> float:
        """Measured seconds per row, the estimate before the first row."""
        return self.seconds / self.rows_in if self.rows_in else self.cost_estimated_s


@dataclass(slots=True)
class OperatorMetrics:
    """Rows through one operator, and the seconds spent in it alone; ``name`` as in the plan."""

    name: str
    rows_in: int = 0
    rows_out: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class RunMetrics:
    """What a run counted so far.

    ``rows_in`` rows were read from the corpus (``rows_total`` of them are there, if known),
    ``rows_out`` came out at the end; both count those of the interrupted run that this one continues,
    which had read ``rows_resumed``. Everything that comes of the first ``rows_done`` rows has come out. Of
    the rows that the filter of the scan has kept in this run, ``rows_through`` have gone through all above.
    ``model_calls`` went to the proxy, ``cache_hits`` were answered
    from results of this run or of earlier ones; ``calls_avoided`` is the number of label and span questions that the
    query asks of all rows read, less those two: what cheap filters and short circuits saved.
    ``label_scores`` has the histogram of scores of each label call, by its index in the plan.
    """

    rows_total: int | None = None
    rows_in: int = 0
    rows_kept: int = 0
    rows_out: int = 0
    rows_done: int = 0
    rows_through: int = 0
    rows_resumed: int = 0
    seconds: float = 0.0
    model_calls: int = 0
    model_tokens: int = 0
    cache_hits: int = 0
    calls_avoided: int = 0
    operators: list[OperatorMetrics] = field(default_factory=list)
    predicates: list[PredicateMetrics] = field(default_factory=list)
    label_scores: dict[int, list[int]] = field(default_factory=dict)

    def count_avoided(self, questions_per_row: int, rows_waiting: int = 0) -> None:
        """Bring ``calls_avoided`` up to date; every row asks so many questions if nothing is saved.

        Of ``rows_waiting`` rows it is not known yet.
        """
        asked = questions_per_row * (self.rows_in - self.rows_resumed - rows_waiting)
        self.calls_avoided = max(0, asked - self.model_calls - self.cache_hits)

    def count_scores(self, call: int, scores: Iterable[float | None]) -> None:
        """Count the scores of a label call, from 0 to 1, in ``SCORE_BINS`` equal bins."""
        bins = self.label_scores.setdefault(call, [0] * SCORE_BINS)
        for score in scores:
            if score is not None:
                bins[min(int(score * SCORE_BINS), SCORE_BINS - 1)] += 1
