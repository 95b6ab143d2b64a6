"""The parts of a written expression that are expressions themselves (no names of functions or arguments)."""

from __future__ import annotations

from collections.abc import Iterator

from falconql.check.functions import FUNCTIONS
from falconql.syntax import ast


def parts(node: ast.Expr) -> tuple[ast.Expr, ...]:
    """Return the direct parts of an expression."""
    match node:
        case ast.Call(_, arguments):
            return tuple(argument.value for argument in arguments)
        case ast.Negate(operand) | ast.Not(operand):
            return (operand,)
        case ast.Arithmetic(_, left, right) | ast.Comparison(_, left, right):
            return (left, right)
        case ast.In(value, options):
            return (value, *options)
        case ast.TextTest(_, value, pattern):
            return (value, pattern)
        case ast.Matches(value) | ast.IsNull(value):
            return (value,)
        case ast.And(operands) | ast.Or(operands):
            return operands
        case _:
            return ()


def walk(node: ast.Expr) -> Iterator[ast.Expr]:
    """Yield an expression and everything below it, parents first."""
    yield node
    for part in parts(node):
        yield from walk(part)


def calls_a(kind: str, node: ast.Expr) -> bool:
    """Return whether a node is a call of a ``row``, ``model`` or ``aggregate`` function."""
    if not isinstance(node, ast.Call):
        return False
    function = FUNCTIONS.get(node.function.text.lower())
    return function is not None and function.kind == kind


def has_aggregate(node: ast.Expr) -> bool:
    """Return whether there is an aggregate anywhere in an expression."""
    return any(calls_a("aggregate", part) for part in walk(node))


def is_constant(node: ast.Expr) -> bool:
    """Return whether nothing in an expression can differ from row to row or from run to run."""
    return not any(isinstance(part, (ast.Name, ast.Parameter)) or calls_a("model", part) for part in walk(node))
