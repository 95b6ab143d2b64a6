"""A tolerant look at a query's words, for error messages and for comments.

The parser has its own contextual lexer; this one cannot fail and knows no grammar. It is only good
enough to see where clauses begin, what stands around an error, and where comments are.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from falconql.source import Span

# What only other languages write comes as one piece: their comments, their operators, `3abc`.
_LEXEME = re.compile(
    r"""
    (?P<comment>--[^\n]*)
  | (?P<foreign_comment>\#[^\n]*|(?<!:)//[^\n]*|/\*(?:.|\n)*?\*/)
  | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<open_text>["'][^\n]*)
  | (?P<quoted>`(?:[^`\n]|``)+`)
  | (?P<open_name>`[^\n]*)
  | (?P<number>\.?\d(?:[eE][+-]?\d|\.(?=\d)|\w)*\.?)
  | (?P<parameter>\$\w*)
  | (?P<word>[^\W\d]\w*)
  | (?P<sign>===|!==|<=>|==|<>|!=|<=|>=|=>|=<|=!|=~|!~|&&|\|\||\*\*|:=|::|[^ \t\r\n\f\u00a0\ufeff])
    """,
    re.VERBOSE,
)
_REGEX = re.compile(r"/(?:[^/\\\n]|\\.)+/[A-Za-z]*")

CLAUSES = ("from", "text", "using", "let", "each", "where", "group", "select", "order", "limit")
# Clause words that people also give to columns; what follows tells which it is.
COLUMN_WORDS = frozenset({"text", "limit", "group", "order", "each"})
# The functions that take a part out of a date, and how to say so.
DATE_PARTS = ("year", "quarter", "month", "day", "weekday", "hour")
# What other languages call them. Their weeks begin with 0, on Mondays or on Sundays.
PARTS_ELSEWHERE = {part: part for part in DATE_PARTS} | dict.fromkeys(
    ("dow", "isodow", "dayofweek", "day_of_week"), "weekday"
)
WEEKDAYS = ", in which Monday is 1 and Sunday 7"
PARTS_OF_DATES = f"the parts of a date are {', '.join(f'`{part}(x)`' for part in DATE_PARTS[:-1])} and `hour(x)`"
_OPERATOR_WORDS = frozenset({"is", "in", "contains", "starts", "matches", "and", "or", "asc", "desc"})
_EXPECTING = frozenset({"and", "or", "not", "in", "contains", "with", "matches", "let", "by", "select", "where"})


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A word or sign with its kind, the name of a group of ``_LEXEME`` or ``regex``."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset behind the last character."""
        return self.start + len(self.text)

    @property
    def span(self) -> Span:
        """The range in the source."""
        return Span(self.start, self.end)

    @property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @property
    def operand(self) -> bool:
        """Whether this could be a whole operand."""
        return self.kind in ("word", "quoted", "text", "number", "parameter")


def lexemes(text: str, regexes: Container[int] | None = None) -> list[Lexeme]:
    """Return the words and signs of a query text, comments included, in order.

    ``regexes`` are the offsets at which regular expressions begin, where the parser has found them;
    without them one is taken to begin behind a ``matches`` that is not the name of a column.
    """
    found: list[Lexeme] = []
    # An operand has just ended; and so it had before the ``matches`` that came last, if one did.
    position, ended, tested = 0, False, False
    while match := _LEXEME.search(text, position):
        kind = match.lastgroup or "sign"
        if text[match.start()] == "/" and (tested if regexes is None else match.start() in regexes):
            regex = _REGEX.match(text, match.start())
            if regex:
                match, kind = regex, "regex"
        word = Lexeme(kind, match.group(), match.start())
        found.append(word)
        position = match.end()
        if kind != "comment":
            tested = ended and kind == "word" and word.lower == "matches"
            ended = _ends_operand(word, ended) and not tested
    return found


def _ends_operand(word: Lexeme, ended: bool) -> bool:
    """Return whether an operand seems to end with a word; ``ended``: whether one did just before it."""
    if word.kind != "word":
        return word.kind != "sign" or word.text == ")"
    if word.lower == "not":
        return ended
    return word.lower == "matches" or word.lower not in _EXPECTING


def clause_starts(text: str, words: Sequence[Lexeme]) -> list[int]:
    """Return the indices into ``words`` (without comments) at which clauses seem to begin.

    A clause word begins a clause where an expression has just ended, or at the start of a line
    unless what follows shows that it is a column (``limit > 3``).
    """
    return [index for index, word in enumerate(words) if word.lower in CLAUSES and _begins_clause(text, words, index)]


def _begins_clause(text: str, words: Sequence[Lexeme], index: int) -> bool:
    word = words[index]
    if word.kind != "word":
        return False
    previous = words[index - 1] if index else None
    if previous is not None and _expects_operand(text, previous, word):
        return False
    if word.lower == "from" and index > 2 and words[index - 2].text == "(" and words[index - 3].lower == "extract":
        return False  # SQL's `extract(year from x)`
    return word.lower not in COLUMN_WORDS or _is_followed(words, index)


def _expects_operand(text: str, previous: Lexeme, word: Lexeme) -> bool:
    """Whether an operand must follow, so that a clause word there is a column."""
    if previous.kind == "sign":
        new_line = "\n" in text[previous.end : word.start]
        return previous.text not in (")", "*", ";", "]", "}") and not (new_line and previous.text != ",")
    return previous.kind == "word" and previous.lower in _EXPECTING


def names_column(words: Sequence[Lexeme], index: int) -> bool:
    """Tell whether a word where only a value can be names a column, and no clause that begins without that value."""
    word = words[index]
    return word.lower not in CLAUSES or word.lower == "text" or not _is_clause(words, index)


def _is_clause(words: Sequence[Lexeme], index: int) -> bool:
    word = words[index].lower
    return word in CLAUSES and (word not in COLUMN_WORDS or _is_followed(words, index))


def _is_followed(words: Sequence[Lexeme], index: int) -> bool:
    """Whether a clause word that may be a column, too, is followed by what its clause begins with."""
    word = words[index]
    following, then = (words[i] if i < len(words) else None for i in (index + 1, index + 2))
    if following is None:
        return word.lower != "text"
    if word.lower in ("text", "limit") and _is_clause(words, index + 1):
        return False
    if word.lower == "text" and then is not None and then.kind in ("text", "number", "regex"):
        return False  # `text like "x"`
    if word.lower in ("group", "order"):
        return following.lower == "by" or following.kind in ("word", "quoted")
    if word.lower == "limit":
        return following.kind in ("number", "parameter", "word") or following.text == "-"
    return following.kind in ("word", "quoted", "text") and following.lower not in _OPERATOR_WORDS
