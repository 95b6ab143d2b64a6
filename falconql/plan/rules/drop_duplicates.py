"""Say everything once.

::

    laptop and stars > 3 and laptop    ->  laptop and stars > 3
    laptop or laptop                   ->  laptop

Must not fire on two calls that differ in their question.
"""

from __future__ import annotations

from falconql.plan.logical import LogicalPlan
from falconql.plan.rules.base import Rule, bottom_up, conjunction, disjunction, rewrite_expressions
from falconql.runtime.expression import And, Expr, Or


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Drop repeated operands of every and/or of the plan."""
    return rewrite_expressions(plan, say_once)


def say_once(expr: Expr) -> Expr:
    """Return the expression without repeated operands."""
    return bottom_up(expr, _once)


def _once(expr: Expr) -> Expr:
    match expr:
        case And(operands) if len(set(operands)) < len(operands):
            return conjunction(tuple(dict.fromkeys(operands)))
        case Or(operands) if len(set(operands)) < len(operands):
            return disjunction(tuple(dict.fromkeys(operands)))
        case _:
            return expr


RULE = Rule("drop_duplicates", apply, "dropped what is said twice", "after flatten: duplicates are siblings")
