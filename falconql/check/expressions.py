"""Expressions: from what was written to typed plan expressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from falconql.check import comparisons, conditions
from falconql.check.builtins import call_aggregate, call_row_function, unknown_function
from falconql.check.calls import as_kind, model_call
from falconql.check.context import Context
from falconql.check.functions import FUNCTIONS
from falconql.check.literals import MOST_INT, coerce, parameter_literal, read_number
from falconql.check.problems import BROKEN, Operand, plain_text, rewrite, spoken, words
from falconql.check.regex import check_regex
from falconql.diagnostics.model import Edit, Help
from falconql.diagnostics.suggest import near_names
from falconql.runtime.display import quoted_text
from falconql.runtime.expression import Arithmetic, Expr, IsNull, Literal, Matches, Not
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import BOOL, DATE, FLOAT, INT, LABEL, NULL, SPAN, TEXT, TIMESTAMP, UNKNOWN, is_number

# What other languages call null.
_NOTHING = frozenset({"none", "nil", "undefined"})
_NULL = "nothing is written `null`"


def check_operand(ctx: Context, node: ast.Expr) -> Operand:
    """Return an expression, typed, with the words it was made from.

    If anything below has failed the whole is ``BROKEN``, so that nothing is said about what follows.
    """
    before = ctx.problems.failures
    expr = _check(ctx, node)
    if expr.type == UNKNOWN and not ctx.open_types(expr):
        ctx.problems.failures += 1
    if ctx.problems.failures > before:
        expr = replace(BROKEN)
    ctx.places[id(expr)] = (expr, node.span)
    return Operand(node, expr)


def check_condition(ctx: Context, node: ast.Expr) -> Expr:
    """Return an expression as a Bool."""
    return conditions.condition(ctx, check_operand(ctx, node))


def _check(ctx: Context, node: ast.Expr) -> Expr:
    match node:
        case ast.Name(name):
            return ctx.scope.resolve(name, node.span)
        case ast.Parameter():
            return _parameter(ctx, node)
        case ast.Text(value):
            return Literal(value, TEXT)
        case ast.Integer(number):
            return _integer(ctx, number, node.span)
        case ast.Decimal(decimal):
            return _decimal(ctx, decimal, node.span)
        case ast.Boolean(truth):
            return Literal(truth, BOOL)
        case ast.Null():
            return Literal(None, NULL)
        case ast.Call():
            return _call(ctx, node)
        case ast.Negate(operand):
            return _negate(ctx, node, operand)
        case ast.Arithmetic():
            return _arithmetic(ctx, node)
        case ast.And() | ast.Or() | ast.Not():
            return _test(ctx, node)
        case _:
            before = ctx.problems.failures
            expr = _test(ctx, node)
            if ctx.problems.failures == before:
                comparisons.warn_of_quoted_name(ctx, node)
            return expr


def _test(
    ctx: Context,
    node: ast.Comparison | ast.In | ast.TextTest | ast.Matches | ast.IsNull | ast.Not | ast.And | ast.Or,
) -> Expr:
    match node:
        case ast.Comparison(_, left, right):
            tested = check_operand(ctx, left)
            return comparisons.compare(ctx, node, tested, _beside(ctx, tested, right, _null_test(node)))
        case ast.In(value, options):
            tested = check_operand(ctx, value)
            others = [_beside(ctx, tested, other, Help(_NULL, Edit(other.span, "null"))) for other in options]
            return comparisons.is_one_of(ctx, node, tested, others)
        case ast.TextTest(_, value, pattern):
            tested = check_operand(ctx, value)
            return comparisons.test_text(ctx, node, tested, _beside(ctx, tested, pattern))
        case ast.Matches():
            return _matches(ctx, node)
        case ast.IsNull(value, negated):
            test = IsNull(check_operand(ctx, value).expr)
            return Not(test) if negated else test
        case ast.Not(operand):
            return Not(check_condition(ctx, operand))
        case ast.And(operands):
            before, ctx.before = ctx.before, ()
            return conditions.all_of(ctx, [check_operand(ctx, operand) for operand in operands], before)
        case ast.Or(operands):
            return conditions.any_of(ctx, _alternatives(ctx, operands))
        case _:
            assert_never(node)


def _beside(ctx: Context, tested: Operand, node: ast.Expr, null: Help | None = None) -> Operand:
    """Return what a value is tested with; beside a text, a name that is none may be a text without quotes.

    ``null`` is how the test is written if the name is what another language calls null.
    """
    if isinstance(node, ast.Name) and node.text.lower() in _NOTHING:
        ctx.scope.null = null
    if isinstance(node, ast.Name) and tested.type in (TEXT, SPAN):
        text = quoted_text(node.text)
        ctx.scope.instead = Help(f"a text stands in quotes: `{text}`", Edit(node.span, text))
    operand = check_operand(ctx, node)
    ctx.scope.instead = ctx.scope.null = None
    return operand


def _null_test(node: ast.Comparison) -> Help | None:
    """Return how it is asked whether the left side of a comparison is null, None for one that orders."""
    test = {"=": "is null", "!=": "is not null"}.get(node.op)
    plain = plain_text(node.left)
    if test is None:
        return None
    return Help(f"test for null with `{test}`", Edit(node.span, f"{plain} {test}") if plain else None)


def _alternatives(ctx: Context, operands: Sequence[ast.Expr]) -> list[Operand]:
    """Return the operands of an ``or``; an ``and`` among them learns what stands before it."""
    checked: list[Operand] = []
    for operand in operands:
        ctx.before = checked if isinstance(operand, ast.And) else ()
        checked.append(check_operand(ctx, operand))
    return checked


def _parameter(ctx: Context, node: ast.Parameter) -> Expr:
    parameters = ctx.scope.catalog.parameters
    if node.name in parameters:
        literal = parameter_literal(parameters[node.name])
        if isinstance(literal.value, (int, float)) and not isinstance(literal.value, bool):
            return (
                _decimal(ctx, literal.value, node.span)
                if literal.type == FLOAT
                else _integer(ctx, int(literal.value), node.span)
            )
        return literal
    near = near_names(node.name, parameters)
    meant = Help(f"did you mean `${near[0]}`?", Edit(node.span, f"${near[0]}")) if near else None
    bind = f"give it a value: `-p {node.name}=...`, or `query(text, {node.name}=...)` in Python"
    message = f"the parameter `${node.name}` has no value"
    return ctx.problems.error("FQL106", message, node.span, meant, bind)


def _integer(ctx: Context, value: int, span: Span) -> Expr:
    if -MOST_INT - 1 <= value <= MOST_INT:
        return Literal(value, INT)
    message = "this whole number does not fit into 64 bits"
    return ctx.problems.error("FQL215", message, span, "write it with a decimal point; it is then rounded")


def _decimal(ctx: Context, value: float, span: Span) -> Expr:
    if value != value:
        message = "this is not a number (NaN), and a constant must be one"
        return ctx.problems.error("FQL215", message, span, "give it `None` in Python for a number that is not known")
    if value - value == 0:
        return Literal(value, FLOAT)
    return ctx.problems.error("FQL215", "this number is too large", span, "the largest number is about 1.8e308")


def _negate(ctx: Context, node: ast.Negate, operand: ast.Expr) -> Expr:
    if isinstance(operand, ast.Integer):
        return _integer(ctx, -operand.value, node.span)
    value = _number(ctx, "-", check_operand(ctx, operand))
    if isinstance(value, Literal) and isinstance(value.value, int):
        return _integer(ctx, -value.value, node.span)
    if isinstance(value, Literal) and isinstance(value.value, float):
        return Literal(-value.value, value.type)
    zero = Literal(0, INT) if value.type == INT else Literal(0.0, FLOAT)
    return value if value == BROKEN else Arithmetic("-", zero, value, value.type)


def _arithmetic(ctx: Context, node: ast.Arithmetic) -> Expr:
    sides = check_operand(ctx, node.left), check_operand(ctx, node.right)
    if node.op == "+" and all(side.type in (TEXT, SPAN) and not _reads_as_number(side) for side in sides):
        message = "texts cannot be joined"
        help_ = 'select them apart, or quote them in an instruction: `"... {name} ..."`'
        return ctx.problems.error("FQL207", message, node.span, help_)
    if node.op == "+" and any(map(_failed, sides)) and any(side.type in (TEXT, SPAN) for side in sides):
        # Of `a + b + c` where nothing is a number it is enough to say so once.
        return BROKEN
    left, right = (_number(ctx, node.op, side) for side in sides)
    if BROKEN in (left, right):
        return BROKEN
    if node.op == "/" and isinstance(right, Literal) and right.value == 0:
        ctx.problems.warn("FQL217", "a division by zero is always null", node.right.span, "divide by something else")
    whole = node.op != "/" and left.type == right.type == INT
    result = INT if whole else FLOAT
    return Arithmetic(node.op, coerce(left, result), coerce(right, result), result)


def _failed(operand: Operand) -> bool:
    return operand.expr == BROKEN


def _number(ctx: Context, op: str, operand: Operand) -> Expr:
    """Return an operand of arithmetic; ``BROKEN``, and reported, if it is no number."""
    if operand.broken:
        return operand.expr if ctx.open_types(operand.expr) else BROKEN
    adapted = comparisons.adapt(ctx, operand, FLOAT)
    if adapted is None:
        return BROKEN
    if is_number(adapted.type):
        return adapted.expr
    if operand.type.name == "Other":
        return ctx.problems.error("FQL211", *comparisons.unusable(operand))
    message = f"`{op}` computes with numbers, and {words(operand.node)} is {spoken(operand.type)}"
    return ctx.problems.error("FQL207", message, operand.span, _number_help(ctx, operand))


def _reads_as_number(operand: Operand) -> Literal | None:
    """Return the number that a text constant is written like."""
    constant = isinstance(operand.node, (ast.Text, ast.Parameter)) and isinstance(operand.expr, Literal)
    return read_number(str(operand.expr.value)) if constant and isinstance(operand.expr, Literal) else None


def _number_help(ctx: Context, operand: Operand) -> Help | None:
    column = comparisons.column_meant(ctx, operand.node, FLOAT)
    if column is not None:
        return column
    number = _reads_as_number(operand)
    if number is not None:
        plain = repr(number.value)
        return Help(f"write the number without quotes: `{plain}`", Edit(operand.span, plain))
    if operand.type in (TEXT, SPAN):
        return rewrite("read the text as a number", operand.node, "number(", ")")
    if operand.type == LABEL:
        return rewrite("compute with its score", operand.node, "score(", ")")
    if operand.type.item is not None:
        return rewrite("compute with the number of elements", operand.node, "length(", ")")
    if operand.type in (DATE, TIMESTAMP):
        return Help("dates are compared, not computed with: `x >= $since`")
    if operand.type == NULL:
        return Help("whatever is computed with null is null")
    return None


def _matches(ctx: Context, node: ast.Matches) -> Expr:
    value = check_operand(ctx, node.value)
    regex = check_regex(ctx.problems, node.regex)
    text = comparisons.must_be_text(ctx, value, "`matches`")
    if regex is None or text is None:
        return BROKEN
    return Matches(text, *regex)


def _call(ctx: Context, node: ast.Call) -> Expr:
    signature = FUNCTIONS.get(node.function.text.lower())
    if signature is None:
        return unknown_function(ctx, node)
    if signature.kind == "row":
        return call_row_function(ctx, node, signature, check_operand)
    if signature.kind == "aggregate":
        return call_aggregate(ctx, node, signature, check_operand)
    around, ctx.inside = ctx.inside, ctx.inside or f"`{signature.name}`"
    result = model_call(ctx, node, as_kind(signature.name), check_operand)
    ctx.inside = around
    return result
