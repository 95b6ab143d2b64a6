"""Join nested conjunctions, and nested disjunctions.

::

    a and (b and c)    ->  a and b and c
    a or (b or c)      ->  a or b or c

Must not fire on ``a and (b or c)``.
"""

from __future__ import annotations

from falconql.plan.logical import LogicalPlan
from falconql.plan.rules.base import Rule, bottom_up, rewrite_expressions
from falconql.runtime.expression import And, Expr, Or


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Flatten every expression of the plan."""
    return rewrite_expressions(plan, flatten)


def flatten(expr: Expr) -> Expr:
    """Return the expression with no conjunction right inside a conjunction, nor or in or."""
    return bottom_up(expr, _flatten_one)


def _flatten_one(expr: Expr) -> Expr:
    match expr:
        case And(operands) if any(isinstance(operand, And) for operand in operands):
            return And(tuple(part for o in operands for part in (o.operands if isinstance(o, And) else (o,))))
        case Or(operands) if any(isinstance(operand, Or) for operand in operands):
            return Or(tuple(part for o in operands for part in (o.operands if isinstance(o, Or) else (o,))))
        case _:
            return expr


RULE = Rule(
    "flatten",
    apply,
    "joined nested and/or",
    "after push_negations, which makes nests; before what compares siblings",
)
