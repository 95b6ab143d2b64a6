"""A tolerant look at a query's words, for error messages and for comments.

The parser has its own contextual lexer; this one cannot fail and knows no grammar. It is only good
enough to see where clauses begin, what stands around an error, and where comments are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from falconql.source import Span

_LEXEME = re.compile(
    r"""
    (?P<comment>--[^\n]*)
  | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<open_text>["'][^\n]*)
  | (?P<quoted>`[^`\n]*`?)
  | (?P<number>(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?)
  | (?P<parameter>\$\w*)
  | (?P<word>[^\W\d]\w*)
  | (?P<sign>==|<>|!=|<=|>=|&&|\|\||\S)
    """,
    re.VERBOSE,
)
_REGEX = re.compile(r"/(?:[^/\\\n]|\\.)+/[A-Za-z]*")

CLAUSES = ("from", "text", "using", "let", "each", "where", "group", "select", "order", "limit")


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A word or sign with its kind: comment, text, open_text, quoted, number, parameter, word, regex, sign."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)

    @property
    def lower(self) -> str:
        return self.text.lower()


def lexemes(text: str) -> list[Lexeme]:
    """Return the words and signs of a query text, comments included, in order."""
    found: list[Lexeme] = []
    position = 0
    while match := _LEXEME.search(text, position):
        kind = match.lastgroup or "sign"
        if match.group() == "/" and found and found[-1].lower == "matches":
            regex = _REGEX.match(text, match.start())
            if regex:
                match, kind = regex, "regex"
        found.append(Lexeme(kind, match.group(), match.start()))
        position = match.end()
    return found


def clause_starts(text: str, words: Sequence[Lexeme]) -> list[int]:
    """Return the indices into ``words`` (without comments) at which clauses seem to begin.

    A clause word begins a clause where an expression has just ended, or at the start of a line
    unless what follows shows that it is a column (``limit > 3``).
    """
    starts = []
    for index, word in enumerate(words):
        if word.kind != "word" or word.lower not in CLAUSES:
            continue
        previous = words[index - 1] if index else None
        following = words[index + 1] if index + 1 < len(words) else None
        new_line = previous is None or "\n" in text[previous.end : word.start]
        if _continues(previous) or (not new_line and not _ends_operand(previous)):
            continue
        if word.lower in ("text", "limit", "group", "order", "each") and not _may_follow(word, following):
            continue
        starts.append(index)
    return starts


def _continues(previous: Lexeme | None) -> bool:
    """Whether an operand must follow, so that a clause word here is a column."""
    if previous is None:
        return False
    if previous.kind == "sign":
        return previous.text not in (")", "*", ";")
    return previous.lower in ("and", "or", "not", "in", "contains", "with", "matches", "let", "by", "select")


def _ends_operand(previous: Lexeme | None) -> bool:
    return previous is None or previous.kind != "sign" or previous.text in (")", "*")


def _may_follow(word: Lexeme, following: Lexeme | None) -> bool:
    if following is None:
        return word.lower != "text"
    if word.lower in ("group", "order"):
        return following.lower == "by" or following.kind in ("word", "quoted")
    if word.lower == "limit":
        return following.kind in ("number", "parameter") or following.text == "-"
    return following.kind in ("word", "quoted") and following.lower not in (
        "is",
        "in",
        "contains",
        "starts",
        "matches",
        "and",
        "or",
        "asc",
        "desc",
    )
