"""Let the scan decide what needs no model.

::

    Filter[laptop and stars > 3](Scan)    ->  Filter[laptop](Scan[stars > 3])

The source may then skip whole parts of the corpus, and no later operator sees the rows. Must not fire
on ``laptop or stars > 3``, nor through an ``Each``.
"""

from __future__ import annotations

from dataclasses import replace

from falconql.plan.logical import Filter, LogicalNode, LogicalPlan, Scan, uses_model
from falconql.plan.rules.base import Rule, conjunction, conjuncts, rewrite_nodes


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Move the conjuncts without model calls of the lowest filter into the scan."""
    return rewrite_nodes(plan, _push)


def _push(node: LogicalNode) -> LogicalNode:
    if not (isinstance(node, Filter) and isinstance(node.input, Scan)):
        return node
    parts = conjuncts(node.condition)
    here = tuple(part for part in parts if uses_model(part))
    into = tuple(part for part in parts if not uses_model(part))
    if not into:
        return node
    present = () if node.input.filter is None else conjuncts(node.input.filter)
    scan = replace(node.input, filter=conjunction((*present, *into)))
    return Filter(scan, conjunction(here)) if here else scan


RULE = Rule(
    "push_into_scan",
    apply,
    "moved conditions without model calls into the scan",
    "after everything that makes or moves conjuncts",
    moves=True,
)
