"""Without a limit, compute the outputs first and sort only those.

::

    Project[id, p: price](Sort[stars](x))
        ->  Project[id, p](Sort[$sort0](Project[id, p: price, $sort0: stars](x)))

A full sort holds all rows in memory: better the selected columns and the keys than every column that
a model reads. Must not fire on a sort with a limit: there the outputs of rows that the sort drops
would be computed for nothing.
"""

from __future__ import annotations

from dataclasses import replace

from falconql.plan.logical import Aggregate, LogicalNode, LogicalPlan, Project, Sort
from falconql.plan.rules.base import Rule, rewrite_nodes
from falconql.runtime.expression import ColumnRef, Expr
from falconql.runtime.plan import Output


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Swap the final projection and a sort without limit."""
    return rewrite_nodes(plan, _swap)


def _swap(node: LogicalNode) -> LogicalNode:
    match node:
        case Project(Sort(below, keys, None), outputs) if not isinstance(below, Project | Aggregate):
            named: dict[Expr, str] = {output.value: output.name for output in reversed(outputs)}
            hidden = []
            for number, key in enumerate(keys):
                if key.value not in named:
                    named[key.value] = f"$sort{number}"
                    hidden.append(Output(named[key.value], key.value))
            first = Project(below, (*outputs, *hidden))
            by_name = tuple(replace(k, value=ColumnRef(named[k.value], k.value.type)) for k in keys)
            visible = tuple(Output(o.name, ColumnRef(o.name, o.value.type)) for o in outputs)
            return Project(Sort(first, by_name), visible)
        case _:
            return node


RULE = Rule(
    "project_before_sort",
    apply,
    "computed the outputs before a full sort",
    "after limit_sort, which decides whether the sort has a limit",
)
