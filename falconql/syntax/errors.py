"""Syntax errors in the user's terms.

Lark says at which word it stopped and what it would have taken. Most people stop there because
another language's habit slipped in, so ``habits`` is asked first; what is left becomes "expected
this, found that" in plain words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from falconql.diagnostics.model import Diagnostic, Edit, Help, Label
from falconql.diagnostics.suggest import near_names
from falconql.source import Source, Span
from falconql.syntax import habits
from falconql.syntax.lexemes import CLAUSES, Lexeme, clause_starts

TERMINAL_NAMES = {
    "FROM": "`from`",
    "TEXT_WORD": "`text`",
    "USING": "`using`",
    "LLM": "`llm`",
    "LET": "`let`",
    "EACH": "`each`",
    "WHERE": "`where`",
    "GROUP": "`group by`",
    "BY": "`by`",
    "SELECT": "`select`",
    "ORDER": "`order by`",
    "LIMIT": "`limit`",
    "ASC": "`asc`",
    "DESC": "`desc`",
    "OR": "`or`",
    "AND": "`and`",
    "NOT": "`not`",
    "IN": "`in`",
    "CONTAINS": "`contains`",
    "STARTS": "`starts with`",
    "WITH": "`with`",
    "MATCHES": "`matches`",
    "IS": "`is null`",
    "NULL": "`null`",
    "TRUE": "`true`",
    "FALSE": "`false`",
    "COMPARISON": "a comparison",
    "EQUAL": "`=`",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "STAR": "`*`",
    "SLASH": "`/`",
    "NAME": "a name",
    "QUOTED_NAME": "a name",
    "PARAMETER": "a parameter",
    "INTEGER": "a whole number",
    "DECIMAL": "a number",
    "TEXT": "a quoted text",
    "REGEX": "a regular expression such as /refurb/i",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "SEMICOLON": "the end of the query",
    "$END": "the end of the query",
    "COMMENT": "a comment",
    "WHITESPACE": "white space",
}
_OPERAND = {"NAME", "QUOTED_NAME", "PARAMETER", "INTEGER", "DECIMAL", "TEXT", "LPAR"}
_SIGNS = {
    "COMPARISON",
    "EQUAL",
    "PLUS",
    "MINUS",
    "STAR",
    "SLASH",
    "CONTAINS",
    "STARTS",
    "MATCHES",
    "IS",
    "IN",
}
_CONNECTIVES = {"AND", "OR"}
_CLAUSE_TERMINALS = {
    "from": "FROM",
    "text": "TEXT_WORD",
    "using": "USING",
    "let": "LET",
    "each": "EACH",
    "where": "WHERE",
    "group": "GROUP",
    "select": "SELECT",
    "order": "ORDER",
    "limit": "LIMIT",
}
MOST_NESTING = 100
MOST_DIGITS = 300


@dataclass(frozen=True, slots=True)
class ErrorPlace:
    """Where reading stopped: the text, its words without comments, and Lark's complaint."""

    text: str
    words: Sequence[Lexeme]
    error: UnexpectedInput

    @property
    def offset(self) -> int:
        """The source offset at which reading stopped; the end of the last word at the text's end."""
        error = self.error
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            return self.words[-1].end if self.words else 0
        return error.pos_in_stream or 0

    @property
    def index(self) -> int:
        """The index of the word at which reading stopped; one past the last at the end."""
        return next((i for i, word in enumerate(self.words) if word.end > self.offset), len(self.words))

    @property
    def expected(self) -> frozenset[str]:
        """The terminals that would have been read on."""
        error = self.error
        if isinstance(error, UnexpectedCharacters):
            return frozenset(error.allowed or ())
        assert isinstance(error, UnexpectedToken)
        return frozenset(error.expected)

    def word(self, relative: int = 0) -> Lexeme | None:
        """Return the word at which reading stopped, or one before or after it."""
        index = self.index + relative
        return self.words[index] if 0 <= index < len(self.words) else None


def explain_unexpected(place: ErrorPlace) -> Diagnostic:
    """Return what is wrong where reading stopped."""
    return habits.explain(place) or _clause_problem(place) or _missing_comma(place) or _plain(place)


def explain_escape(text: str, span: Span) -> Diagnostic:
    """Return the diagnostic for a backslash that escapes nothing."""
    return Diagnostic(
        "FQL010",
        f"`{text[span.start : span.end]}` is not an escape",
        Label(span),
        helps=(
            Help(
                r"write `\\` for a backslash; the escapes are \n \t \r \" \' \\ and \u with four hex digits",
                Edit(Span(span.start, span.start + 1), "\\\\"),
            ),
        ),
    )


def screen(source: Source, words: Sequence[Lexeme]) -> Diagnostic | None:
    """Return what makes a text unreadable as a whole: nothing in it, or too deep for any parser."""
    if not words:
        return Diagnostic(
            "FQL001",
            "the query is empty",
            Label(Span(0, 0)),
            helps=(Help('a query needs at least a `where`, an `each` or a `select`, e.g. `where label("...")`'),),
        )
    depth = run = 0
    for word in words:
        depth += (word.text == "(") - (word.text == ")")
        run = run + 1 if word.lower in ("not", "-") else 0
        if max(depth, run) > MOST_NESTING:
            message = f"expressions nest more than {MOST_NESTING} levels deep here"
            return Diagnostic("FQL011", message, Label(word.span), helps=(Help("take parts out with `let`"),))
        if word.kind == "number" and len(word.text) > MOST_DIGITS:
            return Diagnostic("FQL012", f"a number of {len(word.text)} signs is too long", Label(word.span))
    return None


def _clause_problem(place: ErrorPlace) -> Diagnostic | None:
    """A clause word where no such clause can be: twice, or too late."""
    word = place.word()
    if word is None or word.kind != "word" or word.lower not in CLAUSES:
        return None
    starts = clause_starts(place.text, place.words)
    if place.index not in starts:
        return None
    earlier = [place.words[i] for i in starts if i < place.index]
    name = _clause_name(word.lower)
    same = [clause for clause in earlier if clause.lower == word.lower]
    if same and word.lower not in ("let", "each"):
        hint = "join the conditions with `and`" if word.lower == "where" else f"keep one `{name}`"
        return Diagnostic(
            "FQL008",
            f"`{name}` is written twice",
            Label(word.span, "again here"),
            secondary=(Label(same[0].span, "first here"),),
            helps=(Help(hint),),
        )
    rank = _rank(word.lower)
    later = [clause for clause in earlier if _rank(clause.lower) > rank]
    if not later:
        return None
    return Diagnostic(
        "FQL007",
        f"`{name}` must come before `{_clause_name(later[0].lower)}`",
        Label(word.span, "move this clause up"),
        secondary=(Label(later[0].span, "before this one"),),
        helps=(Help("the order is: from, text, using, let and each, where, group by, select, order by, limit"),),
    )


def _clause_name(word: str) -> str:
    return f"{word} by" if word in ("group", "order") else word


def _rank(word: str) -> int:
    return CLAUSES.index("let" if word == "each" else word)


def _missing_comma(place: ErrorPlace) -> Diagnostic | None:
    """Two operands side by side where a comma could stand."""
    word, previous = place.word(), place.word(-1)
    if word is None or previous is None or "COMMA" not in place.expected:
        return None
    operand = word.kind in ("text", "number", "quoted", "parameter") or (
        word.kind == "word" and not _misspelt(place, word)
    )
    ended = previous.text == ")" or previous.kind in ("word", "text", "number", "quoted", "parameter")
    if not (operand and ended):
        return None
    gap = Span(previous.end, previous.end)
    return Diagnostic(
        "FQL004",
        f"a comma is missing before `{_shown(word)}`",
        Label(word.span),
        helps=(Help("separate the items with a comma", Edit(gap, ",")),),
    )


def _misspelt(place: ErrorPlace, word: Lexeme) -> str | None:
    """Return the keyword that a word may have been meant as."""
    keywords = {
        TERMINAL_NAMES[t].strip("`").split()[0] if t != "STARTS" else "starts"
        for t in place.expected
        if TERMINAL_NAMES.get(t, "").startswith("`") and TERMINAL_NAMES[t][1].isalpha()
    }
    if len(word.text) < 3:
        return None
    near = [name for name in near_names(word.text, keywords) if name != word.lower]
    return near[0] if near else None


def _plain(place: ErrorPlace) -> Diagnostic:
    word = place.word()
    expected = _expectation(place.expected)
    if word is None:
        end = Span(place.offset, place.offset)
        opened = _unclosed(place)
        if opened is not None and "RPAR" in place.expected:
            return Diagnostic(
                "FQL003",
                "this parenthesis is never closed",
                Label(opened.span),
                helps=(Help("add `)`", Edit(end, ")")),),
            )
        return Diagnostic("FQL002", f"the query ends where {expected} is expected", Label(end))
    if not word.text.isprintable():
        return _unprintable(word)
    meant = _misspelt(place, word) if word.kind == "word" else None
    if meant is not None:
        return Diagnostic(
            "FQL002",
            f"expected {expected}, found `{_shown(word)}`",
            Label(word.span),
            helps=(Help(f"did you mean `{meant}`?", Edit(word.span, meant)),),
        )
    if word.text == ")" and _unclosed(place) is None:
        return Diagnostic(
            "FQL003",
            "this parenthesis closes nothing",
            Label(word.span),
            helps=(Help("remove it", Edit(word.span, "")),),
        )
    return Diagnostic("FQL002", f"expected {expected}, found `{_shown(word)}`", Label(word.span))


def _unprintable(word: Lexeme) -> Diagnostic:
    help_ = Help("remove it; inside a text it is written as an escape", Edit(word.span, ""))
    message = f"the invisible character U+{ord(word.text[0]):04X} cannot stand in a query"
    return Diagnostic("FQL002", message, Label(word.span), helps=(help_,))


def _unclosed(place: ErrorPlace) -> Lexeme | None:
    """Return the innermost parenthesis that is open where reading stopped."""
    opened: list[Lexeme] = []
    for word in place.words[: place.index]:
        if word.text == "(":
            opened.append(word)
        elif word.text == ")" and opened:
            opened.pop()
    return opened[-1] if opened else None


def _shown(word: Lexeme) -> str:
    return word.text if len(word.text) <= 30 else word.text[:29] + "…"


def _expectation(expected: frozenset[str]) -> str:
    """Return what could stand here, in plain words, the essential first."""
    if expected >= _OPERAND:
        return "a value or an expression"
    if {"NAME", "QUOTED_NAME"} <= expected and "TEXT" not in expected:
        return "a name"
    names: list[str] = []
    if "RPAR" in expected:
        names.append("`)`")
    if "COMMA" in expected:
        names.append("`,`")
    operators = expected & _SIGNS if len(expected & _SIGNS) > 2 else frozenset()
    if operators:
        operators |= expected & (_CONNECTIVES | {"LPAR", "COLON", "ASC", "DESC"})
        names.append("an operator")
    clauses = [t for t in _CLAUSE_TERMINALS.values() if t in expected]
    rest = expected - operators - {"RPAR", "COMMA", "$END", "SEMICOLON"} - set(clauses)
    names += [TERMINAL_NAMES[t] for t in TERMINAL_NAMES if t in rest and t not in ("COMMENT", "WHITESPACE")]
    if len(clauses) > 2:
        names.append("the next clause")
    else:
        names += [TERMINAL_NAMES[t] for t in clauses]
    if "$END" in expected and "the next clause" not in names:
        names.append("the end of the query")
    names = list(dict.fromkeys(names)) or ["something else"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
