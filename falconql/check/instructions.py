"""Model calls: their arguments, and instructions that quote values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falconql.check.state import UNKNOWN_EXPR, State, is_unknown
from falconql.diagnostics.model import Edit, Help
from falconql.runtime.expression import Cast, Expr
from falconql.runtime.plan import CallKind, ModelCall
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import LABEL, SPAN, TEXT, UNKNOWN, Type, list_of, stands_for

if TYPE_CHECKING:
    from falconql.check.expressions import ExpressionChecker

TYPES: dict[CallKind, Type] = {"label": LABEL, "span": SPAN, "spans": list_of(SPAN), "choose": TEXT}
EXAMPLES = {
    "label": 'label("Is the reviewer satisfied?")',
    "span": 'span("Extract the price")',
    "spans": 'spans("Extract every price")',
    "choose": 'choose("Which topic is it about?", "sports", "politics")',
}


def check_model_call(checker: ExpressionChecker, call: ast.Call, kind: CallKind) -> Expr:
    """Return a reference to the model call that ``call`` asks for."""
    state = checker.state
    threshold = _threshold(checker, call, kind)
    positional = [argument.value for argument in call.arguments if argument.name is None]
    literals = [a for a in positional if isinstance(a, ast.Text)]
    wanted = 1 if kind != "choose" else 3
    if not positional or (kind == "choose" and len(literals) < wanted):
        message = f"`{kind}` needs {'an instruction' if kind != 'choose' else 'a question and two choices or more'}"
        return state.error("FQL206", message, call.span, helps=(f"for example `{EXAMPLES[kind]}`",))
    first_is_text = isinstance(positional[0], ast.Text) and (
        kind == "choose" or len(positional) == 1 or not isinstance(positional[1], ast.Text)
    )
    text = state.text_column(call.span) if first_is_text else _read_text(checker, positional[0], kind)
    rest = positional if first_is_text else positional[1:]
    if not rest:
        message = f"`{kind}` is missing its {'question' if kind in ('label', 'choose') else 'instruction'}"
        return state.error("FQL206", message, call.span, helps=(f"for example `{EXAMPLES[kind]}`",))
    return _with_instruction(checker, call, kind, text, rest, threshold)


def _with_instruction(
    checker: ExpressionChecker,
    call: ast.Call,
    kind: CallKind,
    text: Expr,
    rest: list[ast.Expr],
    threshold: float | None,
) -> Expr:
    state = checker.state
    instruction = rest[0]
    if not isinstance(instruction, ast.Text):
        helps = ('values are quoted inside it: `span("What is the price of {product}?")`',)
        return state.error("FQL207", "an instruction is a quoted text", instruction.span, helps=helps)
    if kind != "choose" and len(rest) > 1:
        return state.error("FQL218", f"`{kind}` takes one instruction", rest[1].span, helps=(EXAMPLES[kind],))
    parts = _parts(checker, instruction)
    options = _options(state, rest[1:]) if kind == "choose" else ()
    if parts is None or options is None or (text.type == UNKNOWN and state.catalog.fields is not None):
        return UNKNOWN_EXPR
    return state.call(ModelCall(kind, text, parts, TYPES[kind], options, threshold))


def _read_text(checker: ExpressionChecker, argument: ast.Expr, kind: str) -> Expr:
    text = checker.check(argument)
    if is_unknown(text):
        return text
    if text.type == SPAN:
        return Cast(text, TEXT)
    if text.type == TEXT:
        return text
    helps = [f"`{kind}` reads text; give it a text column, or leave the argument out"]
    return checker.state.error(
        "FQL201", f"`{kind}` cannot read a value of type {text.type}", argument.span, helps=helps
    )


def _threshold(checker: ExpressionChecker, call: ast.Call, kind: CallKind) -> float | None:
    state = checker.state
    threshold: float | None = None
    for argument in call.arguments:
        if argument.name is None:
            continue
        if argument.name.text.lower() != "threshold" or kind == "choose":
            helps = () if kind == "choose" else ("the only named argument is `threshold`",)
            message = f"`{kind}` has no argument `{argument.name.text}`"
            state.report("FQL109", message, argument.name.span, helps=helps)
            continue
        value = checker.check(argument.value)
        number = getattr(value, "value", None)
        if is_unknown(value):
            continue
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 1:
            state.report("FQL208", "a threshold is a number from 0 to 1", argument.value.span)
            continue
        threshold = float(number)
    return threshold


def _options(state: State, options: list[ast.Expr]) -> tuple[str, ...] | None:
    values: list[str] = []
    for option in options:
        if not isinstance(option, ast.Text) or not option.value.strip():
            state.report("FQL215", "a choice is a quoted text that is not empty", option.span)
            return None
        if option.value in values:
            state.report("FQL215", f"the choice {option.value!r} is there twice", option.span)
            return None
        values.append(option.value)
    return tuple(values)


def _parts(checker: ExpressionChecker, text: ast.Text) -> tuple[str | Expr, ...] | None:
    """Return the fixed and quoted parts of an instruction, None when it has errors."""
    state = checker.state
    if not text.value.strip():
        state.report("FQL207", "the instruction is empty", text.span, helps=("say what to look for",))
        return None
    parts: list[str | Expr] = []
    fixed = ""
    sound = True
    position = 0
    value = text.value
    while position < len(value):
        char = value[position]
        if value[position : position + 2] in ("{{", "}}"):
            fixed += char
            position += 2
        elif char == "{":
            end = value.find("}", position)
            if end < 0:
                state.report(
                    "FQL107",
                    "this brace is never closed",
                    _place(text, position, position + 1),
                    helps=("a value is quoted as `{name}`; a brace itself is written `{{`",),
                )
                return None
            if fixed:
                parts.append(fixed)
                fixed = ""
            quoted = _quoted(checker, text, position, end)
            sound = sound and quoted is not None
            parts.append(quoted if quoted is not None else "")
            position = end + 1
        elif char == "}":
            span = _place(text, position, position + 1)
            helps = (Help("a brace itself is written `}}`", Edit(span, "}}")),)
            state.report("FQL107", "this brace closes nothing", span, helps=helps)
            return None
        else:
            fixed += char
            position += 1
    if fixed:
        parts.append(fixed)
    return tuple(parts) if sound else None


def _place(text: ast.Text, start: int, end: int) -> Span:
    return Span(text.offsets[start], text.offsets[end])


def _quoted(checker: ExpressionChecker, text: ast.Text, start: int, end: int) -> Expr | None:
    state = checker.state
    inner = text.value[start + 1 : end]
    name = inner.strip().strip("`")
    lead = len(inner) - len(inner.lstrip())
    span = _place(text, start + 1 + lead, start + 1 + lead + max(len(inner.strip()), 1))
    if not name:
        state.report("FQL107", "the braces are empty", _place(text, start, end + 1), helps=("write `{name}`",))
        return None
    value = state.resolve(ast.Name(name, span=span), "FQL107")
    if is_unknown(value):
        return value if state.catalog.fields is None and not _reported(state, span) else None
    if value.type == SPAN:
        return Cast(value, TEXT)
    if value.type.item is not None:
        helps = (f"quote one element: `let x = first({name})`, then `{{x}}`; or go through all with `each`",)
        state.report("FQL107", f"`{name}` is a list and cannot be quoted", span, helps=helps)
        return None
    if stands_for(value.type, TEXT) or value.type.name in ("Int", "Float", "Date", "Timestamp", "Bool"):
        return value if value.type == TEXT else Cast(value, TEXT)
    state.report("FQL107", f"`{name}` has the type {value.type} and cannot be quoted", span)
    return None


def _reported(state: State, span: Span) -> bool:
    return any(diagnostic.primary.span == span for diagnostic in state.diagnostics)
