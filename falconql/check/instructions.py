"""Instructions: fixed text with values quoted in braces, each found under its very characters."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from falconql.check.context import Context
from falconql.check.literals import coerce
from falconql.check.problems import spoken
from falconql.diagnostics.model import Edit, Help
from falconql.runtime.display import quoted_name
from falconql.runtime.expression import Expr, Literal
from falconql.source import Span
from falconql.syntax import ast
from falconql.types import BOOL, DATE, FLOAT, INT, LABEL, SPAN, TEXT, TIMESTAMP, UNKNOWN

# How templates of other languages mark a name: `{{title}}`, `$title`. More braces, `$$` and `US$` are something else.
_MARKED = re.compile(r"(?<!\{)\{\{ *(\w+) *\}\}(?!\})|(?<![\w$])\$([^\W\d]\w*)")
_HAVE_TEXT = (TEXT, SPAN, INT, FLOAT, DATE, TIMESTAMP, BOOL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an instruction: fixed text, a quoted name, or a brace out of place."""

    kind: typing.Literal["fixed", "name", "opened", "closed"]
    text: str
    start: int
    end: int


def pieces(value: str) -> Iterator[Piece]:
    """Split an instruction; ``{{`` and ``}}`` are braces that quote nothing."""
    fixed, begin, at = "", 0, 0
    while at < len(value):
        if value[at : at + 2] in ("{{", "}}"):
            fixed += value[at]
            at += 2
            continue
        if value[at] not in "{}":
            fixed += value[at]
            at += 1
            continue
        if fixed:
            yield Piece("fixed", fixed, begin, at)
            fixed = ""
        close = value.find("}", at)
        if value[at] == "}":
            yield Piece("closed", "}", at, at + 1)
            close = at
        elif close < 0 or "{" in value[at + 1 : close]:
            yield Piece("opened", "{", at, at + 1)
            close = at
        else:
            yield Piece("name", value[at + 1 : close], at, close + 1)
        at = begin = close + 1
    if fixed:
        yield Piece("fixed", fixed, begin, at)


def instruction_parts(ctx: Context, node: ast.Text) -> tuple[str | Expr, ...] | None:
    """Return fixed text and quoted values in turn; None, and reported, if something is wrong."""
    if not node.value.strip():
        ctx.problems.error("FQL232", "the instruction is empty", node.span, "say in words what to look for")
        return None
    found: list[str | Expr] = []
    sound = True
    for piece in pieces(node.value):
        place = Span(node.offsets[piece.start], node.offsets[piece.end])
        if piece.kind == "fixed":
            found.append(piece.text)
            _warn_of_names(ctx, node, piece)
            continue
        if piece.kind != "name":
            _stray(ctx, piece, place)
            sound = False
            continue
        value = _quoted(ctx, node, piece)
        if value is None:
            sound = False
        else:
            found.append(value)
    return _joined(found) if sound else None


def _warn_of_names(ctx: Context, node: ast.Text, fixed: Piece) -> None:
    """Warn of names that are marked as in other languages, and so are asked for letter by letter."""
    for match in _MARKED.finditer(node.value, fixed.start, fixed.end):
        name = match[1] or match[2]
        if not ctx.scope.sees(name):
            continue
        place = Span(node.offsets[match.start()], node.offsets[match.end()])
        message = f"the value of `{name}` is not quoted here, and the question holds the letters of its name"
        help_ = Help(f"a value is quoted as `{{{name}}}`", Edit(place, f"{{{name}}}"))
        ctx.problems.warn("FQL238", message, place, help_)


def _joined(parts: Sequence[str | Expr]) -> tuple[str | Expr, ...]:
    """Return the parts with texts that are known as fixed text, so that it is the instruction it reads as."""
    found: list[str | Expr] = []
    for part in parts:
        known = part.value if isinstance(part, Literal) and isinstance(part.value, str) else part
        if isinstance(known, str) and found and isinstance(found[-1], str):
            found[-1] += known
        else:
            found.append(known)
    return tuple(found)


def _stray(ctx: Context, piece: Piece, place: Span) -> None:
    message = "this brace is never closed" if piece.kind == "opened" else "this brace closes nothing"
    double = piece.text * 2
    help_ = Help(f"a value is quoted as `{{name}}`; a brace as such is written `{double}`", Edit(place, double))
    ctx.problems.error("FQL233", message, place, help_)


def _quoted(ctx: Context, node: ast.Text, piece: Piece) -> Expr | None:
    name = piece.text.strip().strip("`")
    lead = piece.start + 1 + len(piece.text) - len(piece.text.lstrip())
    place = Span(node.offsets[lead], node.offsets[lead + len(piece.text.strip())])
    if not name:
        whole = Span(node.offsets[piece.start], node.offsets[piece.end])
        help_ = Help("write a name between them, or `{{}}` for braces as such", Edit(whole, "{{}}"))
        ctx.problems.error("FQL233", "there is no name between these braces", whole, help_)
        return None
    if any(char in name for char in '(),"+*/<>=') and not ctx.scope.fields(name):
        message = "only names can be quoted in an instruction"
        ctx.problems.error("FQL233", message, place, "name the value first: `let x = ...`, then quote `{x}`")
        return None
    if name.startswith("$") and not ctx.scope.fields(name):
        message = "a parameter is quoted in an instruction by a name of the query"
        free = ctx.scope.free_name(name[1:] or "topic")
        advice = f"name it first, `let {free} = {name}`, then quote `{{{free}}}`"
        ctx.problems.error("FQL111", message, place, advice)
        return None
    value = ctx.scope.resolve(name, place, code="FQL111", in_braces=True)
    if value.type == UNKNOWN:
        return value if ctx.open_types(value) else None
    if value.type in _HAVE_TEXT:
        return coerce(value, TEXT)
    message = f"`{name}` is {spoken(value.type)} and has no text to quote"
    ctx.problems.error("FQL234", message, place, _no_text_help(name, value))
    return None


def _no_text_help(name: str, value: Expr) -> str | None:
    shown = quoted_name(name)
    if value.type.item is not None:
        return f"name one element, `let x = first({shown})`, or go through all, `each x in {shown}`; then quote `{{x}}`"
    if value.type == LABEL:
        return f"keep the rows for which it holds with `where {shown}`, and ask without it"
    return "quote a text, a span, a number or a date"
