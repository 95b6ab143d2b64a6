"""Comparisons: both sides brought to one type, literals read as what they are compared with."""

from __future__ import annotations

from falconql.check.literals import FORMS, read_as
from falconql.check.state import UNKNOWN_EXPR, State, is_unknown
from falconql.diagnostics.model import Severity
from falconql.runtime.expression import Cast, ColumnRef, Comparison, Expr, In, Literal
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import BOOL, DATE, FLOAT, INT, LABEL, NULL, SPAN, TEXT, TIMESTAMP, Type, is_number

Side = tuple[Expr, ast.Expr]


def coerce(expr: Expr, type_: Type) -> Expr:
    """Return an expression as a value of ``type_``; literals change, everything else gets a Cast."""
    if expr.type == type_:
        return expr
    if isinstance(expr, Literal) and expr.type == INT and type_ == FLOAT and expr.value is not None:
        return Literal(float(expr.value), FLOAT)
    if isinstance(expr, Literal) and expr.type == NULL:
        return Literal(None, type_)
    return Cast(expr, type_)


def check_comparison(state: State, node: ast.Comparison, left: Expr, right: Expr) -> Expr:
    """Return a typed comparison."""
    if is_unknown(left) or is_unknown(right):
        return _open_comparison(state, node, left, right)
    if NULL in (left.type, right.type):
        null = node.left if left.type == NULL else node.right
        word = "is null" if node.op == "=" else "is not null" if node.op == "!=" else ""
        helps = (f"write `{word}`",) if word else ()
        message = "a comparison with null is never true"
        state.report("FQL205", message, null.span, helps=helps, severity=Severity.WARNING)
    sides = unify(state, (left, node.left), (right, node.right), f"`{node.op}`")
    if sides is None:
        return UNKNOWN_EXPR
    ordered = node.op in ("<", "<=", ">", ">=")
    if ordered and sides[0].type == BOOL:
        helps = ("write the condition itself, or `not` before it",)
        return state.error("FQL203", "booleans have no order", node.span, helps=helps)
    return Comparison(node.op, *sides)


def _open_comparison(state: State, node: ast.Comparison, left: Expr, right: Expr) -> Expr:
    """Without a corpus a column's type is open; keep the comparison for those who ask what it says."""
    if state.catalog.fields is None and not isinstance(left, Literal) and not _failed(left, right):
        return Comparison(node.op, left, right)
    return UNKNOWN_EXPR


def _failed(*sides: Expr) -> bool:
    return any(side is UNKNOWN_EXPR for side in sides)


def check_in(state: State, node: ast.In, value: Expr, options: list[Expr]) -> Expr:
    """Return a typed membership test."""
    if is_unknown(value) or any(is_unknown(option) for option in options):
        if state.catalog.fields is None and not _failed(value, *options):
            return In(value, tuple(options))
        return UNKNOWN_EXPR
    typed: list[Expr] = []
    for option, written in zip(options, node.options, strict=True):
        sides = unify(state, (value, node.value), (option, written), "`in`")
        if sides is None:
            return UNKNOWN_EXPR
        typed.append(sides[1])
        value = sides[0]
    common = value.type
    return In(value, tuple(coerce(option, common) for option in typed))


def unify(state: State, left: Side, right: Side, what: str) -> tuple[Expr, Expr] | None:
    """Return both sides with one type, None after reporting that there is none."""
    (a, a_node), (b, b_node) = left, right
    for expr, node in (left, right):
        if expr.type.name in ("Other", "List"):
            helps = _unusable_help(expr.type)
            state.report("FQL212", f"a value of type {expr.type} cannot be compared", node.span, helps=helps)
            return None
    type_ = _common(a.type, b.type)
    if type_ is not None:
        return coerce(a, type_), coerce(b, type_)
    literal = _read_literal(state, left, right) or _read_literal(state, right, left, swapped=True)
    if literal is not None:
        return literal if literal != (UNKNOWN_EXPR, UNKNOWN_EXPR) else None
    span = a_node.span.join(b_node.span)
    message = f"{what} cannot compare {shown(a.type)} with {shown(b.type)}"
    state.report("FQL203", message, span, helps=_comparison_help(left, right))
    return None


def _common(a: Type, b: Type) -> Type | None:
    if a == b:
        return {LABEL: BOOL, SPAN: TEXT}.get(a, a)
    if a == NULL or b == NULL:
        other = b if a == NULL else a
        return {LABEL: BOOL, SPAN: TEXT}.get(other, other)
    pair = {a, b}
    for types, common in (
        ({INT, FLOAT}, FLOAT),
        ({DATE, TIMESTAMP}, TIMESTAMP),
        ({SPAN, TEXT}, TEXT),
        ({LABEL, BOOL}, BOOL),
    ):
        if pair == types:
            return common
    return None


def _read_literal(state: State, side: Side, other: Side, *, swapped: bool = False) -> tuple[Expr, Expr] | None:
    """Read a text literal or parameter as the type of the other side; None when that does not apply."""
    (expr, _), (literal, node) = side, other
    wanted = expr.type
    if not isinstance(literal, Literal) or literal.type != TEXT or not isinstance(literal.value, str):
        return None
    from_parameter = isinstance(node, ast.Parameter)
    if wanted not in (DATE, TIMESTAMP) and not (from_parameter and wanted in (INT, FLOAT, BOOL)):
        return None
    read = read_as(literal.value, wanted)
    if read is None and wanted == INT:
        read, expr = read_as(literal.value, FLOAT), Cast(expr, FLOAT)
    if read is None:
        said = f"`${node.name}` is {literal.value!r}" if isinstance(node, ast.Parameter) else "this text"
        message = (
            f"{said}, which does not read as {FORMS[wanted]}"
            if from_parameter
            else (f"{said} does not read as {FORMS[wanted]}")
        )
        state.report("FQL204", message, node.span)
        return UNKNOWN_EXPR, UNKNOWN_EXPR
    return (read, expr) if swapped else (expr, read)


def shown(type_: Type) -> str:
    """Return a type as people read it in a message."""
    words = {"Bool": "a boolean", "Int": "a number", "Float": "a number", "Text": "a text", "Date": "a date"}
    words |= {"Timestamp": "a timestamp", "Label": "a label", "Span": "a span", "Null": "null"}
    return words.get(type_.name, f"a value of type {type_}")


def _comparison_help(left: Side, right: Side) -> tuple[str, ...]:
    (a, a_node), (b, b_node) = left, right
    types = {a.type, b.type}
    if LABEL in types:
        label_node = a_node if a.type == LABEL else b_node
        other = b.type if a.type == LABEL else a.type
        name = label_node.text if isinstance(label_node, ast.Name) else "label(...)"
        if is_number(other):
            return (f"compare its score: `score({name})`",)
        return (
            f"a label is true or false by itself: write `{name}` or `not {name}`; for one of several "
            "answers use `choose(...)`",
        )
    if types & {TEXT, SPAN} and types & {INT, FLOAT}:
        text = left if a.type in (TEXT, SPAN) else right
        if isinstance(text[0], Literal):
            return ("a number is written without quotes",)
        name = text[1].text if isinstance(text[1], ast.Name) else "text"
        return (f"read the number out of the text: `number({name})`",)
    if types & {DATE, TIMESTAMP} and types & {TEXT, SPAN}:
        text = left if a.type in (TEXT, SPAN) else right
        name = text[1].text if isinstance(text[1], ast.Name) else "text"
        return (f"read the date out of the text: `date({name})`",)
    if BOOL in types:
        column = next((n.text for e, n in (left, right) if isinstance(e, ColumnRef) and isinstance(n, ast.Name)), "x")
        return (f"a boolean is a condition by itself: write `{column}` or `not {column}`",)
    return ()


def _unusable_help(type_: Type) -> tuple[str, ...]:
    if type_.item is not None:
        return ('use `xs contains "x"`, `first(xs)` or `length(xs)`',)
    return ("such a column can only be selected and tested with `is null`",)


def operand_error(state: State, span: Span, type_: Type, wanted: str, helps: tuple[str, ...] = ()) -> Expr:
    """Report a value of a type that an operator does not take."""
    return state.error("FQL201", f"{wanted}, not {shown(type_)}", span, helps=helps)
