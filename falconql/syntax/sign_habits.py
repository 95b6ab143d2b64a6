"""Habits from SQL, Python and pandas about signs: those of other languages, and comparisons; see ``habits``."""

from __future__ import annotations

import unicodedata

from falconql.diagnostics.model import Diagnostic, Edit, Help
from falconql.source import Span
from falconql.syntax.lexemes import Lexeme, clause_starts
from falconql.syntax.place import COMPARISONS, ErrorPlace, goes_on, inserting, no_operator, problem, replacing, short
from falconql.syntax.printer import name_text

_SIGNS = {
    "==": ("=", "a comparison is written with one `=`"),
    "===": ("=", "a comparison is written with one `=`"),
    "<>": ("!=", "`not equal` is written `!=`"),
    "!==": ("!=", "`not equal` is written `!=`"),
    "=!": ("!=", "`not equal` is written `!=`"),
    "\u2260": ("!=", "`not equal` is written `!=`"),
    "=>": (">=", "`greater or equal` is written `>=`"),
    "\u2265": (">=", "`greater or equal` is written `>=`"),
    "=<": ("<=", "`less or equal` is written `<=`"),
    "\u2264": ("<=", "`less or equal` is written `<=`"),
    "&&": ("and", "conditions are joined with `and`"),
    "&": ("and", "conditions are joined with `and`"),
    "\u2227": ("and", "conditions are joined with `and`"),
    "||": ("or", "alternatives are joined with `or`; texts cannot be joined"),
    "|": ("or", "alternatives are joined with `or`"),
    "\u2228": ("or", "alternatives are joined with `or`"),
    "!": ("not", "negation is written `not`"),
    "\u00ac": ("not", "negation is written `not`"),
    "\u00d7": ("*", "write `*`"),
    "\u00f7": ("/", "write `/`"),
    "\u2212": ("-", "write the minus sign of the keyboard"),
}
_SIGNS_WITHOUT_COUNTERPART = {
    "%": "arithmetic is `+`, `-`, `*` and `/`",
    "^": "arithmetic is `+`, `-`, `*` and `/`",
    "**": "arithmetic is `+`, `-`, `*` and `/`; write `x * x`",
    "<=>": "write `a = b`, or `a is null` for nulls",
    "=~": "write `matches /pattern/`",
    "!~": "write `not x matches /pattern/`",
    "~": "negation is written `not`, a pattern `matches /pattern/`",
    "::": "values are not cast: `number(text)` and `date(text)` read what a text holds",
    "[": "lists are not indexed: `first(xs)` is the first element, `xs contains x` looks for one",
    "]": "lists are not indexed: `first(xs)` is the first element, `xs contains x` looks for one",
    "{": "values are quoted in braces only inside an instruction",
    "}": "values are quoted in braces only inside an instruction",
    "\u2192": "write it in words, with `and`, `or` and `not`",
    "?": "a parameter is written `$name` and bound from outside",
    "@": "a parameter is written `$name` and bound from outside",
    ":": "a parameter is written `$name` and bound from outside",
}
_NO_LISTS = "lists are not written: `xs contains x` looks for one value, `x in (a, b)` takes several, `exists(xs)` any"
# A hint that must be read as a whole is shown up to here.
_LONG = 80


def pipe(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``where stars > 3 | select id``, ``|> select id``."""
    if word.text != "|":
        return None
    arrow = place.word(1)
    last = arrow if arrow is not None and arrow.text == ">" and arrow.start == word.end else word
    length = 1 if last is word else 2
    without = (*place.words[: place.index], *place.words[place.index + length :])
    if last is word and place.index not in clause_starts(place.text, without):
        return None
    span = Span(word.start, last.end)
    message = f"`{place.text[span.start : span.end]}` means nothing here"
    return problem("FQL006", message, span, place.removing("clauses follow one another without it", span))


def unit(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``> 80%``, ``> 500€``, ``> €500``."""
    before, following = place.word(-1), place.word(1)
    message = f"`{word.text}` means nothing here"
    behind = before is not None and before.kind == "number" and before.end == word.start and "AND" in place.expected
    touching = following is not None and following.start == word.end
    if word.text == "%" and behind and not touching:
        return problem("FQL006", message, word.span, Help("a share is a number from 0 to 1: 80% is `0.8`"))
    leading = following is not None and following.kind == "number" and touching and "NAME" in place.expected
    if word.kind != "sign" or unicodedata.category(word.text[0]) != "Sc" or not (behind or leading):
        return None
    return problem("FQL006", message, word.span, place.removing("numbers have no units", word.span))


def decimal_comma(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``price > 3,5``."""
    whole, decimals = place.word(-1), place.word(1)
    if word.text != "," or whole is None or decimals is None or place.item_start() is not None:
        return None
    if whole.kind != "number" or decimals.kind != "number" or whole.end != word.start or decimals.start != word.end:
        return None
    span, number = Span(whole.start, decimals.end), f"{whole.text}.{decimals.text}"
    message = f"`{short(place.text[span.start : span.end])}` is not a number"
    return problem(
        "FQL012", message, span, replacing(f"decimals stand behind a point: `{short(number)}`", span, number)
    )


def joined_texts(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``title || " " || section``."""
    before, following = place.word(-1), place.word(1)
    texts = [side for side in (before, following) if side is not None and side.kind == "text"]
    if word.text != "||" or not texts:
        return None
    return no_operator(word, Help("texts cannot be joined; select them apart"))


def branch(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars > 3 ? "good" : "bad"``, ``title ?? "none"``."""
    following = place.word(1)
    if word.text != "?" or "AND" not in place.expected or following is None:
        return None
    if following.text == "?" and following.start == word.end:
        span = Span(word.start, following.end)
        advice = "null stays null; leave such rows out with `where x is not null`"
        return problem("FQL006", "`??` means nothing here", span, Help(advice))
    advice = "there are no branches; write conditions, or let `choose(...)` decide"
    return problem("FQL006", "`?` means nothing here", word.span, Help(advice))


def regex_operand(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``match(body, /x/)``, ``body = /x/``."""
    if word.text != "/" or "NAME" not in place.expected:
        return None
    advice = "a regular expression stands only behind `matches`: `x matches /pattern/`"
    return problem("FQL006", "`/` begins no value", word.span, Help(advice))


def arrow(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``meta->a = 3``, ``select title -> name``."""
    before = place.word(-1)
    if word.text != ">" or before is None or before.text != "-" or before.end != word.start:
        return None
    fields = "the fields of a nested object cannot be read: flatten it first, as `pandas.json_normalize` does"
    span = before.span.join(word.span)
    return problem(
        "FQL006", "`->` means nothing here", span, Help(fields), Help("a column is named before it: `name: x`")
    )


def sign(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``==``, ``&&``, ``!``, ``%`` and other signs that mean nothing here."""
    if word.kind != "sign":
        return None
    if word.text in _SIGNS:
        right, advice = _SIGNS[word.text]
        put = place.putting if right.isalpha() else replacing
        return no_operator(word, put(advice, word.span, right))
    if word.text in ("@", ":") and "NAME" not in place.expected:
        return None
    advice = _SIGNS_WITHOUT_COUNTERPART.get(word.text, "")
    if not advice:
        return None
    following = place.word(1)
    if word.text in ("@", ":") and following is not None and following.kind == "word" and following.start == word.end:
        span = Span(word.start, following.end)
        return problem(
            "FQL006",
            f"`{place.text[span.start : span.end]}` means nothing here",
            span,
            Help(advice, Edit(word.span, "$")),
        )
    return problem("FQL006", f"`{word.text}` means nothing here", word.span, Help(advice))


def chained(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``1 < x < 5``."""
    first = place.word(-2)
    if word.text not in COMPARISONS or "AND" not in place.expected or first is None:
        return None
    middle, start, last = place.word(-1), place.operand_start(place.index - 3), place.word(1)
    simple = first.text in COMPARISONS and middle is not None and middle.operand and start is not None
    message = "comparisons cannot be chained"
    join = problem("FQL019", message, word.span, Help("join two comparisons with `and`"))
    if not simple or middle is None or start is None or last is None or not last.operand:
        return join
    if place.inside_a_value(start):
        # How far the first comparison reaches, and whether a `not` stands before it, is not seen from here.
        return join
    if place.negated(start):
        if goes_on(place.word(2)):
            return join
        right = f"({place.slice(start, place.index - 1)} and {place.slice(place.index - 1, place.index + 1)})"
        span = Span(place.words[start].start, last.end)
        return problem("FQL019", message, word.span, replacing(f"write `{short(right, _LONG)}`", span, right))
    help_ = inserting(f"write `and {middle.text}` in between", middle.end, f" and {middle.text}")
    return problem("FQL019", message, word.span, help_)


def repeated_value(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars > 3 and < 5``."""
    first, join = place.word(-3), place.word(-1)
    if word.text not in COMPARISONS or join is None or join.lower not in ("and", "or") or "NAME" not in place.expected:
        return None
    message = f"a value is missing between `{join.text}` and `{word.text}`"
    span, start = join.span.join(word.span), place.operand_start(place.index - 4)
    if first is None or first.text not in COMPARISONS or start is None or place.inside_a_value(start):
        return problem("FQL002", message, span, Help("each comparison names its value"))
    value = place.slice(start, place.index - 4)
    return problem("FQL002", message, span, inserting(f"write `{short(value)} {word.text}`", word.start, f"{value} "))


def bracket(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``[unit price] > 3``, ``choose("...", ["a", "b"])``, ``tags = []``."""
    if word.text != "[" or "NAME" not in place.expected:
        return None
    message = "`[` means nothing here"
    last = place.closing(place.index)
    inner = place.words[place.index + 1 : last]
    if last is None or place.words[last].text != "]" or not inner:
        return problem("FQL006", message, word.span, Help(_NO_LISTS))
    span, written = Span(word.start, place.words[last].end), place.slice(place.index + 1, last - 1)
    if any(part.lower == "for" for part in inner):
        return problem("FQL006", message, word.span, Help("a list is gone through with `each x in xs`"))
    if all(part.kind == "word" for part in inner):
        name = name_text(written)
        shown = name if "`" in name else f"`{name}`"
        return problem("FQL006", message, word.span, replacing(f"a name has no brackets: {shown}", span, name))
    if place.opened() and all(part.kind == "text" or part.text == "," for part in inner):
        advice = "the texts stand one by one, without brackets"
        return problem("FQL006", message, word.span, replacing(advice, span, written))
    return problem("FQL006", message, word.span, Help(_NO_LISTS))


def split_sign(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars > = 3``, ``stars ! = 3``."""
    first, second = (word, place.word(1)) if word.text == "!" else (place.word(-1), word)
    if first is None or second is None or second.text != "=" or first.text not in ("<", ">", "!", "="):
        return None
    right, span = first.text.replace("=", "") + "=", first.span.join(second.span)
    message = f"`{place.text[span.start : span.end]}` is not an operator"
    return problem("FQL006", message, span, replacing(f"write `{right}`", span, right))


def plus_sign(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars > +3``, ``+stars > 3``."""
    following = place.word(1)
    if word.text != "+" or "NAME" not in place.expected or following is None or not following.operand:
        return None
    return problem("FQL006", "a value has no plus sign", word.span, place.removing("remove it", word.span))
