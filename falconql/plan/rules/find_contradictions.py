"""A conjunction that can never be true is false.

::

    laptop and not laptop           ->  false
    stars = 1 and stars = 2         ->  false
    stars > 4 and stars in (1, 2)   ->  false
    brand is null and brand = "HP"  ->  false
    laptop and null                 ->  false

In a condition only where something is true matters, so what is at best null may become false. Must
not fire below a negation, on values of different expressions, nor make ``a or not a`` true.
"""

from __future__ import annotations

from falconql.plan.logical import LogicalPlan
from falconql.plan.rules.base import Rule, rewrite_conditions
from falconql.plan.rules.bounds import contradict
from falconql.plan.rules.fold_constants import FALSE
from falconql.plan.rules.push_negations import negate
from falconql.runtime.expression import And, Expr, Literal, Or


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Make conditions, and parts of them, false that can never be true."""
    return rewrite_conditions(plan, possible)


def possible(expr: Expr) -> Expr:
    """Return a condition that is true for the same rows; only and/or above its tests are looked at."""
    match expr:
        case Literal(None):
            return FALSE
        case And(operands):
            parts = tuple(possible(operand) for operand in operands)
            return FALSE if FALSE in parts or _impossible(parts) else And(parts)
        case Or(operands):
            return Or(tuple(possible(operand) for operand in operands))
        case _:
            return expr


def _impossible(parts: tuple[Expr, ...]) -> bool:
    present = set(parts)
    return any(negate(part) in present for part in parts) or contradict(parts)


RULE = Rule(
    "find_contradictions",
    apply,
    "found conditions that can never be true",
    "after flatten; the next pass folds the false away",
)
