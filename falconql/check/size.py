"""Bounds on what a query may grow to once its lets are written out.

Forty lets that each use the one before twice would otherwise make an expression of a million
million nodes, and every stage after this one walks expressions.
"""

from __future__ import annotations

from falconql.check.problems import Operand, Problems
from falconql.runtime.expression import Expr, In, Literal, children

MOST_NODES = 20_000
# The constants of `in (...)`: lists are long because somebody has that many values, not because they grow.
MOST_LISTED = 100_000
MOST_DEPTH = 150


def too_large(problems: Problems, operand: Operand) -> bool:
    """Return whether an expression exceeds the bounds; report it if so."""
    found = _excess(operand.expr)
    if found is not None:
        problems.error("FQL250", found[0], operand.span, found[1])
    return found is not None


def _excess(expr: Expr) -> tuple[str, str] | None:
    """Return what there is too much of, and what to do."""
    count = listed = 0
    stack = [(expr, 1)]
    while stack:
        node, depth = stack.pop()
        below = children(node)
        if isinstance(node, In):
            below = tuple(child for child in below if not isinstance(child, Literal))
            listed += len(node.options) + 1 - len(below)
        count += 1
        if listed > MOST_LISTED:
            return f"there are more than {MOST_LISTED:,} values in lists here", "run the query on parts of the list"
        if count > MOST_NODES:
            help_ = "use each `let` fewer times, write `x in (1, 2)` for `x = 1 or x = 2`, or split the query in two"
            return f"this expression has more than {MOST_NODES:,} parts, with the lets it uses written out", help_
        if depth > MOST_DEPTH:
            message = f"this expression is more than {MOST_DEPTH} levels deep, with the lets it uses written out"
            return message, "use fewer lets inside each other, or split the query in two"
        stack.extend((child, depth + 1) for child in below)
    return None
