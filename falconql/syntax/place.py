"""The place at which reading a query stopped, with what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from falconql.diagnostics.model import Diagnostic, Edit, Help, Label
from falconql.source import Span
from falconql.syntax.lexemes import CLAUSES, COLUMN_WORDS, Lexeme, clause_starts

_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_ARITHMETIC = ("+", "-", "*", "/")


@dataclass(frozen=True, slots=True)
class ErrorPlace:
    """Where reading stopped.

    Attributes:
        text: the query text.
        words: its words and signs without comments.
        index: the number of the word at which reading stopped; one past the last at the end.
        offset: the source offset at which reading stopped.
        expected: the terminals that could have stood here, no more and no less.
    """

    text: str
    words: Sequence[Lexeme]
    index: int
    offset: int
    expected: frozenset[str]

    def word(self, relative: int = 0) -> Lexeme | None:
        """Return the word at which reading stopped, or one before or after it."""
        index = self.index + relative
        return self.words[index] if 0 <= index < len(self.words) else None

    def lower(self, relative: int) -> str:
        """Return a word in lower case, empty where there is none."""
        word = self.word(relative)
        return word.lower if word else ""

    def opened(self) -> list[Lexeme]:
        """Return the parentheses that are open where reading stopped, outermost first."""
        opened: list[Lexeme] = []
        for word in self.words[: self.index]:
            if word.text == "(":
                opened.append(word)
            elif word.text == ")" and opened:
                opened.pop()
        return opened

    def operand_start(self, last: int) -> int | None:
        """Return the index of the first word of the name, literal, call or group that ends with word ``last``."""
        if not 0 <= last < len(self.words):
            return None
        word = self.words[last]
        if word.text != ")":
            return last if word.kind in ("word", "quoted", "text", "number", "parameter") else None
        depth = 0
        for index in range(last, -1, -1):
            depth += (self.words[index].text == ")") - (self.words[index].text == "(")
            if depth == 0:
                called = index > 0 and self.words[index - 1].kind == "word" and self._touch(index)
                return index - 1 if called else index
        return None

    def item_start(self) -> int | None:
        """Return the index of the first word of the list item that reading stopped in, None inside parentheses."""
        depth = 0
        for index in range(self.index - 1, -1, -1):
            word = self.words[index]
            depth += (word.text == ")") - (word.text == "(")
            if depth < 0:
                return None
            if depth == 0 and (word.text == "," or word.lower in ("select", "by")):
                return index + 1
        return None

    def item_end(self) -> int:
        """Return where the list item behind the present word ends."""
        depth, end = 0, self.words[self.index].end
        starts = clause_starts(self.text, self.words)
        for index in range(self.index + 1, len(self.words)):
            word = self.words[index]
            # Right behind the colon a clause word would be the value, by what stands before it.
            clause = index in starts or (index == self.index + 1 and self._begins_next(index))
            if depth == 0 and (word.text in (",", ";", ")") or clause):
                break
            depth += (word.text == "(") - (word.text == ")")
            end = word.end
        return end

    def _begins_next(self, index: int) -> bool:
        """Return whether a clause word with a value of its own stands where a list item has none."""
        word, following = self.words[index], self.words[index + 1 : index + 2]
        if word.kind != "word" or word.lower not in CLAUSES or not following:
            return False
        if word.lower in COLUMN_WORDS:
            return following[0].lower == "by"
        return following[0].operand or following[0].text in ("*", "(")

    def closing(self, index: int) -> int | None:
        """Return the index of the bracket that closes the one at ``index``."""
        depth = 0
        for i in range(index, len(self.words)):
            text = self.words[i].text
            depth += (text in _OPENING) - (text in _CLOSING)
            if depth == 0:
                return i
        return None

    def slice(self, first: int, last: int) -> str:
        """Return the text from one word to another, both included."""
        return self.text[self.words[first].start : self.words[last].end]

    def inside_a_value(self, start: int) -> bool:
        """Return whether the operand that begins with a word only ends a larger value, as ``b`` of ``a + b``."""
        return start > 0 and self.words[start - 1].text in (*_ARITHMETIC, *COMPARISONS[1:])

    def negated(self, start: int) -> bool:
        """Return whether a ``not`` stands before a word, which would bind more tightly than an ``and`` behind it."""
        return start > 0 and self.words[start - 1].lower == "not"

    def removing(self, advice: str, span: Span) -> Help:
        """Return advice that leaves something out, with a space where two words would become one."""
        joined = all(char.isalnum() or char == "_" for char in self._around(span))
        return replacing(advice, span, " " if joined else "")

    def putting(self, advice: str, span: Span, word: str) -> Help:
        """Return advice that puts a word for a sign, with a space where it would touch another word."""
        before, after = self._around(span)
        lead = " " if before and not before.isspace() and before != "(" and not word[0].isspace() else ""
        tail = " " if after and not after.isspace() else ""
        return replacing(advice, span, lead + word + tail)

    def _around(self, span: Span) -> tuple[str, str]:
        """Return the characters before and behind a span, empty at the ends of the text."""
        return self.text[max(span.start - 1, 0) : span.start], self.text[span.end : span.end + 1]

    def _touch(self, index: int) -> bool:
        return self.words[index - 1].end == self.words[index].start


def goes_on(word: Lexeme | None) -> bool:
    """Return whether an operand goes on with this word."""
    return word is not None and word.text in (*_ARITHMETIC, "(")


def problem(code: str, message: str, span: Span, *helps: Help, label: str = "") -> Diagnostic:
    """Return an error with advice."""
    return Diagnostic(code, message, Label(span, label), helps=helps)


def no_operator(word: Lexeme, help_: Help) -> Diagnostic:
    """Return an error about a word or sign that is an operator elsewhere only."""
    return problem("FQL006", f"`{word.text}` is not an operator", word.span, help_)


def replacing(text: str, span: Span, new_text: str) -> Help:
    """Return advice that replaces what stands under a span."""
    return Help(text, Edit(span, new_text))


def inserting(text: str, offset: int, new_text: str) -> Help:
    """Return advice that puts something in."""
    return Help(text, Edit(Span(offset, offset), new_text))


def short(text: str, most: int = 30) -> str:
    """Return a text as it is shown inside a message."""
    return text if len(text) <= most else text[: most - 1] + "…"
