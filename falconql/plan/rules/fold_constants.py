"""Evaluate what does not depend on the row, in three-valued logic.

::

    stars > 2 + 2                 ->  stars > 4
    laptop and false              ->  false
    laptop or (1 = 1 and null)    ->  laptop or null
    stars > null                  ->  null

Must not fire on ``x = x`` (null for a null x) nor on ``x or not x`` (likewise).
"""

from __future__ import annotations

from falconql.plan.evaluation import constant_value
from falconql.plan.logical import LogicalPlan
from falconql.plan.rules.base import Rule, bottom_up, rewrite_expressions
from falconql.runtime.expression import (
    And,
    Arithmetic,
    CallRef,
    ColumnRef,
    Comparison,
    Expr,
    In,
    Literal,
    Or,
    VariableRef,
    children,
)
from falconql.runtime.types import BOOL, SCALARS

TRUE, FALSE, NULL = Literal(True, BOOL), Literal(False, BOOL), Literal(None, BOOL)


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Fold every expression of the plan."""
    return rewrite_expressions(plan, fold)


def fold(expr: Expr) -> Expr:
    """Return the expression with every constant part replaced by its value."""
    return bottom_up(expr, _fold_one)


def _fold_one(expr: Expr) -> Expr:
    match expr:
        case Literal() | ColumnRef() | VariableRef() | CallRef():
            return expr
        case And(operands):
            return _connective(operands, ends=FALSE, neutral=TRUE, node=And)
        case Or(operands):
            return _connective(operands, ends=TRUE, neutral=FALSE, node=Or)
        case Comparison(_, left, right) | Arithmetic(_, left, right) if _null(left) or _null(right):
            return Literal(None, expr.type)
        case In(value) if _null(value):
            return NULL
        case _:
            return _evaluated(expr)


def _connective(operands: tuple[Expr, ...], *, ends: Literal, neutral: Literal, node: type[And | Or]) -> Expr:
    if ends in operands:
        return ends
    kept = tuple(operand for operand in operands if operand != neutral)
    if len(kept) > 1:
        return node(kept)
    return kept[0] if kept else neutral


def _null(expr: Expr) -> bool:
    return isinstance(expr, Literal) and expr.value is None


def _evaluated(expr: Expr) -> Expr:
    if expr.type.name not in SCALARS or not all(isinstance(part, Literal) for part in children(expr)):
        return expr
    return constant_value(expr) or expr


RULE = Rule(
    "fold_constants",
    apply,
    "evaluated what does not depend on the row",
    "first: every other rule sees fewer cases",
)
