"""Query text to syntax tree.

The grammar is ``falconql.grammar``; Lark builds its tables. Recovery after an error works on the
text: the broken clause is blanked out, which keeps every other place where it is, and the rest is
parsed again, so that each broken clause gives its own diagnostic and the others can be checked.
"""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from falconql.diagnostics.model import Diagnostic, Label
from falconql.errors import QueryError
from falconql.source import Source, Span
from falconql.syntax import ast
from falconql.syntax.builder import EscapeProblem, build
from falconql.syntax.errors import ErrorPlace, explain_escape, explain_unexpected, screen
from falconql.syntax.lexemes import Lexeme, clause_starts, lexemes
from falconql.syntax.tables import lark_parser

MOST_ERRORS = 20
MOST_DEPTH = 100
MOST_DIGITS = 4000


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What could be read of a query.

    Attributes:
        query: the clauses that could be read; None when the text as a whole is unusable.
        diagnostics: every syntax error, in source order; empty if and only if the text is a query.
        lost_names: names that a clause that could not be read was about to define.
        lost_clauses: first words of clauses that could not be read.
    """

    query: ast.Query | None
    diagnostics: tuple[Diagnostic, ...]
    lost_names: frozenset[str] = frozenset()
    lost_clauses: frozenset[str] = frozenset()


def parse(source: Source) -> ast.Query:
    """Return the syntax tree of a query.

    Raises:
        QueryError: with a diagnostic for every clause that cannot be read.
    """
    result = parse_tolerant(source)
    if result.query is None or result.diagnostics:
        raise QueryError(result.diagnostics, source)
    return result.query


def parse_tolerant(source: Source) -> ParseResult:
    """Read as much of a query as can be read; never raises for what a user can write."""
    words = [word for word in lexemes(source.text) if word.kind != "comment"]
    problem = screen(source, words)
    if problem is not None:
        return ParseResult(None, (problem,))
    text = source.text
    found: list[Diagnostic] = []
    lost: list[list[Lexeme]] = []
    while words:
        outcome = _attempt(text, words)
        if isinstance(outcome, ast.Query):
            return _result(outcome, found, lost)
        diagnostic, at = outcome
        found.append(diagnostic)
        begin, end = _broken_clause(text, words, at)
        if begin == end or len(found) >= MOST_ERRORS:
            return _result(None, found, lost)
        lost.append(words[begin:end])
        stop = words[end].start if end < len(words) else len(text)
        text = text[: words[begin].start] + _blank(text[words[begin].start : stop]) + text[stop:]
        words = words[:begin] + words[end:]
    return _result(_nothing(), found, lost)


def _nothing() -> ast.Query:
    parts = (None, None, None, (), None, None, None, None, None)
    return ast.Query(*parts, span=Span(0, 0))


def _result(query: ast.Query | None, found: list[Diagnostic], lost: list[list[Lexeme]]) -> ParseResult:
    names = {c[1].text.strip("`") for c in lost if len(c) > 1 and c[0].lower in ("let", "each")}
    clauses = frozenset(c[0].lower for c in lost)
    ordered = sorted(found, key=lambda d: d.primary.span)
    return ParseResult(query, tuple(ordered), frozenset(names), clauses)


def _blank(text: str) -> str:
    return "".join(char if char == "\n" else " " for char in text)


def _attempt(text: str, words: list[Lexeme]) -> ast.Query | tuple[Diagnostic, int]:
    """Return the query, or what is wrong and the offset at which reading stopped."""
    try:
        tree: Tree[Token] = lark_parser().parse(text)
    except UnexpectedInput as error:
        place = ErrorPlace(text, words, error)
        return explain_unexpected(place), place.offset
    too_deep = _too_deep(tree)
    if too_deep is not None:
        message = f"expressions nest more than {MOST_DEPTH} levels deep here"
        return Diagnostic("FQL011", message, Label(too_deep)), too_deep.start
    try:
        return build(tree)
    except EscapeProblem as problem:
        return explain_escape(text, problem.span), problem.span.start


def _too_deep(tree: Tree[Token]) -> Span | None:
    """Return where a tree is nested too deeply for the recursive stages that follow."""
    stack = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MOST_DEPTH:
            return Span(node.meta.start_pos, node.meta.end_pos)
        stack.extend((child, depth + 1) for child in node.children if isinstance(child, Tree))
    return None


def _broken_clause(text: str, words: list[Lexeme], at: int) -> tuple[int, int]:
    """Return the range of words of the clause in which reading stopped."""
    if not words:
        return 0, 0
    starts = clause_starts(text, words)
    stopped = next((i for i, word in enumerate(words) if word.end > at), len(words) - 1)
    begin = max((i for i in starts if i <= stopped), default=0)
    end = min((i for i in starts if i > max(begin, stopped - 1) and i != begin), default=len(words))
    return begin, end
