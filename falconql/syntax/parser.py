"""Query text to syntax tree. The grammar is ``falconql.grammar``; Lark reads it."""

from __future__ import annotations

from dataclasses import dataclass

from falconql.diagnostics.model import Diagnostic
from falconql.errors import QueryError
from falconql.source import Source
from falconql.syntax import ast
from falconql.syntax.limits import screen
from falconql.syntax.reading import attempt, words_of


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
        QueryError: with every syntax error.
    """
    result = parse_tolerant(source)
    if result.query is None or result.diagnostics:
        raise QueryError(result.diagnostics, source)
    return result.query


def parse_tolerant(source: Source) -> ParseResult:
    """Read as much of a query as can be read; never raises for what a user can write."""
    words = words_of(source.text)
    problem = screen(source.text, words)
    if problem is not None:
        return ParseResult(None, (problem,))
    outcome = attempt(source.text, words)
    if isinstance(outcome, ast.Query):
        return ParseResult(outcome, ())
    from falconql.syntax.recovery import Recovery

    recovery = Recovery(source.text)
    query = recovery.read(*outcome)
    found = sorted(recovery.found, key=lambda diagnostic: diagnostic.primary.span)
    return ParseResult(query, tuple(found), frozenset(recovery.lost_names), frozenset(recovery.lost_clauses))
