"""Remove nodes that do nothing, and read nothing where nothing can come out.

::

    Filter[true](x)                  ->  x
    Filter[false](x)                 ->  Limit[0](x)       (also for null: a filter keeps what is true)
    Limit[5](Limit[3](x))            ->  Limit[3](x)
    Project[a, b](Sort(Project[a, b](x)))  ->  Sort(Project[a, b](x))

An aggregation above ``Limit[0]`` stays: without keys it gives one row even for no rows.
"""

from __future__ import annotations

from dataclasses import replace

from falconql.plan.logical import Filter, Limit, LogicalNode, LogicalPlan, Project, Scan, schema, variables
from falconql.plan.rules.base import Rule, rewrite_nodes
from falconql.runtime.expression import ColumnRef, Expr, Literal


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Remove what does nothing."""
    return rewrite_nodes(plan, _drop)


def _drop(node: LogicalNode) -> LogicalNode:
    match node:
        case Filter(below, condition) if isinstance(condition, Literal):
            return below if condition.value is True else Limit(below, 0)
        case Scan(_, condition) if isinstance(condition, Literal):
            bare = replace(node, filter=None)
            return bare if condition.value is True else Limit(bare, 0)
        case Limit(Limit(below, inner), outer):
            return Limit(below, min(inner, outer))
        case Project(below, outputs) if _same_columns(below, tuple(output.value for output in outputs)):
            names = tuple(output.name for output in outputs)
            return below if names == tuple(field.name for field in schema(below)) else node
        case _:
            return node


def _same_columns(below: LogicalNode, values: tuple[Expr, ...]) -> bool:
    """Whether the values are just the columns below, where a projection already ended variables."""
    ends = below
    while not isinstance(ends, Scan | Project):
        ends = ends.input
    return (
        isinstance(ends, Project)
        and not variables(below)
        and values == tuple(ColumnRef(field.name, field.type) for field in schema(below))
    )


RULE = Rule("drop_trivial", apply, "removed what does nothing", "after what makes conditions constant")
