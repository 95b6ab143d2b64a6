"""What a rule is, and how to reach the nodes and expressions of a plan from one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from falconql.plan.logical import (
    Aggregate,
    Each,
    Filter,
    LogicalNode,
    LogicalPlan,
    Project,
    Scan,
    Sort,
    with_input,
)
from falconql.runtime.expression import And, Expr, Or, children, replace_children
from falconql.runtime.plan import ModelCall

Rewrite = Callable[[Expr], Expr]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rewrite by name; ``apply`` returns None, or an equal plan, where there is nothing to do.

    ``summary`` is one clause for people (``explain --rules``); ``why_here`` says what the place in
    the order depends on. ``moves``: conditions change their places, which ``--order written`` forbids.
    """

    name: str
    apply: Callable[[LogicalPlan], LogicalPlan | None]
    summary: str
    why_here: str
    moves: bool = False


def rewrite_nodes(plan: LogicalPlan, change: Callable[[LogicalNode], LogicalNode]) -> LogicalPlan:
    """Return the plan with ``change`` applied to every node, inputs first."""
    return replace(plan, root=map_nodes(plan.root, change))


def map_nodes(node: LogicalNode, change: Callable[[LogicalNode], LogicalNode]) -> LogicalNode:
    """Return a chain of nodes with ``change`` applied to every node, inputs first."""
    return change(node if isinstance(node, Scan) else with_input(node, map_nodes(node.input, change)))


def rewrite_conditions(plan: LogicalPlan, rewrite: Rewrite) -> LogicalPlan:
    """Return the plan with the condition of every filter rewritten.

    Only where a condition is true matters there: the rewrite may turn null into false.
    """

    def change(node: LogicalNode) -> LogicalNode:
        if isinstance(node, Filter):
            return replace(node, condition=rewrite(node.condition))
        if isinstance(node, Scan) and node.filter is not None:
            return replace(node, filter=rewrite(node.filter))
        return node

    return rewrite_nodes(plan, change)


def rewrite_expressions(plan: LogicalPlan, rewrite: Rewrite) -> LogicalPlan:
    """Return the plan with every expression rewritten, those that model calls read included.

    The rewrite must keep the value on every row, null apart from false, and the type.
    """
    calls = tuple(map_call(call, rewrite) for call in plan.calls)
    return replace(plan, root=map_nodes(plan.root, lambda node: map_node(node, rewrite)), calls=calls)


def map_call(call: ModelCall, rewrite: Rewrite) -> ModelCall:
    """Return a model call with what it reads and quotes rewritten."""
    instruction = tuple(part if isinstance(part, str) else rewrite(part) for part in call.instruction)
    return replace(call, text=rewrite(call.text), instruction=instruction)


def map_node(node: LogicalNode, rewrite: Rewrite) -> LogicalNode:
    """Return one node with its expressions rewritten."""
    match node:
        case Scan(_, condition) if condition is not None:
            return replace(node, filter=rewrite(condition))
        case Filter(_, condition):
            return replace(node, condition=rewrite(condition))
        case Each(_, _, value):
            return replace(node, value=rewrite(value))
        case Project(_, outputs):
            return replace(node, outputs=tuple(replace(o, value=rewrite(o.value)) for o in outputs))
        case Aggregate(_, keys, aggregates):
            return replace(
                node,
                keys=tuple(rewrite(key) for key in keys),
                aggregates=tuple(
                    call if call.operand is None else replace(call, operand=rewrite(call.operand))
                    for call in aggregates
                ),
            )
        case Sort(_, sort_keys):
            return replace(node, keys=tuple(replace(key, value=rewrite(key.value)) for key in sort_keys))
        case _:
            return node


def bottom_up(expr: Expr, change: Rewrite) -> Expr:
    """Return the expression with ``change`` applied to every part, operands first."""
    operands = children(expr)
    changed = tuple(bottom_up(operand, change) for operand in operands)
    return change(expr if changed == operands else replace_children(expr, changed))


def conjuncts(condition: Expr) -> tuple[Expr, ...]:
    """Return the operands of a conjunction, nested ones too; anything else is its own only one."""
    if isinstance(condition, And):
        return tuple(part for operand in condition.operands for part in conjuncts(operand))
    return (condition,)


def conjunction(parts: tuple[Expr, ...]) -> Expr:
    """Return one condition that is true where all of the parts (at least one) are."""
    return parts[0] if len(parts) == 1 else And(parts)


def disjunction(parts: tuple[Expr, ...]) -> Expr:
    """Return one condition that is true where one of the parts (at least one) is."""
    return parts[0] if len(parts) == 1 else Or(parts)
