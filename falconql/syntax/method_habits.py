"""Habits from Python, pandas and JavaScript about what stands behind a dot; see ``habits``."""

from __future__ import annotations

from itertools import pairwise

from falconql.diagnostics.model import Diagnostic, Help
from falconql.source import Span
from falconql.syntax.lexemes import PARTS_ELSEWHERE, PARTS_OF_DATES, WEEKDAYS, Lexeme
from falconql.syntax.operator_habits import OPERATOR_WORDS
from falconql.syntax.place import ErrorPlace, problem, replacing, short
from falconql.syntax.printer import name_text

# What methods of other languages are called here that stand between two values.
_OPERATORS = frozenset(OPERATOR_WORDS.values()) - {"in", "is null", "is not null"} | {"contains", "matches"}
# What pandas puts before its methods for texts.
_ACCESSORS = frozenset({"str"})
# What Python's programs call libraries and tables.
_MODULES = frozenset({"pd", "np", "df", "pandas", "numpy"})
_LENGTHS = frozenset({"length", "len", "size"})
# A hint that must be read as a whole is shown up to here.
_LONG = 80


def method(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``body.startswith("x")``, ``df.stars``."""
    if word.text != ".":
        return None
    name, value, start = place.word(1), place.word(3), place.operand_start(place.index - 1)
    if "NAME" in place.expected and name is not None and name.kind == "word" and name.start == word.end:
        help_ = place.removing("a column is written by its name alone", word.span)
        return problem("FQL006", "no `.` stands before a name", word.span, help_)
    if name is None or name.kind != "word" or start is None:
        return problem("FQL006", "`.` means nothing here", word.span)
    span = Span(word.start, name.end)
    right = OPERATOR_WORDS.get(name.lower, name.lower)
    if place.lower(2) == "(" and right in ("contains", "starts with") and place.lower(4) == ")" and value is not None:
        end = place.words[place.index + 4].end
        help_ = replacing(f"write `{right}`", Span(word.start, end), f" {right} {value.text}")
        return problem("FQL006", "values have no methods", span, help_)
    before = place.slice(start, place.index - 1)
    given = _given(place, before) and place.words[start].kind == "word"
    if before in _MODULES and not given:
        span = Span(place.words[start].start, word.end)
        return problem("FQL006", f"there is no `{before}` here", span, replacing(f"leave `{before}.` out", span, ""))
    if place.lower(2) == "(":
        return problem("FQL006", "values have no methods", span, _without_method(place, start, before, right))
    if name.lower in _ACCESSORS and place.lower(2) == ".":
        return problem("FQL006", "values have no methods", span, replacing(f"leave `.{name.text}` out", span, ""))
    whole, span = f"{before}.{name.text}", Span(place.words[start].start, name.end)
    message = f"`{short(whole)}` is not a name"
    called = place.words[start + 1].text == "(" and place.words[start].lower in ("label", "span", "first")
    if called or given:
        return problem("FQL006", message, span, _part_of_span(before, name, span))
    helps = []
    if name.lower in _LENGTHS:
        helps.append(replacing(f"write `length({short(before)})`", span, f"length({before})"))
    part, last = name.lower, name.end
    if part == "dt" and place.lower(2) == "." and place.lower(3) in PARTS_ELSEWHERE:
        called = place.lower(4) == "(" and place.lower(5) == ")"
        part, last = place.lower(3), place.words[place.index + (5 if called else 3)].end
    if part == "dt":
        helps.append(Help(PARTS_OF_DATES))
    if part in PARTS_ELSEWHERE:
        written = f"{PARTS_ELSEWHERE[part]}({before})"
        note = WEEKDAYS if PARTS_ELSEWHERE[part] == "weekday" else ""
        helps.append(replacing(f"write `{short(written)}`{note}", Span(span.start, last), written))
    helps += [
        Help(f"a column is written by its name alone, in back-ticks if it holds a dot: {name_text(whole)}"),
        Help("the fields of a nested object cannot be read: flatten it first, as `pandas.json_normalize` does"),
    ]
    return problem("FQL006", message, span, *helps)


def _without_method(place: ErrorPlace, start: int, value: str, called: str) -> Help:
    """Return how a call of a method is said, whose name in FalconQL is ``called``."""
    first, last = place.index + 3, place.closing(place.index + 2)
    if last is None or "AND" not in place.expected:
        return Help("functions are called as `function(value)`")
    span, given = Span(place.words[start].start, place.words[last].end), ""
    if called == "in" and place.lower(3) in ("[", "(", "{") and place.closing(first) == last - 1:
        first, last = first + 1, last - 1
    if last > first:
        given = place.slice(first, last - 1)
    if called == "between":
        return Help("write two comparisons: `x >= 1 and x <= 3`")
    if called in _OPERATORS or (called == "in" and not given):
        return Help(f"write `{short(value)} {called} ...`")
    if called == "in":
        right = f"{value} in ({given})"
    elif called.startswith("is "):
        right = f"{value} {called}"
    else:
        right = f"{called}({value}, {given})" if given else f"{called}({value})"
        return replacing(f"functions are called as `{short(right, _LONG)}`", span, right)
    return replacing(f"write `{short(right, _LONG)}`", span, right)


def _given(place: ErrorPlace, name: str) -> bool:
    """Return whether a ``let`` or ``each`` gives a name."""
    pairs = pairwise(place.words[: place.index])
    return any(first.lower in ("let", "each") and second.text == name for first, second in pairs)


def _part_of_span(value: str, part: Lexeme, span: Span) -> Help:
    """Return how a part of a span is said, which other languages reach with a dot."""
    if part.lower in ("text", "value", "string"):
        return replacing(f"a span stands for its text: write `{short(value)}`", span, value)
    if part.lower in ("score", "confidence", "probability"):
        return replacing(f"write `score({short(value)})`", span, f"score({value})")
    if part.lower in ("start", "end", "offset", "length"):
        return Help(f"the offsets of a span are only in the result, where `{short(value)}` is selected")
    return Help(f"values have no parts: `{short(value)}` is the text of a span, `score({short(value)})` its score")
