"""Plan nodes to operators: the one place that knows both."""

from __future__ import annotations

from typing import assert_never

from falconql.runtime.calls import ModelCalls
from falconql.runtime.context import ExecContext
from falconql.runtime.operators.aggregate import AggregateOperator
from falconql.runtime.operators.base import Operator
from falconql.runtime.operators.each import EachOperator
from falconql.runtime.operators.filter import FilterOperator
from falconql.runtime.operators.limit import LimitOperator
from falconql.runtime.operators.project import ProjectOperator
from falconql.runtime.operators.scan import BatchSizes, ScanOperator
from falconql.runtime.operators.sort import SortOperator
from falconql.runtime.plan import Aggregate, Each, Filter, Limit, Node, Plan, Project, Scan, Sort, nodes
from falconql.runtime.proxy.base import TakesMany


def build(plan: Plan, ctx: ExecContext, calls: ModelCalls) -> list[Operator]:
    """Return the operators of a plan, the scan first."""
    chain = list(nodes(plan.root))
    return [_operator(node, chain[:above], plan, ctx, calls) for above, node in reversed(list(enumerate(chain)))]


def _operator(node: Node, above: list[Node], plan: Plan, ctx: ExecContext, calls: ModelCalls) -> Operator:
    match node:
        case Scan():
            most = ctx.batch_rows
            if most is None and plan.calls and isinstance(ctx.proxy, TakesMany):
                most = ctx.proxy.rows_at_once
            sizes = BatchSizes.suited(
                model_calls=bool(plan.calls), limit=stops_at(above), most=most, first=ctx.first_rows
            )
            return ScanOperator(node, ctx, sizes)
        case Filter():
            return FilterOperator(node, calls, rows_expected=ctx.source.rows if stops_at(above) is None else None)
        case Each():
            return EachOperator(node, calls)
        case Project():
            return ProjectOperator(node, calls)
        case Aggregate():
            return AggregateOperator(node, calls)
        case Sort():
            return SortOperator(node, calls)
        case Limit(_, count):
            return LimitOperator(count if ctx.resume is None else max(0, count - ctx.resume.rows_out))
        case _:
            assert_never(node)


def stops_at(above: list[Node]) -> int | None:
    """Return after how many rows an operator above stops reading; None if everything is read.

    ``above`` is from the root down; what a blocking operator feeds has no say in what it reads.
    """
    stops_at = None
    for node in above:
        if isinstance(node, Sort | Aggregate):
            stops_at = None
        elif isinstance(node, Limit):
            stops_at = node.count if stops_at is None else min(stops_at, node.count)
    return stops_at
