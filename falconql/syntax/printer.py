"""Expressions as canonical text, broken over lines where one line is too short.

Parentheses stand only where the tree needs them, back-ticks only around names that would be read
as something else, escapes only for what cannot stand in a text. Knows nothing of clauses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import assert_never

from falconql.source import Source
from falconql.syntax import ast
from falconql.syntax.keywords import reserved_words

WIDTH = 80

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _UNARY, _ATOM = range(8)
LOOSEST, DISJUNCT, CONJUNCT = _OR, _AND, _NOT
_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_REGEX_PART = re.compile(r"\\.|/", re.DOTALL)
_SHORT_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
# Characters that nobody sees, but that change the order in which others are shown.
_HIDDEN = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def name_text(name: str) -> str:
    """Return a name as it is written, in back-ticks if it would not be read as a name."""
    if _PLAIN_NAME.fullmatch(name) and name.lower() not in reserved_words():
        return name
    return "`" + name.replace("`", "``") + "`"


def quoted(value: str) -> str:
    """Return a text literal; in single quotes where that saves escapes."""
    quote = "'" if '"' in value and "'" not in value else '"'
    return quote + "".join("\\" + c if c == quote else _escaped(c) for c in value) + quote


def _escaped(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if char in _HIDDEN or unicodedata.category(char) in ("Cc", "Zl", "Zp"):
        return f"\\u{ord(char):04x}"
    return char


def regex_text(regex: ast.Regex) -> str:
    """Return a regular expression between slashes."""
    pattern = _REGEX_PART.sub(lambda match: "\\/" if match[0] == "/" else match[0], regex.pattern)
    return f"/{pattern}/{regex.flags}"


class ExpressionPrinter:
    """Prints expressions; with a source, numbers keep the spelling they have there."""

    def __init__(self, source: Source | None = None) -> None:
        self.source = source

    def text(self, expr: ast.Expr, column: int, *, within: int = _OR, tail: int = 0) -> str:
        """Return an expression that begins at ``column`` and is followed by ``tail`` more signs.

        ``within`` is the loosest binding that needs no parentheses here.
        """
        if _binding(expr) < within:
            return f"({self.text(expr, column + 1, tail=tail + 1)})"
        flat = self._parts(expr, None, 0)
        return flat if column + len(flat) + tail <= WIDTH else self._parts(expr, column, tail)

    def flat(self, expr: ast.Expr, within: int) -> str:
        """Return an expression on one line, however long."""
        text = self._parts(expr, None, 0)
        return f"({text})" if _binding(expr) < within else text

    def _operand(self, expr: ast.Expr, within: int, column: int | None, tail: int = 0) -> str:
        if column is None:
            return self.flat(expr, within)
        return self.text(expr, column, within=within, tail=tail)

    def _parts(self, expr: ast.Expr, column: int | None, tail: int) -> str:
        """Return the text of a node: on one line if ``column`` is None, else broken where it can be."""
        match expr:
            case ast.Or():
                return self._joined(expr.operands, "or", _AND, column, tail)
            case ast.And():
                return self._joined(expr.operands, "and", _NOT, column, tail)
            case ast.Not():
                return "not " + self._operand(expr.operand, _NOT, _after(column, "not "), tail)
            case ast.Comparison():
                return self._binary(expr.left, expr.op, expr.right, (_SUM, _SUM), column, tail)
            case ast.TextTest():
                return self._binary(expr.value, expr.op, expr.pattern, (_SUM, _SUM), column, tail)
            case ast.Matches():
                return f"{self._operand(expr.value, _SUM, column)} matches {regex_text(expr.regex)}"
            case ast.IsNull():
                return f"{self._operand(expr.value, _SUM, column)} is {'not ' if expr.negated else ''}null"
            case ast.In():
                head = self._operand(expr.value, _SUM, column) + " in "
                return head + self._listed(expr.options, _after(column, head), tail)
            case ast.Arithmetic():
                own = _PRODUCT if expr.op in ("*", "/") else _SUM
                return self._binary(expr.left, expr.op, expr.right, (own, own + 1), column, tail)
            case ast.Negate():
                # Two minus signs in a row would begin a comment.
                sign = "- " if isinstance(expr.operand, ast.Negate) else "-"
                return sign + self._operand(expr.operand, _UNARY, _after(column, sign), tail)
            case ast.Call():
                return expr.function.text + self._listed(expr.arguments, _after(column, expr.function.text), tail)
            case _:
                return self._atom(expr)

    def _atom(
        self, expr: ast.Name | ast.Parameter | ast.Text | ast.Integer | ast.Decimal | ast.Boolean | ast.Null
    ) -> str:
        match expr:
            case ast.Name():
                return name_text(expr.text)
            case ast.Parameter():
                return f"${expr.name}"
            case ast.Text():
                return quoted(expr.value)
            case ast.Integer() | ast.Decimal():
                return self.source.slice(expr.span) if self.source else repr(expr.value).replace("e+", "e")
            case ast.Boolean():
                return "true" if expr.value else "false"
            case ast.Null():
                return "null"
            case _:
                assert_never(expr)

    def _binary(
        self, left: ast.Expr, op: str, right: ast.Expr, within: tuple[int, int], column: int | None, tail: int
    ) -> str:
        head = f"{self._operand(left, within[0], column)} {op} "
        return head + self._operand(right, within[1], _after(column, head), tail)

    def _joined(self, operands: Sequence[ast.Expr], word: str, within: int, column: int | None, tail: int) -> str:
        if column is None:
            return f" {word} ".join(self._operand(operand, within, None) for operand in operands)
        first, *others = operands
        lines = [self._operand(first, within, column)]
        inner = column + len(word) + 1
        for index, operand in enumerate(others, 1):
            more = tail if index == len(others) else 0
            lines.append(f"{word} {self._operand(operand, within, inner, more)}")
        return ("\n" + " " * column).join(lines)

    def _listed(self, parts: Sequence[ast.Expr | ast.Argument], column: int | None, tail: int) -> str:
        """Return ``(part, ...)``, one part per line if ``column`` is given and there are several."""
        if column is None or len(parts) < 2:
            inner = None if column is None else column + 1
            return "(" + ", ".join(self._part(part, inner, tail + 1) for part in parts) + ")"
        lines = [self._part(part, column + 1, tail + 1) for part in parts]
        return "(" + (",\n" + " " * (column + 1)).join(lines) + ")"

    def _part(self, part: ast.Expr | ast.Argument, column: int | None, tail: int) -> str:
        if not isinstance(part, ast.Argument):
            return self._operand(part, _OR, column, tail)
        head = f"{name_text(part.name.text)}: " if part.name else ""
        return head + self._operand(part.value, _OR, _after(column, head), tail)


def _after(column: int | None, text: str) -> int | None:
    """Return the column behind a text that began at ``column``; None stays None."""
    if column is None:
        return None
    _, line_break, last = text.rpartition("\n")
    return len(last) if line_break else column + len(last)


def _binding(expr: ast.Expr) -> int:
    match expr:
        case ast.Or():
            return _OR
        case ast.And():
            return _AND
        case ast.Not():
            return _NOT
        case ast.Comparison() | ast.In() | ast.TextTest() | ast.Matches() | ast.IsNull():
            return _COMPARISON
        case ast.Arithmetic():
            return _PRODUCT if expr.op in ("*", "/") else _SUM
        case ast.Negate():
            return _UNARY
        case _:
            return _ATOM
