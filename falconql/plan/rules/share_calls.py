"""One model call for the same question on the same text; none for what nobody asks.

::

    calls: label(body, "laptop?"), label(body, "laptop?"), span(body, "price")   (price is not used)
        ->  calls: label(body, "laptop?")

Must not fire on calls that differ in kind, text, instruction, choices or threshold.
"""

from __future__ import annotations

from dataclasses import replace

from falconql.plan.logical import LogicalPlan, expressions, nodes, references
from falconql.plan.rules.base import Rule, bottom_up, map_call, map_node, map_nodes
from falconql.runtime.expression import CallRef, Expr
from falconql.runtime.plan import ModelCall


def apply(plan: LogicalPlan) -> LogicalPlan | None:
    """Renumber the calls that are used and different."""
    used = references((e for node in nodes(plan.root) for e in expressions(node)), plan.calls).calls
    first: dict[ModelCall, int] = {}
    target = {index: first.setdefault(_question(plan.calls[index]), index) for index in sorted(used)}
    kept = sorted(set(target.values()))
    if kept == list(range(len(plan.calls))):
        return None
    number = {index: kept.index(same) for index, same in target.items()}

    def renumber(part: Expr) -> Expr:
        return CallRef(number[part.index], part.type) if isinstance(part, CallRef) else part

    def renumbered(expr: Expr) -> Expr:
        return bottom_up(expr, renumber)

    named = sorted(used, key=lambda index: (plan.calls[index].name is None, index), reverse=True)
    names = {target[index]: plan.calls[index].name for index in named}
    calls = tuple(replace(map_call(plan.calls[i], renumbered), name=names[i]) for i in kept)
    root = map_nodes(plan.root, lambda node: map_node(node, renumbered))
    return LogicalPlan(root, calls, plan.proxy, plan.source)


def _question(call: ModelCall) -> ModelCall:
    return replace(call, name=None)


RULE = Rule(
    "share_calls",
    apply,
    "made one call of calls that ask the same, and dropped unused ones",
    "after folding, which can make instructions equal and calls unused",
)
