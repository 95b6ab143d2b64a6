"""Habits from SQL, Python and pandas about naming values; see ``habits``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from falconql.diagnostics.model import Diagnostic, Help
from falconql.source import Span
from falconql.syntax.lexemes import Lexeme, clause_starts
from falconql.syntax.operator_habits import TESTS
from falconql.syntax.place import ErrorPlace, inserting, problem, replacing, short


def binding(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``let x "..."``, ``each x = spans(...)``."""
    first = place.lower(-2)
    if first not in ("let", "each") or place.expected not in ({"EQUAL"}, {"IN"}):
        return None
    right = "=" if first == "let" else "in"
    closing = place.closing(place.index)
    if word.text == "(" and first == "each" and closing is not None:
        return _list_first(place, closing)
    advice = f"write `{first} {place.lower(-1)} {right} expression`"
    if word.operand and word.lower not in ("in", "be", "as", "of"):
        return problem("FQL002", f"`{right}` is missing", word.span, inserting(advice, word.start, f"{right} "))
    return problem(
        "FQL002", f"`{right}` is needed here, not `{word.text}`", word.span, replacing(advice, word.span, right)
    )


def _list_first(place: ErrorPlace, closing: int) -> Diagnostic:
    """``each spans("...") as who``."""
    as_, name = (place.words[i] if i < len(place.words) else None for i in (closing + 1, closing + 2))
    message, called = "the name of an element comes first", place.index - 1
    if as_ is None or name is None or as_.lower != "as" or name.kind not in ("word", "quoted"):
        span = Span(place.words[called].start, place.words[closing].end)
        return problem("FQL018", message, span, Help("write `each name in list`"))
    span, value = Span(place.words[called].start, name.end), place.slice(called, closing)
    right = f"{name.text} in {value}"
    return problem("FQL018", message, span, replacing(f"write `each {short(right, 60)}`", span, right))


def named_key(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``group by who: lower(person)``."""
    name, start = place.word(-1), place.item_start()
    starts = [i for i in clause_starts(place.text, place.words) if i < place.index]
    if word.text != ":" or name is None or start != place.index - 1 or not starts:
        return None
    clause = place.words[starts[-1]]
    if clause.lower not in ("group", "order") or name.kind not in ("word", "quoted"):
        return None
    message = f"`{clause.lower} by` gives no names"
    end = place.item_end()
    value = place.text[word.end : end].strip()
    before = {place.words[i].lower for i in starts}
    following = place.words[place.index + 1 :]
    mentioned = [w.text for w, after in pairwise((*following, word)) if w.end <= end and after.text != "("]
    if name.text in (*mentioned, *_given_names(place.words[: starts[-1]])):
        let = f"let ... = {value or '...'}"
        shown = f"name it before, with a name of its own: `{short(let, 60)}`"
        return problem("FQL018", message, word.span, Help(shown))
    let = f"let {name.text} = {value or '...'}"
    shown = f"name it before: `{short(let, 60)}`, then `{clause.lower} by {name.text}`"
    if not value or before & {"let", "each", "where"} or clause.lower != "group":
        return problem("FQL018", message, word.span, Help(shown))
    span = Span(clause.start, end)
    keys = place.text[clause.start : name.start]
    return problem("FQL018", message, word.span, replacing(shown, span, f"{let}\n{keys}{name.text}"))


def _given_names(words: Sequence[Lexeme]) -> list[str]:
    """Return the names that ``let`` and ``each`` give."""
    return [name.text for first, name in pairwise(words) if first.lower in ("let", "each")]


def several_lets(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``let x = 1, y = 2``, ``each x in a, y in b``."""
    starts = [i for i in clause_starts(place.text, place.words) if i < place.index]
    first = place.words[starts[-1]].lower if starts else ""
    if first not in ("let", "each") or place.opened() or "WHERE" not in place.expected:
        return None
    if first == "each" and word.text == "," and place.lower(2) == "in":
        advice = "each list has an `each` of its own"
        help_ = place.putting(advice, word.span, "\neach")
        return problem("FQL002", "one `each` goes through one list", word.span, help_)
    if first == "each":
        return None
    advice = "each value has a `let` of its own"
    if word.text == "," and place.lower(2) == "=":
        return problem("FQL002", "one `let` names one value", word.span, place.putting(advice, word.span, "\nlet"))
    if word.kind == "word" and place.lower(1) == "=" and place.lower(-1) != "let":
        return problem("FQL002", "one `let` names one value", word.span, inserting(advice, word.start, "let "))
    return None


def missing_clause(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars > 3 select id``, ``text body price = span("...")``."""
    starts = clause_starts(place.text, place.words)
    if not word.operand or place.lower(1) not in TESTS or "LET" not in place.expected or "AND" in place.expected:
        return None
    filtered = any(place.words[i].lower == "where" for i in starts)
    named = word.kind == "word" and place.lower(1) == "=" and (filtered or place.lower(3) == "(")
    if filtered and not named:
        return None
    clause, advice = ("let", "write `let name = expression`") if named else ("where", "write `where condition`")
    return problem("FQL002", f"`{clause}` is missing", word.span, inserting(advice, word.start, f"{clause} "))


def corpus_alias(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``from "a.csv" as r``, ``from "a.csv" r``."""
    name = place.index + (word.lower == "as")
    if place.lower(-2) != "from" or word.kind != "word" or name >= len(place.words):
        return None
    if name + 1 < len(place.words) and name + 1 not in clause_starts(place.text, place.words):
        return None
    if "\n" in place.text[place.words[place.index - 1].end : word.start]:
        # On a line of its own it is rather the column of a `text` that was forgotten.
        return None
    span = Span(word.start, place.words[name].end)
    return problem("FQL014", "a corpus has no other name", span, replacing("columns need none; remove it", span, ""))
