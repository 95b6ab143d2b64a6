"""Reading on after an error, so that all errors of a query are found and its other clauses checked.

Recovery works on the text. What is wrong is replaced by as many other characters, so that every
other word stays in its place, and the text is read again: a slip such as ``==`` is put right, a
clause in the wrong place is read by itself, and any other broken clause leaves a stand-in that the
tree is freed of at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any

from falconql.diagnostics.model import Diagnostic, Edit
from falconql.source import Span
from falconql.syntax import ast
from falconql.syntax.builder import plain_name
from falconql.syntax.clause_habits import put_in_order
from falconql.syntax.lexemes import CLAUSES, Lexeme, clause_starts
from falconql.syntax.reading import attempt, words_of

MOST_ERRORS = 20
# Reading a long text again for every error in it would take minutes.
MOST_CHARACTERS_READ = 4_000_000

_OUT_OF_ORDER, _TWICE, _FOREIGN_CLAUSE, _FOREIGN_COMMENT = "FQL007", "FQL008", "FQL014", "FQL017"
# The shortest clauses: they keep the place of a broken one, so that order is judged rightly.
_STAND_INS = {
    "from": 'from "" ',
    "text": "text t ",
    "using": 'using "" ',
    "let": "let t=1 ",
    "each": "each t in t ",
    "where": "where t ",
    "group": "group by t ",
    "select": "select t ",
    "order": "order by t ",
    "limit": "limit 1 ",
}
_NOTHING = ast.Query(None, None, None, (), None, None, None, None, None, span=Span(0, 0))


@dataclass(slots=True)
class Recovery:
    """The text as it is changed, and what was found and lost on the way.

    ``stand_ins`` are the ends of the stand-ins by their beginnings.
    """

    original: str
    text: str = field(init=False)
    words: list[Lexeme] = field(init=False)
    found: list[Diagnostic] = field(default_factory=list)
    lost_names: set[str] = field(default_factory=set)
    lost_clauses: set[str] = field(default_factory=set)
    moved: list[ast.Query] = field(default_factory=list)
    stand_ins: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.text, self.words = self.original, words_of(self.original)

    def read(self, diagnostic: Diagnostic, at: int) -> ast.Query | None:
        """Return what can be read although reading stopped at ``at``; None if the text is unusable."""
        whole = Span(self.words[0].start, self.words[-1].end)
        while self._go_on(diagnostic, at):
            outcome = attempt(self.text, self.words) if self.words else _NOTHING
            if isinstance(outcome, ast.Query):
                for clause in self.moved:
                    outcome = _merged(outcome, clause)
                return replace(self._without_stand_ins(outcome), span=whole)
            diagnostic, at = outcome
        return None

    def _go_on(self, diagnostic: Diagnostic, at: int) -> bool:
        """Take a diagnostic, and what it is about out of the text; False when reading must end."""
        kept = self._keep(diagnostic)
        if len(self.found) >= MOST_ERRORS or len(self.found) * len(self.text) > MOST_CHARACTERS_READ:
            return False
        change = self._slip(diagnostic) if kept else None
        if change is None:
            change = self._broken_clause(at, diagnostic)
        if change is None:
            return False
        room = change.span.end - change.span.start
        new_text = change.new_text + _blank(self.text[change.span.start : change.span.end])[len(change.new_text) :]
        assert len(new_text) == room, "other words must stay in their places"
        self.text = self.text[: change.span.start] + new_text + self.text[change.span.end :]
        self.words = words_of(self.text)
        return True

    def _keep(self, diagnostic: Diagnostic) -> bool:
        """Keep a diagnostic, and say so, unless it is about words that nobody wrote or of which something was said."""
        span = diagnostic.primary.span
        stand_in = any(start <= span.start < end for start, end in self.stand_ins.items())
        if stand_in or any(found.primary.span == span for found in self.found):
            return False
        if diagnostic.code != _OUT_OF_ORDER:
            self.found.append(diagnostic)
        elif all(found.code != _OUT_OF_ORDER for found in self.found):
            # The edit of the first one puts all clauses in order, as they were written.
            self.found.append(replace(diagnostic, helps=(put_in_order(self.original, self.words),)))
        return True

    def _slip(self, diagnostic: Diagnostic) -> Edit | None:
        """Return the change that puts a slip right, if every other word can stay in its place."""
        span = diagnostic.primary.span
        word = next((word for word in self.words if word.start == span.start), None)
        if word is not None and diagnostic.code == _FOREIGN_COMMENT:
            return Edit(word.span, "")
        edit = diagnostic.helps[0].edit if diagnostic.helps else None
        if edit is None or diagnostic.code in (_OUT_OF_ORDER, _TWICE):
            return None
        operator = self.text[word.end : span.end].strip().lower() if word is not None else ""
        if word is not None and word.lower == "not" and operator in ("in", "contains", "matches", "starts"):
            # The edit for `x not in` moves words; to read on, leaving one out is enough.
            return Edit(word.span, "")
        room = edit.span.end - edit.span.start
        fits = edit.span.start == span.start and 0 < room >= len(edit.new_text)
        return edit if fits else None

    def _broken_clause(self, at: int, diagnostic: Diagnostic) -> Edit | None:
        """Return the change that takes out the clause in which reading stopped."""
        begin, end = self._clause_at(at, diagnostic)
        if begin == end:
            return None
        start = self.words[begin].start
        span = Span(start, self.words[end].start if end < len(self.words) else len(self.text))
        if diagnostic.code == _OUT_OF_ORDER and self._read_alone(span, self.words[begin:end]):
            return Edit(span, "")
        first = self.words[begin].lower
        self.lost_clauses.add(first)
        if first not in CLAUSES or first in ("let", "each"):
            self.lost_names.update(plain_name(word.text) for word in self.words[begin + 1 : begin + 2])
        if first == "group":
            # Keys have no names, but who gives them some uses them.
            named = pairwise(self.words[begin:end])
            self.lost_names.update(plain_name(word.text) for word, sign in named if sign.text == ":")
        stand_in = _STAND_INS.get(first, "")
        if diagnostic.code in (_OUT_OF_ORDER, _TWICE) or start in self.stand_ins or len(stand_in) > span.end - start:
            return Edit(span, "")
        self.stand_ins[start] = start + len(stand_in)
        return Edit(span, stand_in)

    def _read_alone(self, span: Span, words: list[Lexeme]) -> bool:
        before, clause, after = self.text[: span.start], self.text[span.start : span.end], self.text[span.end :]
        outcome = attempt(_blank(before) + clause + _blank(after), words)
        if isinstance(outcome, ast.Query):
            self.moved.append(outcome)
            return True
        self._keep(outcome[0])
        return False

    def _clause_at(self, at: int, diagnostic: Diagnostic) -> tuple[int, int]:
        """Return the range of words of the clause in which reading stopped."""
        starts = clause_starts(self.text, self.words)
        if diagnostic.code not in (_OUT_OF_ORDER, _TWICE):
            # Reading may stop a word or a clause behind what is wrong, an open parenthesis for example.
            at = min(at, diagnostic.primary.span.start)
        stopped = next((i for i, word in enumerate(self.words) if word.end > at), len(self.words) - 1)
        if diagnostic.code == _FOREIGN_CLAUSE and self._on_new_line(stopped):
            # A clause of another language, such as `having`, is lost alone.
            starts.append(stopped)
        # A clause that may stand there but cannot be read on from ends one that was not complete.
        itself = diagnostic.code in (_OUT_OF_ORDER, _TWICE, _FOREIGN_CLAUSE)
        possible = [i for i in starts if i < stopped or (itself and i == stopped)]
        begin = max((i for i in possible if itself or self.words[i].start not in self.stand_ins), default=0)
        end = min((i for i in starts if i > max(begin, stopped - 1)), default=len(self.words))
        return begin, end

    def _on_new_line(self, index: int) -> bool:
        return index > 0 and "\n" in self.text[self.words[index - 1].end : self.words[index].start]

    def _without_stand_ins(self, query: ast.Query) -> ast.Query:
        real: dict[str, Any] = {"bindings": tuple(b for b in query.bindings if b.span.start not in self.stand_ins)}
        for part in fields(query):
            clause = getattr(query, part.name)
            if isinstance(clause, ast.Node) and clause.span.start in self.stand_ins:
                real[part.name] = None
        return replace(query, **real)


def _merged(query: ast.Query, clause: ast.Query) -> ast.Query:
    """Return a query with the clauses of another one that it lacks."""
    bindings = tuple(sorted((*query.bindings, *clause.bindings), key=lambda binding: binding.span))
    lacking = {
        part.name: getattr(clause, part.name)
        for part in fields(query)
        if part.name not in ("span", "bindings") and getattr(query, part.name) is None
    }
    return replace(query, **lacking, bindings=bindings)


def _blank(text: str) -> str:
    return "".join(char if char == "\n" else " " for char in text)
