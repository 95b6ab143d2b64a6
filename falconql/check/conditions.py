"""Where true or false is needed: ``where``, ``and``, ``or``, ``not``, ``share``."""

from __future__ import annotations

from collections.abc import Sequence

from falconql.check.comparisons import adapt, unusable
from falconql.check.context import Context
from falconql.check.literals import coerce
from falconql.check.problems import BROKEN, Operand, plain_text, rewrite, spoken, words
from falconql.diagnostics.model import Edit, Help
from falconql.runtime.expression import And, Expr, Or
from falconql.syntax import ast
from falconql.types import BOOL, LABEL, NULL, SPAN, TEXT, is_number


def condition(ctx: Context, operand: Operand) -> Expr:
    """Return an operand as a Bool; report it if it is none."""
    if operand.broken:
        return operand.expr
    adapted = adapt(ctx, operand, BOOL)
    if adapted is None:
        return BROKEN
    if adapted.type in (BOOL, LABEL):
        return coerce(adapted.expr, BOOL)
    if operand.type.name == "Other":
        return ctx.problems.error("FQL211", *unusable(operand))
    message = f"a condition is needed here, and {words(operand.node)} is {spoken(operand.type)}"
    return ctx.problems.error("FQL201", message, operand.span, _advice(ctx, operand))


def all_of(ctx: Context, operands: Sequence[Operand]) -> Expr:
    """Return a conjunction."""
    return And(tuple(condition(ctx, operand) for operand in operands))


def any_of(ctx: Context, operands: Sequence[Operand]) -> Expr:
    """Return a disjunction; ``x = "a" or "b"`` gets a word of its own."""
    conditions = []
    for index, operand in enumerate(operands):
        before = operands[index - 1].node if index else None
        literal = isinstance(operand.node, (ast.Text, ast.Integer, ast.Decimal))
        if literal and isinstance(before, ast.Comparison) and before.op == "=":
            conditions.append(_alternative(ctx, before, operand))
        else:
            conditions.append(condition(ctx, operand))
    return Or(tuple(conditions))


def _alternative(ctx: Context, before: ast.Comparison, operand: Operand) -> Expr:
    value, first, second = (plain_text(n) for n in (before.left, before.right, operand.node))
    form = f"{value or 'x'} in ({first or 'a'}, {second or 'b'})"
    edit = Edit(before.span.join(operand.span), form) if value and first and second else None
    message = f"{words(operand.node)} stands alone; `or` joins conditions, not values"
    return ctx.problems.error("FQL201", message, operand.span, Help(f"write `{form}`", edit))


def _advice(ctx: Context, operand: Operand) -> Help | None:
    node, given = operand.node, operand.type
    if given == SPAN:
        return rewrite("ask whether there is one", node, "exists(", ")")
    if given.item is not None:
        return rewrite("ask whether it has elements", node, "exists(", ")")
    if isinstance(node, ast.Text):
        return rewrite("to ask this of each text, write", node, "label(", ")")
    if is_number(given):
        return (
            rewrite("compare it", node, "", " > 0") if isinstance(node, ast.Name) else Help("compare it: `... > 0.5`")
        )
    if given == TEXT and isinstance(node, ast.Call) and node.function.text.lower() == "choose":
        return Help('compare the choice: `choose(...) = "..."`')
    if given == TEXT:
        return Help('compare it: `... = "..."`, `... contains "..."`, or `... is not null`')
    if given == NULL:
        return Help("test for null with `... is null`")
    return Help("compare it, or test it with `is not null`")
