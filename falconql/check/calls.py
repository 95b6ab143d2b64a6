"""Model calls: ``label``, ``span``, ``spans`` and ``choose`` with their arguments."""

from __future__ import annotations

from typing import cast

from falconql.check.context import CheckOperand, Context
from falconql.check.functions import FUNCTIONS
from falconql.check.instructions import instruction_parts
from falconql.check.literals import read_number, scalar
from falconql.check.parts import walk
from falconql.check.problems import BROKEN, Operand, code, plain_text, spoken, words
from falconql.diagnostics.model import Edit, Help, Label
from falconql.diagnostics.suggest import near_names
from falconql.runtime.display import quoted_text
from falconql.runtime.expression import Expr, Literal
from falconql.runtime.plan import CallKind, ModelCall
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import LABEL, SPAN, TEXT, UNKNOWN, Type, list_of

RESULTS: dict[CallKind, Type] = {"label": LABEL, "span": SPAN, "spans": list_of(SPAN), "choose": TEXT}
_WHAT = {"label": "a question", "span": "an instruction", "spans": "an instruction", "choose": "a question"}
_EXAMPLES = {
    "label": '"Is the reviewer satisfied?"',
    "span": '"Extract the price"',
    "spans": '"Extract the prices"',
    "choose": '"What is it about?", "sports", "politics"',
}


def model_call(ctx: Context, node: ast.Call, kind: CallKind, check: CheckOperand) -> Expr:
    """Return the reference to the model call that ``node`` asks for, ``BROKEN`` if it is wrong."""
    threshold, sound = _named(ctx, node, kind, check)
    positional = [argument.value for argument in node.arguments if argument.name is None]
    positional = [value for value in positional if not _python_style(ctx, value, kind)]
    sound = sound and len(positional) == sum(argument.name is None for argument in node.arguments)
    reads_default = not positional or (isinstance(positional[0], ast.Text) and not _swapped(positional))
    rest = positional if reads_default else positional[1:]
    if not rest:
        return _no_instruction(ctx, node, kind, positional)
    instruction = rest[0]
    if not isinstance(instruction, ast.Text):
        return _no_literal(ctx, kind, positional, instruction)
    parts = instruction_parts(ctx, instruction)
    options = _options(ctx, node, rest[1:]) if kind == "choose" else _no_more(ctx, kind, rest[1:])
    text = ctx.default_text(node.span) if reads_default else _text(ctx, kind, check(ctx, positional[0]))
    if parts is None or options is None or not sound:
        return BROKEN
    if text.type == UNKNOWN and not ctx.open_types(text):
        return BROKEN
    return ctx.calls.add(ModelCall(kind, text, parts, RESULTS[kind], options, threshold))


def _swapped(positional: list[ast.Expr]) -> bool:
    return len(positional) == 2 and isinstance(positional[1], ast.Name)


def _no_instruction(ctx: Context, node: ast.Call, kind: CallKind, positional: list[ast.Expr]) -> Expr:
    only = positional[0] if positional else None
    if isinstance(only, ast.Parameter):
        return ctx.problems.error("FQL231", *_from_outside(ctx, kind, only))
    if isinstance(only, ast.Name) and _no_name(ctx, kind, only):
        return BROKEN
    if isinstance(only, (ast.Arithmetic, ast.And, ast.Or, ast.Comparison)) and _holds_text(only):
        return _no_literal(ctx, kind, positional, only)
    text = plain_text(positional[0]) if positional else None
    shown = f"{kind}({text + ', ' if text else ''}{_EXAMPLES[kind]})"
    message = f"`{kind}` needs {_WHAT[kind]}"
    return ctx.problems.error("FQL230", message, node.span, f"for example `{shown}`")


def _holds_text(node: ast.Expr) -> bool:
    """Return whether a question was written, though as a part of something: ``"Is it " + title``."""
    return any(isinstance(part, ast.Text) for part in walk(node))


def _no_name(ctx: Context, kind: CallKind, only: ast.Name) -> bool:
    """Return whether the only argument is a name that there is not; it is then reported."""
    before = ctx.problems.failures
    ctx.scope.instead = Help(f"{_WHAT[kind]} stands in quotes: `{kind}({_EXAMPLES[kind]})`")
    ctx.scope.resolve(only.text, only.span)
    ctx.scope.instead = None
    return ctx.problems.failures > before


def _from_outside(ctx: Context, kind: CallKind, node: ast.Parameter) -> tuple[str, Span, str]:
    """Return message, place and advice for a parameter where an instruction is needed."""
    message = f"{_WHAT[kind]} must be a text literal, and `${node.name}` is a parameter"
    name = ctx.scope.free_name(node.name)
    return message, node.span, f'name it first, `let {name} = ${node.name}`, and quote it: `{kind}("{{{name}}}")`'


def _no_literal(ctx: Context, kind: CallKind, positional: list[ast.Expr], wrong: ast.Expr) -> Expr:
    first = positional[0]
    if isinstance(first, ast.Text):
        span = first.span.join(wrong.span)
        text, name = plain_text(first), plain_text(wrong)
        help_ = Help("the text to read comes first", Edit(span, f"{name}, {text}") if text and name else None)
        return ctx.problems.error("FQL231", "the arguments are in the wrong order", span, help_)
    if isinstance(wrong, ast.Parameter):
        return ctx.problems.error("FQL231", *_from_outside(ctx, kind, wrong))
    message = f"{_WHAT[kind]} must be a text literal, and {words(wrong)} is none"
    help_ = Help('write it here, and quote values in it: `"... {name} ..."`')
    if isinstance(wrong, (ast.And, ast.Or)):
        help_ = Help(f"ask each question by itself: `{kind}(...) or {kind}(...)`")
    if isinstance(wrong, ast.Comparison) and _argument(wrong):
        help_ = Help("write it without a name", Edit(wrong.span, plain_text(wrong.right) or ""))
    elif isinstance(wrong, ast.Comparison):
        help_ = Help(f"compare what is answered: `score({kind}(...)) > 0.5`")
    return ctx.problems.error("FQL231", message, wrong.span, help_)


def _argument(node: ast.Comparison) -> bool:
    """Return whether this is an argument as Python names it: ``question="..."``."""
    return node.op == "=" and isinstance(node.left, ast.Name) and isinstance(node.right, ast.Text)


def _no_more(ctx: Context, kind: CallKind, extra: list[ast.Expr]) -> tuple[str, ...] | None:
    if not extra:
        return ()
    span = extra[0].span.join(extra[-1].span)
    help_ = None
    if all(isinstance(value, ast.Text) for value in extra):
        help_ = f"for one of several answers use `choose({_EXAMPLES['choose']})`"
    elif isinstance(extra[0], (ast.Integer, ast.Decimal)):
        value = plain_text(extra[0])
        fix = f"threshold: {value}"
        ctx.problems.error(
            "FQL213", "a threshold is given by name", span, Help(f"write `{fix}`", Edit(extra[0].span, fix))
        )
        return None
    ctx.problems.error("FQL213", f"`{kind}` takes one text and one instruction", span, help_)
    return None


def _options(ctx: Context, node: ast.Call, options: list[ast.Expr]) -> tuple[str, ...] | None:
    values: dict[str, ast.Text] = {}
    sound = True
    for option in options:
        if not isinstance(option, ast.Text) or not option.value.strip():
            message = f"a choice must be a text literal that is not empty, and {words(option)} is none"
            ctx.problems.error("FQL236", message, option.span, _as_choice(option))
            sound = False
        elif option.value in values:
            first = Label(values[option.value].span, "first here")
            message = f"the choice {words(option)} is there twice"
            ctx.problems.error("FQL236", message, option.span, "leave one out", secondary=(first,))
            sound = False
        else:
            values[option.value] = option
    if sound and len(values) < 2:
        message = "`choose` needs two choices or more after its question"
        ctx.problems.error("FQL236", message, node.span, f"for example `choose({_EXAMPLES['choose']})`")
        sound = False
    return tuple(values) if sound else None


def _as_choice(option: ast.Expr) -> Help:
    if isinstance(option, ast.Name):
        text = quoted_text(option.text)
        return Help(f"a text stands in quotes: {code(text)}", Edit(option.span, text))
    return Help(f"for example `choose({_EXAMPLES['choose']})`")


def _text(ctx: Context, kind: CallKind, operand: Operand) -> Expr:
    if operand.broken or operand.type in (TEXT, SPAN):
        return scalar(operand.expr)
    help_: Help | str | None = "leave it out to read the text of the row, or name a text column"
    if operand.type.item in (TEXT, SPAN):
        help_ = "read one element with `first(...)`, or go through them with `each name in ...`"
    message = f"`{kind}` reads a text, and {words(operand.node)} is {spoken(operand.type)}"
    return ctx.problems.error("FQL235", message, operand.span, help_)


def _python_style(ctx: Context, value: ast.Expr, kind: CallKind) -> bool:
    """Report ``threshold = 0.7``, which would compare."""
    if not isinstance(value, ast.Comparison) or value.op != "=" or not isinstance(value.left, ast.Name):
        return False
    name, plain = value.left.text, plain_text(value.right)
    open_names = ctx.scope.catalog.fields is None and name != "threshold"
    if open_names or ctx.scope.fields(name) or name in ctx.scope.bound:
        return False
    if name != "threshold" or kind == "choose":
        _unknown_argument(ctx, kind, value.left)
        return True
    edit = Edit(value.span, f"{name}: {plain}") if plain else None
    help_ = Help(f"write `{name}: {plain or '...'}`", edit)
    ctx.problems.error("FQL113", "an argument is named with a colon", value.span, help_)
    return True


def _named(ctx: Context, node: ast.Call, kind: CallKind, check: CheckOperand) -> tuple[float | None, bool]:
    threshold: float | None = None
    sound = True
    given = False
    for argument in node.arguments:
        if argument.name is None:
            continue
        if argument.name.text.lower() != "threshold" or kind == "choose":
            _unknown_argument(ctx, kind, argument.name)
            sound = False
            continue
        if given:
            ctx.problems.error("FQL213", "`threshold` is given twice", argument.span, "leave one out")
        threshold = _threshold(ctx, check(ctx, argument.value))
        sound = sound and threshold is not None and not given
        given = True
    return threshold, sound


def _unknown_argument(ctx: Context, kind: CallKind, name: ast.Name) -> None:
    help_: Help | str = f"write `{FUNCTIONS[kind].forms[0]}`"
    if kind != "choose":
        near = near_names(name.text, ["threshold"])
        help_ = (
            Help("did you mean `threshold`?", Edit(name.span, "threshold"))
            if near
            else Help("the only named argument is `threshold`")
        )
    ctx.problems.error("FQL113", f"`{kind}` has no argument called `{name.text}`", name.span, help_)


def _threshold(ctx: Context, operand: Operand) -> float | None:
    if operand.broken:
        return None
    value = operand.expr.value if isinstance(operand.expr, Literal) else None
    if isinstance(value, str) and isinstance(operand.node, ast.Parameter):
        read = read_number(value)
        value = read.value if read else value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    message = f"a threshold is a number from 0 to 1, and {words(operand.node)} is none"
    help_: Help | str = "for example `threshold: 0.7`"
    if isinstance(value, (int, float)) and 1 < value <= 100 and isinstance(operand.node, (ast.Integer, ast.Decimal)):
        help_ = Help(f"did you mean `{value / 100:g}`?", Edit(operand.span, f"{value / 100:g}"))
    ctx.problems.error("FQL237", message, operand.span, help_)
    return None


def as_kind(name: str) -> CallKind:
    """Return the name of a model function as the kind of call it makes."""
    return cast(CallKind, name)
