"""One reading of a text: the syntax tree, or the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from falconql.diagnostics.model import Diagnostic
from falconql.syntax import ast
from falconql.syntax.builder import LiteralProblem, build
from falconql.syntax.lexemes import Lexeme, lexemes
from falconql.syntax.limits import deeper_than, too_deep
from falconql.syntax.tables import lark_parser


def words_of(text: str) -> list[Lexeme]:
    """Return the words and signs of a text without its comments."""
    return [word for word in lexemes(text) if word.kind != "comment"]


def attempt(text: str, words: Sequence[Lexeme]) -> ast.Query | tuple[Diagnostic, int]:
    """Return the query, or what is wrong and the offset at which reading stopped."""
    try:
        tree: Tree[Token] = lark_parser().parse(text)
    except UnexpectedInput as error:
        # Most queries have no error, and a check has little time to import what explains them.
        from falconql.syntax.errors import explain_unexpected, locate

        place = locate(text, words, error)
        return explain_unexpected(place), place.offset
    deep = deeper_than(tree)
    if deep is not None:
        return too_deep(deep), deep.start
    try:
        return build(tree)
    except LiteralProblem as problem:
        from falconql.syntax.errors import explain_literal

        return explain_literal(text, problem.span), problem.span.start
