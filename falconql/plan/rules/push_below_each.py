"""Decide below an ``each`` what does not depend on its variable: once per row, not once per element.

::

    Filter[laptop and length(price) > 3](Each[price](x))
        ->  Filter[length(price) > 3](Each[price](Filter[laptop](x)))

    Filter[laptop](Each[tag in tags](x))    ->  Each[tag in tags](Filter[laptop and exists(tags)](x))

A row with nothing in its list gives no rows, so that it need not pass a condition that asks a model; where a model
makes the list, it is for the order of the conditions to say which is asked first. Must not fire on a model call whose
instruction quotes the variable.
"""

from __future__ import annotations

from falconql.plan.logical import Each, Filter, LogicalNode, LogicalPlan, references, uses_model
from falconql.plan.rules.base import Rule, conjunction, conjuncts, rewrite_nodes
from falconql.runtime.expression import Function
from falconql.runtime.types import BOOL


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Move conjuncts below each ``Each`` that they do not need."""

    def push(node: LogicalNode) -> LogicalNode:
        if not (isinstance(node, Filter) and isinstance(node.input, Each)):
            return node
        each = node.input
        parts = conjuncts(node.condition)
        here = tuple(p for p in parts if each.name in references((p,), plan.calls).variables)
        below = tuple(p for p in parts if p not in here)
        if not below:
            return node
        if any(map(uses_model, below)):
            below = (*below, Function("exists", (each.value,), BOOL))
        pushed = Each(push(Filter(each.input, conjunction(below))), each.name, each.value, each.type)
        return Filter(pushed, conjunction(here)) if here else pushed

    return rewrite_nodes(plan, push)


RULE = Rule(
    "push_below_each",
    apply,
    "moved conditions below an each that they do not use",
    "before push_into_scan: what arrives below the last each can go on into the scan",
    moves=True,
)
