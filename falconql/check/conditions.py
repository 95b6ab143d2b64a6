"""Where true or false is needed: ``where``, ``and``, ``or``, ``not``, ``share``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, takewhile

from falconql.check.comparisons import adapt, column_meant, unusable
from falconql.check.context import Context
from falconql.check.literals import coerce
from falconql.check.problems import BROKEN, Operand, code, plain_text, rewrite, spoken, words
from falconql.diagnostics.model import Edit, Help
from falconql.runtime.expression import And, Expr, Or
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import BOOL, LABEL, NULL, SPAN, TEXT, is_number

_VALUES = (ast.Text, ast.Integer, ast.Decimal)


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


def all_of(ctx: Context, operands: Sequence[Operand], before: Sequence[Operand] = ()) -> Expr:
    """Return a conjunction; ``before`` are the operands of an ``or`` that stand before it."""
    if ctx.clause in ("select", "group by", "order by") and all(map(_plain_value, operands)):
        span, names = operands[0].span.join(operands[-1].span), ", ".join(words(o.node).strip("`") for o in operands)
        return ctx.problems.error("FQL201", "`and` joins conditions, not columns", span, f"write {code(names)}")
    conditions = _values_first(ctx, operands, before)
    return And((*conditions, *_conditions(ctx, operands[len(conditions) :], "and")))


def _plain_value(operand: Operand) -> bool:
    """Return whether an operand is a name of something that is true or false by no means."""
    return isinstance(operand.node, ast.Name) and not operand.broken and operand.type not in (BOOL, LABEL, NULL)


def any_of(ctx: Context, operands: Sequence[Operand]) -> Expr:
    """Return a disjunction."""
    return Or(_conditions(ctx, operands, "or"))


def _values_first(ctx: Context, operands: Sequence[Operand], before: Sequence[Operand]) -> list[Expr]:
    """Return the values that ``"b" and y`` begins with where ``x = "a" or`` stands before it, reported."""
    nodes = (operand.node for operand in reversed(before))
    values = list(takewhile(lambda node: isinstance(node, _VALUES), nodes))[::-1]
    test = _sound_test(before[-len(values) - 1]) if len(values) < len(before) else None
    if test and values:
        test = replace(test, values=(*test.values, *values), span=test.span.join(values[-1].span))
    alone = list(takewhile(partial(_continues, test), operands))
    return [_values_alone(ctx, test, alone, "or")] * len(alone) if test and alone else []


def _conditions(ctx: Context, operands: Sequence[Operand], word: str) -> tuple[Expr, ...]:
    """Return operands as conditions; the values behind ``x = "a" or`` get a word of their own."""
    conditions: list[Expr] = []
    while len(conditions) < len(operands):
        index = len(conditions)
        test = _sound_test(operands[index - 1]) if index else None
        rest = (operands[i] for i in range(index, len(operands)))
        alone = list(takewhile(partial(_continues, test), rest)) if test else []
        if test and alone:
            conditions += [_values_alone(ctx, test, alone, word)] * len(alone)
        else:
            conditions.append(condition(ctx, operands[index]))
    return tuple(conditions)


@dataclass(frozen=True, slots=True)
class _Tested:
    """What a test before a value says: ``values`` is what ``value`` is compared with."""

    value: ast.Expr
    op: str
    values: tuple[ast.Expr, ...]
    span: Span
    negated: bool = False


def _sound_test(operand: Operand) -> _Tested | None:
    """Return the test that an operand of ``and`` or ``or`` ends with, None where something is wrong in it."""
    return None if operand.broken else _test_before(operand.node)


def _test_before(node: ast.Expr) -> _Tested | None:
    """Return the test that an operand of ``and`` or ``or`` ends with."""
    match node:
        case ast.And(operands):
            return _test_before(operands[-1])
        case ast.Not(operand):
            inner = _test_before(operand)
            return replace(inner, negated=not inner.negated) if inner else None
        case ast.Comparison(_, ast.Null(), _) | ast.Comparison(_, _, ast.Null()):
            return None
        case ast.Comparison("=" | "!=" as op, ast.Text() | ast.Integer() | ast.Decimal() as value, right):
            return _Tested(right, op, (value,), node.span)
        case ast.Comparison(op, left, right) | ast.TextTest(op, left, right):
            return _Tested(left, op, (right,), node.span)
        case ast.In(value, options):
            return _Tested(value, "=", options, node.span)
        case _:
            return None


def _continues(test: _Tested | None, operand: Operand) -> bool:
    """Return whether an operand is a mere value, of the kind that a test compares with."""
    kinds = [(ast.Text,), (ast.Integer, ast.Decimal)]
    own = next((kind for kind in kinds if isinstance(operand.node, kind)), None)
    if own is None or test is None:
        return False
    others = tuple(kind for group in kinds if group is not own for kind in group)
    return not any(isinstance(value, others) for value in test.values)


def _values_alone(ctx: Context, test: _Tested, alone: Sequence[Operand], word: str) -> Expr:
    message = f"{words(alone[0].node)} stands alone; `{word}` joins conditions, not values"
    return ctx.problems.error("FQL201", message, alone[0].span, _spelled_out(test, alone, word))


def _spelled_out(test: _Tested, alone: Sequence[Operand], word: str) -> Help:
    """Return the conditions that a test and the values behind it stand for."""
    value = plain_text(test.value)
    shown = value or "x"
    added = [plain_text(operand.node) or "" for operand in alone]
    compared = [plain_text(node) for node in test.values]
    if test.op in ("=", "!="):
        listed = ", ".join([*(plain or "a" for plain in compared), *added])
        form = f"{'not ' if test.op == '!=' else ''}{shown} in ({listed})"
        spans = [test.span, *(operand.span for operand in alone)]
        complete = value is not None and None not in compared
    elif test.negated or isinstance(test.value, _VALUES):
        return Help("write the whole condition again for each value")
    else:
        form = f" {word} ".join(f"{shown} {test.op} {plain}" for plain in added)
        spans = [operand.span for operand in alone]
        complete = value is not None
    # Parentheses have no place in the tree; where there may be some the edit could leave one behind.
    close = all(after.start - before.end <= len(f" {word} ") for before, after in pairwise(spans))
    return Help(f"write {code(form)}", Edit(spans[0].join(spans[-1]), form) if complete and close else None)


def _advice(ctx: Context, operand: Operand) -> Help | None:
    node, given = operand.node, operand.type
    if given == SPAN:
        return rewrite("ask whether there is one", node, "exists(", ")")
    if given.item is not None:
        return rewrite("ask whether it has elements", node, "exists(", ")")
    column = column_meant(ctx, node, BOOL)
    if column is not None:
        return column
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
