"""Query text to syntax tree.

The grammar is ``falconql.grammar``; Lark reads it. After an error reading goes on, so that every
broken clause gives its diagnostic and the others can be checked. This works on the text: what is
wrong is replaced by as many other characters, so that every other place stays where it is, and the
text is read again. A small slip is put right, a clause in the wrong place is read by itself, and any
other broken clause is blanked out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from falconql.diagnostics.model import Diagnostic, Edit
from falconql.errors import QueryError
from falconql.source import Source, Span
from falconql.syntax import ast
from falconql.syntax.builder import LiteralProblem, build, plain_name
from falconql.syntax.lexemes import CLAUSES, Lexeme, clause_starts, lexemes
from falconql.syntax.limits import deeper_than, screen, too_deep
from falconql.syntax.tables import lark_parser

MOST_ERRORS = 20
# Reading a long text again for every error in it would take minutes.
MOST_CHARACTERS_READ = 4_000_000


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
    words = _words(source.text)
    problem = screen(source.text, words)
    if problem is not None:
        return ParseResult(None, (problem,))
    return _Reading(source.text, words).read()


@dataclass(slots=True)
class _Reading:
    text: str
    words: list[Lexeme]
    found: list[Diagnostic] = field(default_factory=list)
    lost_names: set[str] = field(default_factory=set)
    lost_clauses: set[str] = field(default_factory=set)
    moved: list[ast.Query] = field(default_factory=list)

    def read(self) -> ParseResult:
        query: ast.Query | None = ast.Query(*_NOTHING, span=Span(0, 0))
        while self.words:
            outcome = _attempt(self.text, self.words)
            if isinstance(outcome, ast.Query):
                query = outcome
                break
            if not self._go_on(*outcome):
                query = None
                break
        for clause in self.moved:
            query = query and _merged(query, clause)
        ordered = sorted(self.found, key=lambda diagnostic: diagnostic.primary.span)
        return ParseResult(query, tuple(ordered), frozenset(self.lost_names), frozenset(self.lost_clauses))

    def _go_on(self, diagnostic: Diagnostic, at: int) -> bool:
        """Take a diagnostic, and what it is about out of the text; False when reading must end."""
        known = {(found.code, found.primary.span) for found in self.found}
        repeated = (diagnostic.code, diagnostic.primary.span) in known
        misplaced = diagnostic.code == "FQL007"
        if not repeated and not (misplaced and any(found.code == "FQL007" for found in self.found)):
            self.found.append(diagnostic)
        if len(self.found) >= MOST_ERRORS or len(self.found) * len(self.text) > MOST_CHARACTERS_READ:
            return False
        repaired = None if repeated else self._repaired(diagnostic)
        if repaired is not None:
            self.text, self.words = repaired, _words(repaired)
            return True
        begin, end = self._broken_clause(at, diagnostic)
        if begin == end:
            return False
        stop = self.words[end].start if end < len(self.words) else len(self.text)
        start = self.words[begin].start
        if not (misplaced and self._read_alone(begin, end, start, stop)):
            self._lose(self.words[begin:end])
        self.text = self.text[:start] + _blank(self.text[start:stop]) + self.text[stop:]
        self.words = self.words[:begin] + self.words[end:]
        return True

    def _repaired(self, diagnostic: Diagnostic) -> str | None:
        """Return the text with a slip put right, if that takes no more room than the slip."""
        edit = diagnostic.helps[0].edit if diagnostic.helps else None
        if diagnostic.code == "FQL017":
            start = diagnostic.primary.span.start
            comment = next(word for word in self.words if word.start == start)
            edit = Edit(comment.span, "")
        if edit is None or diagnostic.code in ("FQL007", "FQL008"):
            return None
        span = edit.span
        wrong = self.text[span.start : span.end]
        if not wrong or len(edit.new_text) > len(wrong):
            return None
        return self.text[: span.start] + edit.new_text + _blank(wrong[len(edit.new_text) :]) + self.text[span.end :]

    def _read_alone(self, begin: int, end: int, start: int, stop: int) -> bool:
        alone = _blank(self.text[:start]) + self.text[start:stop] + _blank(self.text[stop:])
        outcome = _attempt(alone, self.words[begin:end])
        if isinstance(outcome, ast.Query):
            self.moved.append(outcome)
            return True
        self.found.append(outcome[0])
        return False

    def _lose(self, clause: list[Lexeme]) -> None:
        first = clause[0].lower
        self.lost_clauses.add(first)
        if first not in CLAUSES or first in ("let", "each"):
            self.lost_names.update(plain_name(word.text) for word in clause[1:2])

    def _broken_clause(self, at: int, diagnostic: Diagnostic) -> tuple[int, int]:
        """Return the range of words of the clause in which reading stopped."""
        starts = clause_starts(self.text, self.words)
        if diagnostic.code not in ("FQL007", "FQL008"):
            # Reading may stop a word or a clause behind what is wrong, an open parenthesis for example.
            at = min(at, diagnostic.primary.span.start)
        stopped = next((i for i, word in enumerate(self.words) if word.end > at), len(self.words) - 1)
        if diagnostic.code == "FQL014" and self._on_new_line(stopped):
            # A clause of another language, such as `having`, is lost alone.
            starts.append(stopped)
        begin = max((i for i in starts if i <= stopped), default=0)
        end = min((i for i in starts if i > max(begin, stopped - 1)), default=len(self.words))
        return begin, end

    def _on_new_line(self, index: int) -> bool:
        return index > 0 and "\n" in self.text[self.words[index - 1].end : self.words[index].start]


_NOTHING = (None, None, None, (), None, None, None, None, None)


def _words(text: str) -> list[Lexeme]:
    return [word for word in lexemes(text) if word.kind != "comment"]


def _attempt(text: str, words: list[Lexeme]) -> ast.Query | tuple[Diagnostic, int]:
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


def _merged(query: ast.Query, clause: ast.Query) -> ast.Query:
    """Return a query with the clauses of another one that it lacks."""
    bindings = tuple(sorted((*query.bindings, *clause.bindings), key=lambda binding: binding.span))
    lacking = {
        part.name: getattr(clause, part.name)
        for part in fields(query)
        if part.name not in ("span", "bindings") and getattr(query, part.name) is None
    }
    span = query.span.join(clause.span) if query.span.end else clause.span
    return replace(query, **lacking, bindings=bindings, span=span)


def _blank(text: str) -> str:
    return "".join(char if char == "\n" else " " for char in text)
