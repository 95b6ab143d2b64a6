"""Calls of row functions and aggregates, and of functions that do not exist."""

from __future__ import annotations

from typing import cast

from falconql.check.comparisons import column_meant, must_be_text, unusable
from falconql.check.conditions import condition
from falconql.check.context import CheckOperand, Context
from falconql.check.functions import FUNCTIONS, RENAMED, SAID_OTHERWISE, Signature
from falconql.check.literals import scalar
from falconql.check.problems import BROKEN, Operand, rewrite, spoken, words
from falconql.diagnostics.model import Edit, Help
from falconql.diagnostics.suggest import near_names
from falconql.runtime.expression import AggregateName, ColumnRef, Expr, Function, FunctionName, Score
from falconql.runtime.plan import AggregateCall
from falconql.syntax import ast
from falconql.types import BOOL, DATE, FLOAT, INT, LABEL, NULL, SPAN, TEXT, TIMESTAMP, UNKNOWN, Type, is_number, list_of

_RESULTS: dict[str, Type] = {
    "exists": BOOL,
    "length": INT,
    "lower": TEXT,
    "number": FLOAT,
    "date": DATE,
    "year": INT,
    "quarter": INT,
    "month": INT,
    "day": INT,
    "weekday": INT,
    "hour": INT,
}
_ORDERED = (INT, FLOAT, TEXT, DATE, TIMESTAMP)


def unknown_function(ctx: Context, node: ast.Call) -> Expr:
    """Report a function that does not exist, with the way FalconQL says it."""
    name, span = node.function.text.lower(), node.function.span
    message = f"there is no function `{node.function.text}`"
    return ctx.problems.error("FQL102", message, span, _meant(name, node.function))


def _meant(name: str, function: ast.Name) -> Help:
    if name in RENAMED:
        right, note = RENAMED[name]
        form = FUNCTIONS[right].forms[0]
        # With a note the arguments must change as well, so that a new name alone repairs nothing.
        return Help(f"use `{form}`: {note}") if note else Help(f"use `{form}`", Edit(function.span, right))
    if name in SAID_OTHERWISE:
        return Help(SAID_OTHERWISE[name])
    near = near_names(name, FUNCTIONS)
    if near:
        return Help(f"did you mean `{FUNCTIONS[near[0]].forms[0]}`?", Edit(function.span, near[0]))
    return Help("the functions are " + ", ".join(FUNCTIONS))


def call_row_function(ctx: Context, node: ast.Call, signature: Signature, check: CheckOperand) -> Expr:
    """Return a call of a function of one row, with its one argument checked."""
    if not _takes(ctx, node, signature, 1):
        return BROKEN
    operand = check(ctx, node.arguments[0].value)
    if operand.broken:
        return _open(ctx, signature.name, operand)
    match signature.name:
        case "score":
            return _score(ctx, operand)
        case "exists":
            return Function("exists", (operand.expr,), BOOL)
        case "first":
            return _first(ctx, operand)
        case "length" if operand.type.item is not None:
            return Function("length", (operand.expr,), INT)
        case "year" | "quarter" | "month" | "day" | "weekday" | "hour":
            return _part_of_date(ctx, signature, operand)
        case _:
            return _text_function(ctx, signature, operand)


def _open(ctx: Context, name: str, operand: Operand) -> Expr:
    if not ctx.open_types(operand.expr):
        return BROKEN
    if name == "score":
        return Score(operand.expr)
    return Function(cast(FunctionName, name), (operand.expr,), _RESULTS.get(name, UNKNOWN))


def _takes(ctx: Context, node: ast.Call, signature: Signature, most: int, least: int = 1) -> bool:
    """Return whether a call has as many arguments as it may, none of them named; report it if not."""
    named = next((argument.name for argument in node.arguments if argument.name), None)
    if named is not None:
        message = f"`{signature.name}` has no argument called `{named.text}`"
        ctx.problems.error("FQL113", message, named.span, f"write `{signature.forms[0]}`")
        return False
    if least <= len(node.arguments) <= most:
        return True
    what = "one argument" if least else "one argument at most"
    message = f"`{signature.name}` takes {what}, and {len(node.arguments) or 'none'} {_given(node)}"
    ctx.problems.error("FQL213", message, node.span, f"write `{signature.forms[-1]}`")
    return False


def _given(node: ast.Call) -> str:
    return "are given" if len(node.arguments) > 1 else "is given"


def _score(ctx: Context, operand: Operand) -> Expr:
    if operand.type in (LABEL, SPAN):
        return Score(operand.expr)
    help_: Help | str = "for example `score(label(...))`, or the name of a `let` that is one"
    if operand.type.item == SPAN:
        help_ = rewrite("take one of the spans", operand.node, "first(", ")")
    elif operand.type == BOOL:
        help_ = "a condition made of several has no score; take the score of each `label`"
    elif isinstance(operand.node, ast.Text):
        help_ = rewrite("a question is asked by a label", operand.node, "label(", ")")
    elif operand.type == TEXT:
        help_ = "only labels and spans carry a score; `choose` and columns carry none"
    message = f"`score` takes a label or a span, and {words(operand.node)} is {spoken(operand.type)}"
    return ctx.problems.error("FQL212", message, operand.span, help_)


def _first(ctx: Context, operand: Operand) -> Expr:
    if operand.type.item is not None:
        return Function("first", (operand.expr,), operand.type.item)
    message = f"`first` takes a list, and {words(operand.node)} is {spoken(operand.type)}"
    help_ = "`span` gives one already" if operand.type == SPAN else None
    return ctx.problems.error("FQL212", message, operand.span, help_)


def _text_function(ctx: Context, signature: Signature, operand: Operand) -> Expr:
    name = signature.name
    already = is_number(operand.type) if name == "number" else name == "date" and operand.type in (DATE, TIMESTAMP)
    if already:
        message = f"{words(operand.node)} is {spoken(operand.type)} already"
        return ctx.problems.error("FQL212", message, operand.span, f"leave `{name}(...)` out")
    text = must_be_text(ctx, operand, f"`{name}`", code="FQL212")
    if text is None:
        return BROKEN
    return Function(cast(FunctionName, name), (text,), _RESULTS[name])


def _part_of_date(ctx: Context, signature: Signature, operand: Operand) -> Expr:
    name = cast(FunctionName, signature.name)
    of_time = name == "hour"
    if operand.type in (TIMESTAMP, NULL) or (operand.type == DATE and not of_time):
        return Function(name, (operand.expr,), INT)
    given = "a date without a time of day" if operand.type == DATE else spoken(operand.type)
    message = f"`{name}` takes a {'point in time' if of_time else 'date'}, and {words(operand.node)} is {given}"
    help_: Help | str | None = column_meant(ctx, operand.node, TIMESTAMP if of_time else DATE)
    if help_ is None and operand.type in (TEXT, SPAN):
        read = rewrite("read the text as a date", operand.node, "date(", ")")
        help_ = "no time of day is read from texts; it takes a column of points in time" if of_time else read
    return ctx.problems.error("FQL212", message, operand.span, help_)


def call_aggregate(ctx: Context, node: ast.Call, signature: Signature, check: CheckOperand) -> Expr:
    """Return a reference to the column that will hold an aggregate."""
    name = cast(AggregateName, signature.name)
    if ctx.inside:
        message = f"`{name}` cannot stand inside {ctx.inside}"
        return ctx.problems.error("FQL241", message, node.span, "aggregate once, over values of the rows")
    if ctx.aggregates is None:
        help_ = "aggregates stand in `select` and `order by`"
        if ctx.clause == "where":
            help_ += "; rows are filtered before they are grouped"
        return ctx.problems.error("FQL240", f"`{name}` cannot stand in `{ctx.clause}`", node.span, help_)
    if not _takes(ctx, node, signature, 1, 0 if name == "count" else 1):
        return BROKEN
    operand = None
    if node.arguments:
        # It runs over rows, in which there are no output columns.
        ctx.inside, outputs, ctx.scope.outputs = f"`{name}`", ctx.scope.outputs, {}
        operand = check(ctx, node.arguments[0].value)
        ctx.inside, ctx.scope.outputs = None, outputs
        if operand.broken and not ctx.open_types(operand.expr):
            return BROKEN
    call = _aggregate(ctx, name, operand)
    if call is None:
        return BROKEN
    return ColumnRef(f"$agg{ctx.add_aggregate(call)}", call.type)


def _aggregate(ctx: Context, name: AggregateName, operand: Operand | None) -> AggregateCall | None:
    if operand is None:
        return AggregateCall("count", None, INT)
    if name == "share":
        held = condition(ctx, operand)
        return None if held.type == UNKNOWN and not ctx.open_types(held) else AggregateCall("share", held, FLOAT)
    value = scalar(operand.expr)
    given = value.type
    if name == "count":
        if given == BOOL:
            _counts_conditions(ctx, operand)
        return AggregateCall("count", value, INT)
    if given == UNKNOWN:
        return AggregateCall(
            name, value, FLOAT if name == "avg" else list_of(UNKNOWN) if name == "collect" else UNKNOWN
        )
    if given.name == "Other":
        ctx.problems.error("FQL211", *unusable(operand))
        return None
    wrong = _wrong_operand(ctx, name, operand, given)
    if wrong:
        what, help_ = wrong
        message = f"`{name}` takes {what}, and {words(operand.node)} is {spoken(operand.type)}"
        ctx.problems.error("FQL212", message, operand.span, help_)
        return None
    if name == "collect":
        return AggregateCall(name, value, list_of(given))
    return AggregateCall(name, value, FLOAT if name == "avg" else given)


def _wrong_operand(ctx: Context, name: str, operand: Operand, given: Type) -> tuple[str, Help | None] | None:
    """Return what an aggregate takes instead and what to do, None if it takes this."""
    if name in ("sum", "avg") and not is_number(given):
        return "numbers", column_meant(ctx, operand.node, FLOAT) or _no_number_help(operand, given)
    if name in ("min", "max") and given not in _ORDERED:
        return "numbers, texts or dates", _no_number_help(operand, given)
    if name == "collect" and (given.item is not None or given == NULL):
        return "single values", Help("go through the list first: `each name in ...`")
    return None


def _no_number_help(operand: Operand, given: Type) -> Help | None:
    if given == BOOL:
        return Help("`share(condition)` gives the fraction for which it is true")
    if given == TEXT:
        return rewrite("read the text as a number", operand.node, "number(", ")")
    if given.item is not None:
        return Help("go through the list first, `each name in ...`, or use `length(...)`")
    return None


def _counts_conditions(ctx: Context, operand: Operand) -> None:
    message = f"`count` counts every row in which {words(operand.node)} is not null, whether it is true or false"
    help_ = "for the fraction that is true use `share(...)`; to count them filter with `where` first"
    ctx.problems.warn("FQL244", message, operand.span, help_)
