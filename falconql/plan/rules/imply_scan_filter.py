"""Tell the scan what a disjunction implies.

::

    Filter[(stars > 4 and laptop) or (stars < 2 and phone)](Scan)
        ->  Filter[(stars > 4 and laptop) or (stars < 2 and phone)](Scan[stars > 4 or stars < 2])

The filter stays as it is; the scan drops rows that cannot pass. Must not fire where a branch has no
condition without a model: ``(stars > 4 and laptop) or phone`` implies nothing.
"""

from __future__ import annotations

from dataclasses import replace

from falconql.plan.logical import Filter, LogicalNode, LogicalPlan, Scan, uses_model
from falconql.plan.rules.absorb import absorb
from falconql.plan.rules.base import Rule, conjunction, conjuncts, disjunction, rewrite_nodes
from falconql.plan.rules.drop_duplicates import say_once
from falconql.plan.rules.factor_common import factor
from falconql.plan.rules.flatten import flatten
from falconql.runtime.expression import And, Expr, Or


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Add to the scan what the lowest filter implies and the scan does not know yet."""
    return rewrite_nodes(plan, _imply)


def _imply(node: LogicalNode) -> LogicalNode:
    if not (isinstance(node, Filter) and isinstance(node.input, Scan)):
        return node
    present = () if node.input.filter is None else conjuncts(node.input.filter)
    known = [_branches(part) for part in present]
    weaker = (_without_model(part) for part in conjuncts(node.condition) if uses_model(part))
    implied = tuple(
        part
        for condition in weaker
        if condition is not None
        for part in conjuncts(_simplified(condition))
        if not any(branches <= _branches(part) for branches in known)
    )
    if not implied:
        return node
    return replace(node, input=replace(node.input, filter=conjunction((*present, *implied))))


def _simplified(condition: Expr) -> Expr:
    """Bring a condition into the form that the other rules will give it, to know it again later."""
    before = None
    while condition != before:
        before = condition
        condition = factor(absorb(say_once(flatten(condition))))
    return condition


def _without_model(expr: Expr) -> Expr | None:
    """Return a condition without model calls that is true wherever this one is; None if only ``true`` is."""
    match expr:
        case And(operands):
            weaker = tuple(w for w in map(_without_model, operands) if w is not None)
            return conjunction(weaker) if weaker else None
        case Or(operands):
            branches = tuple(_without_model(operand) for operand in operands)
            kept = tuple(branch for branch in branches if branch is not None)
            return disjunction(kept) if len(kept) == len(branches) else None
        case _:
            return None if uses_model(expr) else expr


def _branches(expr: Expr) -> frozenset[Expr]:
    return frozenset(expr.operands) if isinstance(expr, Or) else frozenset((expr,))


RULE = Rule(
    "imply_scan_filter",
    apply,
    "told the scan what a disjunction implies",
    "after push_into_scan has taken the conjuncts themselves",
    moves=True,
)
