"""Drop an operand that another one makes superfluous.

::

    a and (a or b)              ->  a
    a or (a and b)              ->  a
    (a or b) and (a or b or c)  ->  a or b

These hold in three-valued logic. Must not fire on ``a and (not a or b)``, where they would need
``a and not a`` to be false: it is null for a null a.
"""

from __future__ import annotations

from falconql.plan.logical import LogicalPlan
from falconql.plan.rules.base import Rule, bottom_up, conjunction, disjunction, rewrite_expressions
from falconql.runtime.expression import And, Expr, Or


def apply(plan: LogicalPlan) -> LogicalPlan:
    """Absorb in every expression of the plan."""
    return rewrite_expressions(plan, absorb)


def absorb(expr: Expr) -> Expr:
    """Return the expression without superfluous operands."""
    return bottom_up(expr, _absorb)


def _absorb(expr: Expr) -> Expr:
    match expr:
        case And(operands):
            kept = _smallest(operands, Or)
            return expr if kept == operands else conjunction(kept)
        case Or(operands):
            kept = _smallest(operands, And)
            return expr if kept == operands else disjunction(kept)
        case _:
            return expr


def _smallest(operands: tuple[Expr, ...], inner: type[And] | type[Or]) -> tuple[Expr, ...]:
    """Return the operands whose own parts include no other operand's parts."""
    parts = [frozenset(o.operands) if isinstance(o, inner) else frozenset((o,)) for o in operands]
    return tuple(
        operand
        for operand, own in zip(operands, parts, strict=True)
        if len(own) == 1 or not any(other < own for other in parts)
    )


RULE = Rule("absorb", apply, "dropped what another condition makes superfluous", "after flatten, like duplicates")
