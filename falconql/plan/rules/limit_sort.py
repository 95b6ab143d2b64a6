"""Let a sort keep only as many rows as are asked for.

::

    Limit[10](Sort[score(laptop) desc](x))    ->  Sort[score(laptop) desc, limit 10](x)

Must not fire where something stands between the two that can drop rows.
"""

from __future__ import annotations

from dataclasses import replace

from falconql.plan.logical import Limit, LogicalNode, LogicalPlan, Sort
from falconql.plan.rules.base import Rule, rewrite_nodes


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Move limits into the sorts right below them."""
    return rewrite_nodes(plan, _join)


def _join(node: LogicalNode) -> LogicalNode:
    if isinstance(node, Limit) and isinstance(node.input, Sort):
        sort = node.input
        return replace(sort, limit=node.count if sort.limit is None else min(sort.limit, node.count))
    return node


RULE = Rule("limit_sort", apply, "let the sort keep only the rows asked for", "before project_before_sort")
