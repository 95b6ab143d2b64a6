"""Join filters that stand on each other, so that one operator orders all their tests.

::

    Filter[b](Filter[a](x))    ->  Filter[a and b](x)

Must not fire through an ``Each``, ``Limit`` or ``Sort`` with a limit between them.
"""

from __future__ import annotations

from falconql.plan.logical import Filter, LogicalNode, LogicalPlan
from falconql.plan.rules.base import Rule, conjunction, conjuncts, rewrite_nodes


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Join adjacent filters."""
    return rewrite_nodes(plan, _merge)


def _merge(node: LogicalNode) -> LogicalNode:
    match node:
        case Filter(Filter(below, first), second):
            return Filter(below, conjunction((*conjuncts(first), *conjuncts(second))))
        case _:
            return node


RULE = Rule("merge_filters", apply, "joined two filters", "before conditions are moved")
