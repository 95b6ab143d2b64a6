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
from falconql.runtime.operators.scan import ScanOperator
from falconql.runtime.operators.sort import SortOperator
from falconql.runtime.plan import Aggregate, Each, Filter, Limit, Node, Plan, Project, Scan, Sort, nodes


def build(plan: Plan, ctx: ExecContext, calls: ModelCalls) -> list[Operator]:
    """Return the operators of a plan, the scan first."""
    chain = list(nodes(plan.root))
    return [_operator(node, chain[:above], plan, ctx, calls) for above, node in reversed(list(enumerate(chain)))]


def _operator(node: Node, above: list[Node], plan: Plan, ctx: ExecContext, calls: ModelCalls) -> Operator:
    match node:
        case Scan():
            return ScanOperator(node, ctx, model_calls=bool(plan.calls), may_stop=_may_stop(above))
        case Filter():
            return FilterOperator(node, calls, rows_expected=None if _may_stop(above) else ctx.source.rows)
        case Each():
            return EachOperator(node, calls)
        case Project():
            return ProjectOperator(node, calls)
        case Aggregate():
            return AggregateOperator(node, calls)
        case Sort():
            return SortOperator(node, calls)
        case Limit(_, count):
            return LimitOperator(count)
        case _:
            assert_never(node)


def _may_stop(above: list[Node]) -> bool:
    """Return whether an operator above may stop reading early."""
    blocking = [isinstance(node, (Sort, Aggregate)) for node in above]
    below_blocking = above[len(blocking) - blocking[::-1].index(True) :] if True in blocking else above
    return any(isinstance(node, Limit) for node in below_blocking)
