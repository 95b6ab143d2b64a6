"""A bound on what a query may grow to once its lets are written out.

Forty lets that each use the one before twice would otherwise make an expression of a million
million nodes, and every stage after this one walks expressions.
"""

from __future__ import annotations

from falconql.check.problems import Operand, Problems
from falconql.runtime.expression import Expr, children

MOST_NODES = 20_000
MOST_DEPTH = 150


def too_large(problems: Problems, operand: Operand) -> bool:
    """Return whether an expression exceeds the bound; report it if so."""
    if not _exceeds(operand.expr):
        return False
    message = "this expression is too large once the lets it uses are written out"
    problems.error("FQL250", message, operand.span, "use each `let` fewer times, or split the query in two")
    return True


def _exceeds(expr: Expr) -> bool:
    count = 0
    stack = [(expr, 1)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > MOST_NODES or depth > MOST_DEPTH:
            return True
        stack.extend((child, depth + 1) for child in children(node))
    return False
