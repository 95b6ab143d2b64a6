"""Lark's tree to the syntax tree: one short method per rule, nothing else touches Lark trees."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isinf
from typing import Any, TypeVar

from lark import Token, Tree
from lark.tree import Meta

from falconql.source import Span
from falconql.syntax import ast

# What a backslash may begin in a text; half a surrogate pair is none of it.
ESCAPE = re.compile(
    r"""\\(?: u([dD][89abAB][0-9A-Fa-f]{2}) \\u([dD][c-fC-F][0-9A-Fa-f]{2})
          | u((?:[0-9A-CE-Fa-ce-f][0-9A-Fa-f]|[dD][0-7])[0-9A-Fa-f]{2})
          | ([ntr\\"']) )""",
    re.VERBOSE,
)
_HALF = re.compile(r"\\u[dD][89A-Fa-f][0-9A-Fa-f]{2}")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}

NodeT = TypeVar("NodeT")


class LiteralProblem(Exception):
    """A text or number that the lexer took but that has no value; ``span`` is the wrong part."""

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span


def build(tree: Tree[Token]) -> ast.Query:
    """Return the query of a parse tree.

    Raises:
        LiteralProblem: a text holds a backslash that escapes nothing, or a number is too large.
    """
    return _Builder().query(tree)


def text_value(token: str, start: int) -> tuple[str, tuple[int, ...]]:
    """Return the value of a quoted text and the source offset of each of its characters.

    Raises:
        LiteralProblem: a backslash escapes nothing.
    """
    characters: list[str] = []
    offsets: list[int] = []
    position, end = 1, len(token) - 1
    while position < end:
        offsets.append(start + position)
        if token[position] == "\\":
            char, length = _escaped(token, position, start)
        else:
            char, length = token[position], 1
        characters.append(char)
        position += length
    return "".join(characters), (*offsets, start + end)


def _escaped(token: str, position: int, start: int) -> tuple[str, int]:
    """Return the character that an escape writes, and the length of the escape."""
    match = ESCAPE.match(token, position)
    if match is None:
        length = 6 if _HALF.match(token, position) else 2
        raise LiteralProblem(Span(start + position, start + position + length))
    length = match.end() - position
    high, low, code, letter = match.groups()
    if high and low:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF)), length
    if letter:
        return _ESCAPES.get(letter, letter), length
    return chr(int(code, 16)), length


def plain_name(word: str) -> str:
    """Return the name that a word writes, without its back-ticks."""
    return word[1:-1].replace("``", "`") if word.startswith("`") else word


def _span(meta: Meta) -> Span:
    return Span(meta.start_pos, meta.end_pos)


def _token_span(token: Token) -> Span:
    start = token.start_pos or 0
    return Span(start, start + len(token))


class _Builder:
    def query(self, tree: Tree[Token]) -> ast.Query:
        parts = [self.node(child) for child in tree.children if isinstance(child, Tree)]

        def one(kind: type[NodeT]) -> NodeT | None:
            return next((part for part in parts if isinstance(part, kind)), None)

        span = Span(0, 0) if tree.meta.empty else _span(tree.meta)
        return ast.Query(
            source=one(ast.From),
            text=one(ast.TextColumn),
            using=one(ast.Using),
            bindings=tuple(part for part in parts if isinstance(part, (ast.Let, ast.Each))),
            where=one(ast.Where),
            group_by=one(ast.GroupBy),
            select=one(ast.Select),
            order_by=one(ast.OrderBy),
            limit=one(ast.Limit),
            span=span,
        )

    def node(self, tree: Tree[Token]) -> Any:
        method: Callable[[Tree[Token], Span, list[Any]], Any] = getattr(self, f"on_{tree.data}")
        below = [self.node(child) for child in tree.children if isinstance(child, Tree)]
        return method(tree, _span(tree.meta), below)

    def on_from(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.From:
        return ast.From(below[0], span=span)

    def on_text_column(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.TextColumn:
        return ast.TextColumn(below[0], span=span)

    def on_using(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Using:
        return ast.Using(below[0], llm=_has(tree, "LLM"), span=span)

    def on_let(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Let:
        return ast.Let(below[0], below[1], span=span)

    def on_each(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Each:
        return ast.Each(below[0], below[1], span=span)

    def on_where(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Where:
        return ast.Where(below[0], span=span)

    def on_group_by(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.GroupBy:
        return ast.GroupBy(tuple(below), span=span)

    def on_select(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Select:
        return ast.Select(tuple(below), span=span)

    def on_star(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Star:
        return ast.Star(span=span)

    def on_item(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Item:
        return ast.Item(below[0] if len(below) == 2 else None, below[-1], span=span)

    def on_order_by(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.OrderBy:
        return ast.OrderBy(tuple(below), span=span)

    def on_order(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Order:
        written = _has(tree, "ASC") or _has(tree, "DESC")
        return ast.Order(below[0], _has(tree, "DESC") if written else None, span=span)

    def on_limit(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Limit:
        return ast.Limit(below[0], span=span)

    def on_or(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Or:
        return ast.Or(tuple(below), span=span)

    def on_and(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.And:
        return ast.And(tuple(below), span=span)

    def on_not(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Not:
        return ast.Not(below[0], span=span)

    def on_comparison(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Comparison:
        op: Any = next(str(child) for child in tree.children if isinstance(child, Token))
        return ast.Comparison(op, below[0], below[1], span=span)

    def on_in(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.In:
        return ast.In(below[0], tuple(below[1:]), span=span)

    def on_contains(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.TextTest:
        return ast.TextTest("contains", below[0], below[1], span=span)

    def on_starts_with(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.TextTest:
        return ast.TextTest("starts with", below[0], below[1], span=span)

    def on_matches(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Matches:
        return ast.Matches(below[0], below[1], span=span)

    def on_is_null(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.IsNull:
        return ast.IsNull(below[0], _has(tree, "NOT"), span=span)

    def on_arithmetic(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Arithmetic:
        op: Any = next(str(child) for child in tree.children if isinstance(child, Token))
        return ast.Arithmetic(op, below[0], below[1], span=span)

    def on_negate(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Negate:
        return ast.Negate(below[0], span=span)

    def on_group(self, tree: Tree[Token], span: Span, below: list[Any]) -> Any:
        return below[0]

    def on_call(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Call:
        function = next(child for child in tree.children if isinstance(child, Token))
        return ast.Call(ast.Name(str(function), span=_token_span(function)), tuple(below), span=span)

    def on_argument(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Argument:
        return ast.Argument(below[0] if len(below) == 2 else None, below[-1], span=span)

    def on_name(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Name:
        return ast.Name(plain_name(_word(tree)), span=span)

    def on_parameter(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Parameter:
        return ast.Parameter(_word(tree)[1:], span=span)

    def on_text(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Text:
        value, offsets = text_value(_word(tree), span.start)
        return ast.Text(value, offsets, span=span)

    def on_integer(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Integer:
        return ast.Integer(int(_word(tree)), span=span)

    def on_decimal(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Decimal:
        value = float(_word(tree))
        if isinf(value):
            raise LiteralProblem(span)
        return ast.Decimal(value, span=span)

    def on_boolean(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Boolean:
        return ast.Boolean(_has(tree, "TRUE"), span=span)

    def on_null(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Null:
        return ast.Null(span=span)

    def on_regex(self, tree: Tree[Token], span: Span, below: list[Any]) -> ast.Regex:
        pattern, _, flags = _word(tree)[1:].rpartition("/")
        return ast.Regex(pattern.replace("\\/", "/"), flags, span=span)


def _has(tree: Tree[Token], terminal: str) -> bool:
    return any(isinstance(child, Token) and child.type == terminal for child in tree.children)


def _word(tree: Tree[Token]) -> str:
    return str(tree.children[0])
