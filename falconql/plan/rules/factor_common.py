"""Take a condition that every branch of a disjunction has out of it.

::

    (stars > 3 and laptop) or (stars > 3 and phone)    ->  stars > 3 and (laptop or phone)

Distribution holds in three-valued logic. What is taken out stands as a conjunct and can go into the
scan. Must not fire where a branch lacks the condition.
"""

from __future__ import annotations

from falconql.plan.logical import LogicalPlan
from falconql.plan.rules.base import (
    Rule,
    bottom_up,
    conjunction,
    conjuncts,
    disjunction,
    rewrite_conditions,
)
from falconql.runtime.expression import And, Expr, Or


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Factor every disjunction of the plan's conditions."""
    return rewrite_conditions(plan, factor)


def factor(expr: Expr) -> Expr:
    """Return the expression with what all branches of a disjunction share taken out of it."""
    return bottom_up(expr, _factor)


def _factor(expr: Expr) -> Expr:
    if not isinstance(expr, Or):
        return expr
    branches = [conjuncts(operand) for operand in expr.operands]
    common = tuple(part for part in dict.fromkeys(branches[0]) if all(part in b for b in branches[1:]))
    if not common:
        return expr
    rests = [tuple(part for part in branch if part not in common) for branch in branches]
    if not all(rests):  # a branch is the common part alone: absorption
        return conjunction(common)
    return And((*common, disjunction(tuple(conjunction(rest) for rest in rests))))


RULE = Rule(
    "factor_common",
    apply,
    "took out of a disjunction what all its branches share",
    "before conditions are moved: it makes conjuncts",
    moves=True,
)
