"""Syntax errors in the user's terms.

Lark says at which word it stopped and what it would have taken. Most people stop there because
another language's habit slipped in, so the habits are asked first; what is left becomes "expected
this, found that" in plain words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from lark.exceptions import UnexpectedInput, UnexpectedToken

from falconql.diagnostics.model import Diagnostic, Edit, Help, Label
from falconql.diagnostics.suggest import near_names
from falconql.source import Span
from falconql.syntax.habits import HABITS
from falconql.syntax.keywords import keywords
from falconql.syntax.lexemes import Lexeme, clause_starts
from falconql.syntax.place import ErrorPlace, inserting, problem, replacing, short
from falconql.syntax.tables import lark_parser

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
    "EQUAL": "`=`",
    "COMPARISON": "a comparison",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "STAR": "`*`",
    "SLASH": "`/`",
    "NAME": "a name",
    "QUOTED_NAME": "a name",
    "INTEGER": "a whole number",
    "DECIMAL": "a number",
    "PARAMETER": "a parameter",
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
_OPERATORS = {
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
    "LPAR",
}
_CLAUSES = ("FROM", "TEXT_WORD", "USING", "LET", "EACH", "WHERE", "GROUP", "SELECT", "ORDER", "LIMIT")
_EXAMPLE = 'a query is made of clauses, for example `where label("Is the reviewer satisfied?") select id`'


def locate(text: str, words: Sequence[Lexeme], error: UnexpectedInput) -> ErrorPlace:
    """Return the place of Lark's complaint."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        offset = words[-1].end if words else 0
    else:
        offset = error.pos_in_stream or 0
    index = next((i for i, word in enumerate(words) if word.end > offset), len(words))
    # Lark's own list knows only what it would have taken after reductions on the wrong word.
    reading = lark_parser().parse_interactive(text[:offset])
    reading.exhaust_lexer()
    accepted: set[str] = reading.accepts()  # type: ignore[no-untyped-call]
    return ErrorPlace(text, words, index, offset, frozenset(accepted))


def explain_unexpected(place: ErrorPlace) -> Diagnostic:
    """Return what is wrong where reading stopped."""
    word = place.word()
    if word is None:
        return _at_the_end(place)
    opened = place.opened()
    if opened and "RPAR" in place.expected and place.index in clause_starts(place.text, place.words):
        return _unclosed(opened, place.words[place.index - 1].end)
    for habit in HABITS:
        found = habit(place, word)
        if found is not None:
            return found
    return _character(place, word) or _missing_comma(place, word) or _plain(place, word)


def explain_literal(text: str, span: Span) -> Diagnostic:
    """Return the diagnostic for an escape that is none, or a number out of range."""
    written = text[span.start : span.end]
    if not written.startswith("\\"):
        return problem("FQL012", f"the number {short(written)} is too large", span)
    if len(written) == 6:
        help_ = Help(r"write both halves, as in \ud83d\ude00, or the character itself")
        return problem("FQL010", f"`{written}` is half a character", span, help_)
    if written[1] in "{}":
        help_ = replacing("write a brace twice to mean the brace itself", span, written[1] * 2)
    else:
        advice = r"write `\\` for a backslash; the escapes are \n \t \r \" \' \\ and \u with four hex digits"
        help_ = Help(advice, Edit(Span(span.start, span.start + 1), "\\\\"))
    return problem("FQL010", f"`{written}` is not an escape", span, help_)


def _at_the_end(place: ErrorPlace) -> Diagnostic:
    end, last = Span(place.offset, place.offset), place.word(-1)
    opened = place.opened()
    if last is not None and last.text == ",":
        return problem(
            "FQL013", "nothing stands behind this comma", last.span, replacing("remove the comma", last.span, "")
        )
    if opened and "RPAR" in place.expected:
        return _unclosed(opened, place.offset)
    return problem("FQL002", f"the query ends where {_expectation(place.expected)} is expected", end)


def _unclosed(opened: Sequence[Lexeme], offset: int) -> Diagnostic:
    help_ = inserting(f"add `{')' * len(opened)}`", offset, ")" * len(opened))
    message = "this parenthesis is never closed" if len(opened) == 1 else f"{len(opened)} parentheses are never closed"
    others = tuple(Label(word.span) for word in opened[:-1])
    return Diagnostic("FQL003", message, Label(opened[-1].span), secondary=others, helps=(help_,))


def _character(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """A character that no query holds outside of texts."""
    char = word.text[0]
    if char.isprintable() or word.kind != "sign":
        return None
    shown = f"U+{ord(char):04X}"
    name = unicodedata.name(char, "")
    what = f"the character {shown} ({name.lower()})" if name else f"the character {shown}"
    space = " " if char.isspace() else ""
    advice = "put a plain space there" if space else "remove it; inside a text it is written as an escape"
    return problem("FQL020", f"{what} cannot stand in a query", word.span, replacing(advice, word.span, space))


def _missing_comma(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """Two operands side by side where a comma could stand."""
    previous = place.word(-1)
    if previous is None or "COMMA" not in place.expected or not word.operand or _misspelt(place, word):
        return None
    if not previous.operand and previous.text not in (")", "*"):
        return None
    comma = inserting("separate the items with a comma", previous.end, ",")
    message = f"a comma is missing before `{short(word.text)}`"
    if word.kind == "word" and place.item_start() is not None:
        clause = next(
            (place.words[i].lower for i in reversed(clause_starts(place.text, place.words)) if i < place.index), ""
        )
        if clause == "select":
            return problem("FQL004", message, word.span, comma, Help(f"to name the column write `{word.text}: ...`"))
    return problem("FQL004", message, word.span, comma)


def _misspelt(place: ErrorPlace, word: Lexeme) -> str | None:
    """Return the keyword that a word may have been meant as."""
    if word.kind != "word" or len(word.text) < 3:
        return None
    possible = [text for terminal, text in keywords().items() if terminal in place.expected]
    near = [name for name in near_names(word.text, possible) if name != word.lower]
    return near[0] if near else None


def _plain(place: ErrorPlace, word: Lexeme) -> Diagnostic:
    if word.text == ")" and not place.opened():
        help_ = replacing("remove it", word.span, "")
        return problem("FQL003", "this parenthesis closes nothing", word.span, help_)
    meant = _misspelt(place, word)
    found = f"found `{short(word.text)}`"
    if place.index == 0:
        helps = replacing(f"did you mean `{meant}`?", word.span, meant) if meant else Help(_EXAMPLE)
        return problem("FQL002", f"a query begins with a clause, {found}", word.span, helps)
    message = f"expected {_expectation(place.expected)}, {found}"
    if meant is None:
        return problem("FQL002", message, word.span)
    return problem("FQL002", message, word.span, replacing(f"did you mean `{meant}`?", word.span, meant))


def _expectation(expected: frozenset[str]) -> str:
    """Return what could stand here, in plain words, the essential first."""
    if expected >= _OPERAND:
        return "a value"
    if {"NAME", "QUOTED_NAME"} <= expected and "TEXT" not in expected:
        return "a name"
    names = [TERMINAL_NAMES[terminal] for terminal in ("RPAR", "COMMA") if terminal in expected]
    operators: frozenset[str] = frozenset()
    if "AND" in expected:
        operators = expected & (_OPERATORS | {"AND", "OR", "COLON"})
        names += ["an operator"] if names else ["`and`, `or`, another operator"]
    clauses = [terminal for terminal in _CLAUSES if terminal in expected]
    rest = expected - operators - {"RPAR", "COMMA", "$END", "SEMICOLON"} - set(clauses)
    names += [name for terminal, name in TERMINAL_NAMES.items() if terminal in rest]
    names += ["the next clause"] if len(clauses) > 2 else [TERMINAL_NAMES[terminal] for terminal in clauses]
    if "$END" in expected and "the next clause" not in names:
        names.append("the end of the query")
    names = list(dict.fromkeys(names))
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
