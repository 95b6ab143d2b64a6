"""Comparisons, membership, text tests and conditions: which types fit, and what to say when they do not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from falconql.check.context import Context
from falconql.check.literals import (
    as_whole,
    coerce,
    date_meant,
    missing_day,
    read_date,
    read_number,
    read_text,
    scalar,
)
from falconql.check.parts import is_constant, parts, walk
from falconql.check.problems import BROKEN, Operand, code, flattening, plain_text, rewrite, spoken, words
from falconql.check.ranges import warn_if_out_of_range
from falconql.diagnostics.model import Edit, Help
from falconql.diagnostics.suggest import near_names
from falconql.runtime.display import quoted_name, quoted_text, shown_name
from falconql.runtime.expression import CallRef, ColumnRef, Comparison, Expr, In, Literal, TextTest
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import (
    BOOL,
    DATE,
    FLOAT,
    INT,
    LABEL,
    NULL,
    SPAN,
    TEXT,
    TIMESTAMP,
    UNKNOWN,
    Type,
    is_number,
    list_of,
)

_DATES = (DATE, TIMESTAMP)
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FIRST_FIELD = re.compile(r"struct<(\w+): ")


def compare(ctx: Context, node: ast.Comparison, left: Operand, right: Operand) -> Expr:
    """Return ``left op right`` with both sides of one type."""
    fitted = fit(ctx, left, right, node.span, node.op)
    if fitted is None:
        return BROKEN
    if node.op not in ("=", "!=") and fitted[0].type == BOOL:
        return ctx.problems.error(
            "FQL202",
            f"true and false have no order, so `{node.op}` cannot compare them",
            node.span,
            "compare them with `=` or `!=`, or use the condition itself",
        )
    for value, option in ((left, right), (right, left)):
        _warn_if_never_chosen(ctx, value, option)
        warn_if_out_of_range(ctx, node, value, option, node.op, left=value is left)
        if node.op not in ("=", "!="):
            _warn_if_letters_of_a_date(ctx, node, value, option)
    return Comparison(node.op, *fitted)


def is_one_of(ctx: Context, node: ast.In, value: Operand, options: list[Operand]) -> Expr:
    """Return ``value in (options)`` with everything of one type."""
    pairs = []
    for option in options:
        if option.type == NULL:
            continue
        fitted = fit(ctx, value, option, option.span)
        if fitted is None:
            return BROKEN
        _warn_if_never_chosen(ctx, value, option)
        warn_if_out_of_range(ctx, node, value, option, "=", left=True)
        pairs.append(fitted)
    plain = scalar(value.expr)
    wanted = _widest([side.type for pair in pairs for side in pair]) if pairs else plain.type
    if not wanted:
        return ctx.problems.error(
            "FQL202", "these values are of different kinds", node.span, "compare with values of one kind"
        )
    # A constant has been read as what it is compared with, which the text as it was written is not.
    read = next((left for left, _ in pairs if left.type == wanted), plain)
    fitting = iter(pairs)
    others = (option.expr if option.type == NULL else next(fitting)[1] for option in options)
    return In(coerce(read, wanted), tuple(coerce(other, wanted) for other in others))


def _warn_if_never_chosen(ctx: Context, value: Operand, option: Operand) -> None:
    """Warn of a choice compared with what was not among the choices."""
    if not isinstance(value.expr, CallRef) or not isinstance(option.expr, Literal):
        return
    choices, text = ctx.calls[value.expr.index].options, option.expr.value
    if not choices or not isinstance(text, str) or text in choices:
        return
    near = near_names(text, choices)
    meant = Help(f"did you mean {quoted_text(near[0])}?", Edit(option.span, quoted_text(near[0]))) if near else None
    listed = ", ".join(map(quoted_text, choices))
    message = f"{words(option.node)} is not among the choices, so it is never chosen"
    ctx.problems.warn("FQL222", message, option.span, meant or f"the choices are {listed}")


def _warn_if_letters_of_a_date(ctx: Context, node: ast.Comparison, value: Operand, option: Operand) -> None:
    """Warn of a text that is ordered against a date: 31/12/2022 comes behind 2024-01-01, letter by letter."""
    text = option.expr.value if isinstance(option.expr, Literal) else None
    if not isinstance(text, str) or value.type not in (TEXT, SPAN) or isinstance(value.expr, Literal):
        return
    day = read_date(text)
    if day is None or (isinstance(value.expr, CallRef) and value.type == TEXT):
        # What can be chosen is written in the query.
        return
    plain, other = plain_text(value.node), plain_text(option.node) or "..."
    # Only a constant that is written there is read as what it is compared with.
    constant = isinstance(option.node, (ast.Text, ast.Parameter))
    if not constant:
        other = f"date({other})"
    read = f"date({plain or '...'})"
    shown = f"{read} {node.op} {other}" if value.span < option.span else f"{other} {node.op} {read}"
    letters = f"{words(value.node)} is {spoken(value.type)}, so `{node.op}` compares letters, not"
    if day.type == TIMESTAMP:
        # A day stands for its beginning: compared with a point in time within it, it would lose that day.
        alike = "texts are in the order of their times where all are written alike, as 2024-05-31T14:30:00Z"
        ctx.problems.warn("FQL223", f"{letters} times", value.span, alike, "`date(...)` reads the day without the time")
        return
    ctx.problems.warn(
        "FQL223",
        f"{letters} days",
        value.span,
        Help(f"{code(shown)} compares days", Edit(value.span, read) if plain and constant else None),
        "`date(...)` is null where a date could be two, as 05/01/2024; texts like 2024-05-31 are in order as they are",
    )


def warn_of_quoted_name(ctx: Context, test: ast.Expr) -> None:
    """Warn of a test without a name in which a text is the name of a column, quoted as in SQL."""
    for part in walk(test) if is_constant(test) else ():
        meant = column_meant(ctx, part, *_around(test, part))
        if meant:
            message = f"{words(part)} is a text, and so the test is the same for every row"
            ctx.problems.warn("FQL224", message, part.span, meant)
            return


def _around(test: ast.Expr, part: ast.Expr) -> tuple[Type | None, Sequence[ast.Expr]]:
    """Return the type that a text somewhere in a test is to have, None if any will do, and what it is compared with."""
    sides = parts(test)
    if not any(side is part for side in sides):
        return TEXT, ()
    if isinstance(test, ast.TextTest) and test.op == "contains" and part is test.value:
        return list_of(TEXT), ()
    compared = isinstance(test, (ast.Comparison, ast.In))
    others = tuple(side for side in sides if side is not part) if compared else ()
    return None if isinstance(test, ast.IsNull) else TEXT, others


def column_meant(ctx: Context, node: ast.Expr, wanted: Type | None, beside: Sequence[ast.Expr] = ()) -> Help | None:
    """Return the advice to write a text as the column it has the name of.

    It can be applied if such a value may stand there: one of the type ``wanted``, None if any will do. ``beside``
    is what it is compared with, which it is not to be compared with itself, and which may be the text of a date.
    """
    if not isinstance(node, ast.Text) or not (ctx.scope.fields(node.value) or node.value in ctx.scope.bound):
        return None
    name, shown = quoted_name(node.value), shown_name(node.value)
    fields, bound = ctx.scope.fields(node.value), ctx.scope.bound.get(node.value)
    what = f"a `{bound.clause}`" if bound and not fields else "a column"
    how = "write it in back-ticks" if name == shown else "write it without quotes"
    value = bound.value if bound else ColumnRef(node.value, fields[0].type)
    fits = len(fields) < 2 and _may_stand(scalar(value).type, wanted, beside)
    itself = any(isinstance(other, (ast.Name, ast.Text)) and _called_alike(other, node) for other in beside)
    return Help(f"{shown} is {what}: {how}", Edit(node.span, name) if fits and not itself else None)


def _called_alike(other: ast.Name | ast.Text, node: ast.Text) -> bool:
    return node.value == (other.text if isinstance(other, ast.Name) else other.value)


def _may_stand(given: Type, wanted: Type | None, beside: Sequence[ast.Expr]) -> bool:
    """Return whether a value of one type may stand where another is wanted, beside texts that could be dates."""
    if wanted is None or _widest([given, wanted]) is not None:
        return True
    if wanted == list_of(TEXT):
        return given in (TEXT, list_of(SPAN))
    texts = [other.value for other in beside if isinstance(other, ast.Text)]
    known = all(isinstance(other, (ast.Text, ast.Null)) for other in beside)
    return given in _DATES and known and bool(texts) and all(read_text(text, given) for text in texts)


def _widest(types: list[Type]) -> Type | None:
    kinds = set(types) - {NULL}
    if len(kinds) <= 1 or UNKNOWN in kinds:
        return next(iter(kinds), NULL)
    if kinds <= {INT, FLOAT}:
        return FLOAT
    return TIMESTAMP if kinds <= {DATE, TIMESTAMP} else None


def fit(ctx: Context, left: Operand, right: Operand, span: Span, op: str = "in") -> tuple[Expr, Expr] | None:
    """Return both sides with one type; None, and reported, if they cannot be compared.

    ``span`` is what an edit may replace with another condition, if ``op`` is ``=`` or ``!=``.
    """
    if left.broken or right.broken:
        return left.expr, right.expr
    for side, opposite in ((left, right), (right, left)):
        if side.type == NULL:
            _null(ctx, opposite, span, op)
            return None
        if side.type.name == "Other":
            ctx.problems.error("FQL211", *unusable(side))
            return None
    if _is_year(ctx, left, right, span, op) or _is_year(ctx, right, left, span, _TURNED.get(op, op)):
        return None
    adapted_left = adapt(ctx, left, right.type, right.node)
    adapted_right = adapt(ctx, right, left.type, left.node)
    if adapted_left is None or adapted_right is None:
        return None
    if LABEL in (left.type, right.type) and {adapted_left.type, adapted_right.type} - {LABEL, BOOL}:
        _label(ctx, left, right, span, op)
        return None
    fitted = _common(scalar(adapted_left.expr), scalar(adapted_right.expr))
    if fitted is None:
        _misfit(ctx, left, right, span, op)
    return fitted


def _is_year(ctx: Context, value: Operand, constant: Operand, span: Span, op: str) -> bool:
    """Return whether a date is compared with a mere year, and report it; ``op`` is as if the date stood before it."""
    node = constant.node
    written = str(node.value) if isinstance(node, (ast.Text, ast.Integer)) else ""
    if value.type not in _DATES or not re.fullmatch(r"[12]\d{3}", written) or ctx.scope.fields(written):
        return False
    first, after = f'"{written}-01-01"', f'"{int(written) + 1}-01-01"'
    plain = plain_text(value.node)
    x = plain or "x"
    if op in (">=", "<"):
        help_ = Help(f"write a date: `{first}`", Edit(constant.span, first))
    else:
        whole = f"{x} >= {first} and {x} < {after}"
        right = {">": f"{x} >= {after}", "<=": f"{x} < {after}", "!=": f"not ({whole})"}.get(op, f"({whole})")
        shown = right.removeprefix("(").removesuffix(")") if right.startswith("(") else right
        edit = Edit(span, right) if plain and op != "in" else None
        help_ = Help(f"a year is many days: {code(shown)}", edit)
    if isinstance(node, ast.Text):
        ctx.problems.error("FQL203", f"{quoted_text(written)} does not read as {spoken(value.type)}", node.span, help_)
    else:
        message = f"{words(value.node)} is {spoken(value.type)} and cannot be compared with {_called(constant)}"
        ctx.problems.error("FQL202", message, span, help_)
    return True


def _common(left: Expr, right: Expr) -> tuple[Expr, Expr] | None:
    types = {left.type, right.type}
    if any(t.item is not None for t in types):
        return None
    if types == {INT, FLOAT}:
        left, right = as_whole(left), as_whole(right)
        types = {left.type, right.type}
    wanted = _widest(list(types))
    return None if wanted is None else (coerce(left, wanted), coerce(right, wanted))


def adapt(ctx: Context, operand: Operand, wanted: Type, beside: ast.Expr | None = None) -> Operand | None:
    """Return a text constant read as what it stands beside; None, and reported, if it cannot be read."""
    written = isinstance(operand.node, ast.Text)
    given = isinstance(operand.node, ast.Parameter) and operand.type == TEXT
    readable = wanted in _DATES or (given and wanted in (INT, FLOAT, BOOL, LABEL))
    if not (written or given) or not readable or not isinstance(operand.expr, Literal):
        return operand
    value = str(operand.expr.value)
    literal = read_text(value, wanted)
    if literal is not None:
        return replace(operand, expr=literal)
    if given:
        what = spoken(BOOL if wanted == LABEL else wanted)
        message = f"the parameter {words(operand.node)} is {quoted_text(value)}, which does not read as {what}"
        ctx.problems.error("FQL214", message, operand.span, _date_form(wanted) or _bind_form(operand.node, wanted))
    else:
        _not_a_date(ctx, operand.node, value, wanted, beside)
    return None


def _date_form(wanted: Type) -> str | None:
    return 'a date is written like `"2024-05-31"`' if wanted in _DATES else None


def _bind_form(node: ast.Expr, wanted: Type) -> str:
    value = "true" if wanted in (BOOL, LABEL) else "4" if wanted == INT else "4.5"
    return f"for example `-p {node.name}={value}`" if isinstance(node, ast.Parameter) else ""


def _not_a_date(ctx: Context, node: ast.Expr, value: str, wanted: Type, beside: ast.Expr | None) -> None:
    span = node.span
    column = column_meant(ctx, node, wanted, (beside,) if beside else ())
    if column:
        ctx.problems.error("FQL203", f"{quoted_text(value)} does not read as {spoken(wanted)}", node.span, column)
        return
    missing = missing_day(value)
    if missing:
        ctx.problems.error("FQL203", f"there is no day {quoted_text(value)}", span, missing)
        return
    meant = date_meant(value)
    form = _date_form(wanted) or ""
    if wanted == TIMESTAMP:
        form += ' or `"2024-05-31 14:30"`'
    help_ = Help(f'write `"{meant}"`', Edit(span, f'"{meant}"')) if meant else Help(form)
    ctx.problems.error("FQL203", f"{quoted_text(value)} does not read as {spoken(wanted)}", span, help_)


def _instead(span: Span, op: str, meant: str | None, opposite: str | None) -> Edit | None:
    """Return the edit that puts a condition for a comparison with ``=``, its opposite for one with ``!=``."""
    new = {"=": meant, "!=": opposite}.get(op)
    return Edit(span, new) if new else None


def _null(ctx: Context, opposite: Operand, span: Span, op: str) -> None:
    plain = plain_text(opposite.node)
    edit = _instead(span, op, f"{plain} is null", f"{plain} is not null") if plain else None
    message = "a comparison with null is never true, not even for a null"
    ctx.problems.error("FQL206", message, span, Help("test for null with `is null` or `is not null`", edit))


def unusable(operand: Operand) -> tuple[str, Span, str]:
    """Return message, place and advice for a value of a type that is only passed through."""
    message = f"{words(operand.node)} has the type `{operand.type}`, which FalconQL only passes through"
    advice = "such a column can be selected, counted and tested with `is null`, no more"
    field = _FIRST_FIELD.match(operand.type.arrow or "")
    if isinstance(operand.node, ast.Name) and field:
        advice += f"; {flattening(f'{operand.node.text}.{field[1]}')}"
    return message, operand.span, advice


def _label(ctx: Context, left: Operand, right: Operand, span: Span, op: str) -> None:
    label, value = (left, right) if left.type == LABEL else (right, left)
    message = f"{words(label.node)} is a label, true or false, and cannot be compared with {_called(value)}"
    if is_number(value.type):
        help_ = rewrite("compare its score", label.node, "score(", ")")
    elif value.type == TEXT and isinstance(value.node, ast.Text):
        yes = value.node.value.strip().lower() not in ("no", "false", "n", "negative", "0")
        plain = plain_text(label.node)
        negated = f"not {plain}" if plain else None
        text = "a label is a condition by itself; to tell several kinds apart use `choose(...)`"
        help_ = Help(text, _instead(span, op, *((plain, negated) if yes else (negated, plain))))
    else:
        help_ = Help("a label is a condition by itself: use it alone, or with `not`")
    ctx.problems.error("FQL205", message, span, help_)


def _called(operand: Operand) -> str:
    named = words(operand.node)
    if isinstance(operand.node, (ast.Text, ast.Integer, ast.Decimal, ast.Boolean)):
        kind = {TEXT: "the text", BOOL: ""}.get(operand.type, "the number")
        return f"{kind} {named}".strip()
    kind = spoken(operand.type)
    return kind if named == "this expression" else f"{named}, {kind}"


def _misfit(ctx: Context, left: Operand, right: Operand, span: Span, op: str) -> None:
    for value, opposite in ((left, right), (right, left)):
        if value.type.item is not None:
            message = f"{words(value.node)} is {spoken(value.type)} and cannot be compared with {_called(opposite)}"
            ctx.problems.error("FQL221", message, span, _list_help(value, opposite, span, op))
            return
    if {scalar(left.expr).type, scalar(right.expr).type} & {TEXT} and (is_number(left.type) or is_number(right.type)):
        _number_and_text(ctx, left, right, span)
        return
    if isinstance(left.expr, Literal) and not isinstance(right.expr, Literal):
        left, right = right, left
    message = f"{words(left.node)} is {spoken(left.type)} and cannot be compared with {_called(right)}"
    column = _quoted_side(ctx, left, right) or _quoted_side(ctx, right, left)
    help_ = column or _misfit_help(left, right)
    ctx.problems.error("FQL202", message, span, help_)


def _quoted_side(ctx: Context, side: Operand, opposite: Operand) -> Help | None:
    """Return the advice to write one side as the column it has the name of."""
    return column_meant(ctx, side.node, scalar(opposite.expr).type, (opposite.node,))


def _misfit_help(left: Operand, right: Operand) -> Help | None:
    types = {left.type, right.type}
    number = next((o for o in (left, right) if is_number(o.type)), None)
    if types & set(_DATES) and number is not None:
        return Help('a date is written like `"2024-05-31"`')
    if types & set(_DATES) and types & {TEXT, SPAN}:
        text = left if left.type in (TEXT, SPAN) else right
        return rewrite("read the text as a date", text.node, "date(", ")")
    if BOOL in types:
        for side in (left, right):
            literal = read_text(side.node.value, BOOL) if isinstance(side.node, ast.Text) else None
            if literal is not None:
                plain = str(literal.value).lower()
                return Help(f"write it without quotes: `{plain}`", Edit(side.span, plain))
        return Help("a condition is used by itself, or with `not`; it is compared with `true` or `false` only")
    return None


def _list_help(value: Operand, opposite: Operand, span: Span, op: str) -> Help:
    plain, other = plain_text(value.node), plain_text(opposite.node)
    if value.type in (list_of(TEXT), list_of(SPAN)) and opposite.type in (TEXT, SPAN):
        holds = f"{plain} contains {other}"
        edit = _instead(span, op, holds, f"not {holds}") if plain and other else None
        return Help("ask whether the list holds a text with `contains`", edit)
    if is_number(opposite.type):
        return rewrite("compare the number of elements", value.node, "length(", ")")
    return rewrite("take one element", value.node, "first(", ")")


def _number_and_text(ctx: Context, left: Operand, right: Operand, span: Span) -> None:
    number, text = (left, right) if is_number(left.type) else (right, left)
    if isinstance(text.node, ast.Text):
        message = f"{words(number.node)} is {spoken(number.type)} and cannot be compared with {_called(text)}"
        literal = read_number(text.node.value)
        plain = repr(literal.value) if literal else None
        help_ = _quoted_side(ctx, text, number) or (
            Help(f"write the number without quotes: `{plain}`", Edit(text.span, plain))
            if plain
            else Help("compare it with a number, written without quotes")
        )
    else:
        message = f"{words(text.node)} is {spoken(text.type)} and cannot be compared with {_called(number)}"
        help_ = rewrite("read the text as a number", text.node, "number(", ")")
    ctx.problems.error("FQL204", message, span, help_)


def test_text(ctx: Context, node: ast.TextTest, value: Operand, pattern: Operand) -> Expr:
    """Return ``value contains pattern`` or ``value starts with pattern``."""
    if value.broken or pattern.broken:
        return TextTest(node.op, value.expr, pattern.expr)
    if value.type.item is not None and node.op == "contains":
        return _membership(ctx, node, value, pattern)
    if not _is_text(ctx, value, f"`{node.op}`"):
        return BROKEN
    if pattern.type not in (TEXT, SPAN):
        message = f"`{node.op}` looks for a text, and {words(pattern.node)} is {spoken(pattern.type)}"
        plain = plain_text(pattern.node)
        quoted = isinstance(pattern.node, (ast.Integer, ast.Decimal, ast.Boolean)) and plain
        help_ = Help(f'write it in quotes: `"{plain}"`', Edit(pattern.span, f'"{plain}"')) if quoted else None
        return ctx.problems.error("FQL208", message, pattern.span, help_)
    return TextTest(node.op, scalar(value.expr), scalar(pattern.expr))


def _membership(ctx: Context, node: ast.TextTest, value: Operand, pattern: Operand) -> Expr:
    item = value.type.item
    assert item is not None
    # A list of spans holds a text if one of its spans reads so.
    item = TEXT if item == SPAN else item
    adapted = adapt(ctx, pattern, item)
    if adapted is None:
        return BROKEN
    element = scalar(adapted.expr)
    if item.item is not None or element.type == NULL or _widest([item, element.type]) != item:
        message = f"{words(value.node)} is {spoken(value.type)} and cannot contain {_called(pattern)}"
        return ctx.problems.error("FQL208", message, pattern.span, f"its elements are of type {item}")
    return TextTest("contains", value.expr, coerce(element, item))


def _is_text(ctx: Context, value: Operand, what: str, code: str = "FQL208") -> bool:
    """Return whether a value is a text or span; report it if not."""
    if value.type in (TEXT, SPAN, UNKNOWN):
        return True
    if value.type.name == "Other":
        ctx.problems.error("FQL211", *unusable(value))
        return False
    message = f"{what} works on texts, and {words(value.node)} is {spoken(value.type)}"
    ctx.problems.error(code, message, value.span, _text_help(value))
    return False


def _text_help(value: Operand) -> Help | None:
    if value.type.item in (TEXT, SPAN):
        return Help("take one element with `first(...)`, or go through them with `each name in ...`")
    if value.type == LABEL:
        return Help("a label is a condition by itself: use it alone, or with `not`")
    plain = plain_text(value.node)
    if value.type in _DATES and plain:
        return Help(f"compare it with `=`, `<`, `>=` and so on, or a part of it: `year({plain}) = 2024`")
    if is_number(value.type) or value.type in _DATES:
        return Help("compare it with `=`, `<`, `>=` and so on")
    return None


def must_be_text(ctx: Context, value: Operand, what: str, code: str = "FQL208") -> Expr | None:
    """Return a text or a span's text; None, and reported, for anything else."""
    return scalar(value.expr) if _is_text(ctx, value, what, code) else None
