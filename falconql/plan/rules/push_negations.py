"""Move negations down to the tests (negation normal form).

::

    not (laptop and stars > 4)    ->  not laptop or stars <= 4
    not not laptop                ->  laptop
    not (brand = "Acer")          ->  brand != "Acer"

All hold in three-valued logic. Must not fire on ``not (price > 4)`` for a Float price: it is true for
NaN, ``price <= 4`` is not.
"""

from __future__ import annotations

from falconql.plan.logical import LogicalPlan
from falconql.plan.rules.base import Rule, rewrite_conditions
from falconql.runtime.expression import And, Comparison, ComparisonOp, Expr, Not, Or

_OPPOSITE: dict[ComparisonOp, ComparisonOp] = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
}


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Bring every condition into negation normal form."""
    return rewrite_conditions(plan, _positive)


def negate(expr: Expr) -> Expr:
    """Return the negation of an expression, negations at its tests only."""
    match expr:
        case Not(operand):
            return _positive(operand)
        case And(operands):
            return Or(tuple(negate(operand) for operand in operands))
        case Or(operands):
            return And(tuple(negate(operand) for operand in operands))
        case Comparison(op, left, right) if op in ("=", "!=") or left.type.name != "Float":
            return Comparison(_OPPOSITE[op], left, right)
        case _:
            return Not(expr)


def _positive(expr: Expr) -> Expr:
    match expr:
        case Not(operand):
            return negate(operand)
        case And(operands):
            return And(tuple(_positive(operand) for operand in operands))
        case Or(operands):
            return Or(tuple(_positive(operand) for operand in operands))
        case _:
            return expr


RULE = Rule(
    "push_negations",
    apply,
    "moved negations down to the tests",
    "before all rules on conjuncts and disjuncts: a negated conjunction hides its operands",
)
