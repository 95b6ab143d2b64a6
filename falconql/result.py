"""What comes out of a query: a running one in batches, a finished one as a table.

Joins the runtime's metrics and schema with the ways in which people and programs look at them. Knows
nothing of query texts.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from falconql.check.typed import TypedQuery
from falconql.plan.planner import Planned
from falconql.runtime.cluster.options import Ray
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import execute, output_schema
from falconql.runtime.expression import CallRef, ColumnRef, Expr, VariableRef
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.plan import Plan
from falconql.table import format_table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_ROWS_IN_REPR = 10


@dataclass(frozen=True, slots=True)
class Run:
    """A query that is ready to run, or running.

    Attributes:
        planned: the plan and how it came about.
        ctx: the corpus, the proxy and the metrics, which grow while ``batches`` is consumed.
        highlights: by output column, the output columns whose spans lie in it.
        tokens_before: what the proxy had read before.
        cluster: the Ray cluster it runs on; None for this process.
    """

    planned: Planned
    ctx: ExecContext
    highlights: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tokens_before: int = 0
    cluster: Ray | None = None

    @property
    def plan(self) -> Plan:
        """The physical plan."""
        return self.planned.plan

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the result."""
        return output_schema(self.plan, self.ctx.source.schema)

    @property
    def metrics(self) -> RunMetrics:
        """What was counted so far."""
        return self.ctx.metrics

    def tokens_run(self) -> int:
        """Return the model tokens that went through the proxy so far, the batch in hand included."""
        return 0 if self.ctx.proxy is None else self.ctx.proxy.tokens_run - self.tokens_before

    def spent(self) -> str | None:
        """Return what was asked of a language model since it was opened, None on another proxy."""
        if not self.plan.proxy.llm or self.ctx.proxy is None:
            return None
        from falconql.annotating.proxy import LlmProxy

        return f"{self.ctx.proxy.name}: {self.ctx.proxy.spent}" if isinstance(self.ctx.proxy, LlmProxy) else None

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """Run the query; closing the iterator stops it.

        Raises:
            DataError: the corpus cannot be read.
            ProxyError: the proxy fails.
            ExecutionError: an operator failed.
            ClusterError: the cluster cannot be reached, or fails.
        """
        if self.cluster is None:
            return execute(self.plan, self.ctx)
        from falconql.runtime.cluster.pool import execute_on_ray

        return execute_on_ray(self.plan, self.ctx, self.cluster)

    def explain(self, *, analyze: bool = False) -> Explained:
        """Return the plan with its estimates; to analyse, run to the end and forget the rows."""
        if not analyze:
            return Explained(self.planned, None)
        for _ in self.batches():
            pass
        return self.explained()

    def explained(self) -> Explained:
        """Return the plan with what was measured so far."""
        return Explained(self.planned, self.metrics)

    def finish(self) -> Result:
        """Run to the end and return everything."""
        table = pa.Table.from_batches(list(self.batches()), schema=self.schema)
        return Result(table, self.plan, self.metrics, self.highlights)


@dataclass(frozen=True, slots=True)
class Explained:
    """A plan for people (``str()``) and for programs (``to_dict()``), with measurements after a run."""

    planned: Planned
    metrics: RunMetrics | None

    def format(self, *, rules: bool = False) -> str:
        """Return the plan as text, with the rewrites that fired if wanted."""
        from falconql.plan.display import explain

        return explain(self.planned, self.metrics, rules=rules).rstrip("\n")

    def to_dict(self) -> dict[str, Any]:
        """Return what ``explain --format json`` prints."""
        from falconql.plan.display import explain_json

        return explain_json(self.planned, self.metrics)

    def __str__(self) -> str:
        return self.format()

    def __repr__(self) -> str:
        return self.format()


class Result:
    """The rows of a finished query.

    Goes to any library that takes Arrow data (``__arrow_c_stream__``), and can be pickled. A span column is a struct of
    ``text``, ``start``, ``end`` (in characters of the text that was read) and ``score``.

    Attributes:
        highlights: as those of the run.
    """

    def __init__(
        self, table: pa.Table, plan: Plan, metrics: RunMetrics, highlights: Mapping[str, Sequence[str]]
    ) -> None:
        # Not the run itself: it holds the corpus, which may be large and in memory, and the proxy.
        self._table = table
        self._plan = plan
        self._metrics = metrics
        self.highlights = highlights

    @property
    def plan(self) -> Plan:
        """The plan that was run; ``plan.to_json()`` can be kept and executed elsewhere."""
        return self._plan

    @property
    def metrics(self) -> dict[str, Any]:
        """Rows, seconds, model calls and tokens, and the same per predicate: what ``--metrics`` writes."""
        from falconql.plan.display import metrics_json

        return metrics_json(self._plan, self._metrics)

    def to_arrow(self) -> pa.Table:
        """Return the rows as a pyarrow table."""
        return self._table

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a pandas data frame; spans become dictionaries.

        A column of whole numbers or truths in which some are null has pandas' ``Int64`` or ``boolean``: as floats,
        large numbers would lose digits, and as objects, null would be neither true nor missing.
        """
        import pandas as pd

        frame: pd.DataFrame = self._table.to_pandas()
        kinds = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
        for place, column in enumerate(self._table.columns):
            if column.null_count and column.type in kinds:
                values = column.to_pandas(types_mapper=kinds.get)
                frame.isetitem(place, values)
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return the rows as a Polars data frame; spans become structs."""
        import polars as pl

        return pl.DataFrame(self._table)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        return self.format(most_rows=_ROWS_IN_REPR)

    def _repr_html_(self) -> str:
        from falconql.notebook import html_table

        rows = min(_ROWS_IN_REPR, len(self))
        return html_table(self._table.slice(0, rows), self.highlights, len(self))

    def format(self, *, width: int = 100, color: bool = False, most_rows: int | None = None) -> str:
        """Return the rows as a readable table, ``most_rows`` of them at most."""
        return format_rows(self._table, self, width=width, color=color, most_rows=most_rows)


def format_rows(
    table: pa.Table,
    run: Run | Result,
    *,
    width: int,
    color: bool,
    most_rows: int | None = None,
    rows: int | None = None,
) -> str:
    """Return the first rows of a result as a table, with a line that says how many more there are.

    ``rows`` is their number in all, when ``table`` holds only the first ones.
    """
    # A slice of a table without columns has as many rows as it is asked for.
    shown = table if most_rows is None else table.slice(0, min(most_rows, table.num_rows))
    text = format_table(shown, width=width, color=color, highlights=run.highlights)
    left = (table.num_rows if rows is None else rows) - shown.num_rows
    return f"{text}\n… {left:,} more row{'s' if left > 1 else ''}" if left else text


def highlights(query: TypedQuery) -> dict[str, tuple[str, ...]]:
    """Return for each output that is a column as it is the span outputs that were found in it."""
    found: dict[str, list[str]] = {}
    columns = {o.value.name: o.name for o in query.outputs if isinstance(o.value, ColumnRef)}
    for output in query.outputs:
        column = _read_column(output.value, query)
        if column in columns:
            found.setdefault(columns[column], []).append(output.name)
    return {name: tuple(spans) for name, spans in found.items()}


def _read_column(expr: Expr, query: TypedQuery) -> str | None:
    """Return the column in which a span output was found, None if it is no span output."""
    if isinstance(expr, VariableRef):
        values = [each.value for each in query.each if each.name == expr.name]
        return _read_column(values[0], query) if values else None
    if not isinstance(expr, CallRef):
        return None
    call = query.calls[expr.index]
    spans = call.kind in ("span", "spans")
    return call.text.name if spans and isinstance(call.text, ColumnRef) else None
