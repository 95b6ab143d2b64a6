"""Habits from SQL, Python and pandas about operators; see ``habits``."""

from __future__ import annotations

from collections.abc import Sequence

from falconql.diagnostics.model import Diagnostic, Help
from falconql.source import Span
from falconql.syntax.builder import LiteralProblem, text_value
from falconql.syntax.lexemes import Lexeme, names_column
from falconql.syntax.place import ErrorPlace, goes_on, inserting, no_operator, problem, replacing, short
from falconql.syntax.printer import quoted

OPERATOR_WORDS = {
    "has": "contains",
    "have": "contains",
    "contain": "contains",
    "containing": "contains",
    "includes": "contains",
    "include": "contains",
    "including": "contains",
    "mentions": "contains",
    "mention": "contains",
    "startswith": "starts with",
    "starts_with": "starts with",
    "begins": "starts with",
    "beginswith": "starts with",
    "match": "matches",
    "regexp": "matches",
    "rlike": "matches",
    "equals": "=",
    "equal": "=",
    "eq": "=",
    "ne": "!=",
    "gt": ">",
    "ge": ">=",
    "gte": ">=",
    "lt": "<",
    "le": "<=",
    "lte": "<=",
    "isin": "in",
    "isnull": "is null",
    "is_null": "is null",
    "isna": "is null",
    "notnull": "is not null",
    "notna": "is not null",
    "is_not_null": "is not null",
    "plus": "+",
    "minus": "-",
    "times": "*",
}
# What a test begins with, behind its value.
TESTS = ("=", "!=", "<", "<=", ">", ">=", "contains", "starts", "matches", "is", "in")
_MORE = frozenset({"greater", "more", "larger", "bigger", "higher", "longer", "later", "newer"})
_LESS = frozenset({"less", "fewer", "smaller", "lower", "shorter", "earlier", "older"})
_BOUNDS = {
    "above": ">",
    "over": ">",
    "after": ">",
    "below": "<",
    "under": "<",
    "before": "<",
    "since": ">=",
    "until": "<=",
}
# Operators that other languages write behind an `is`.
_AFTER_IS = frozenset({"between", "like", "ilike", "in"})
_DOES = frozenset({"does", "do", "did"})
_CONTRACTED = frozenset({"isn", "doesn", "don", "didn", "wasn", "aren"})
_LIKE = frozenset({"like", "ilike"})
# A hint that must be read as a whole is shown up to here.
_LONG = 80
_ENDS = frozenset({"ends", "endswith", "ends_with"})
_NEGATED = _LIKE | _ENDS | {"in", "contains", "matches", "starts", "between"}
# What other languages and people write behind a value.
BEHIND_VALUES = (
    frozenset({*OPERATOR_WORDS, *_BOUNDS, "as", "at", "not", "between", "about", "exists", "mod", "div", "xor", "nor"})
    | _LIKE
    | _ENDS
    | _MORE
    | _LESS
    | _DOES
    | _CONTRACTED
)


def operator_word(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``has``, ``startswith``, ``equals``, ``is_null`` where an operator stands."""
    if word.kind != "word" or "AND" not in place.expected or word.lower not in OPERATOR_WORDS:
        return None
    right = OPERATOR_WORDS[word.lower]
    following = place.word(1)
    if right == "matches" and following is not None and following.kind == "text":
        return no_operator(word, Help('write `matches /pattern/`, or `contains "text"`'))
    with_ = word.lower == "begins" and following is not None and following.lower == "with"
    span = Span(word.start, following.end) if with_ and following else word.span
    return no_operator(word, replacing(f"write `{right}`", span, right))


def worded_comparison(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars is greater than 3``, ``stars at least 3``, ``published after "2024-01-01"``."""
    asked = "NULL" in place.expected and "NAME" not in place.expected
    found = _comparison_in_words([place.lower(i) for i in range(5)])
    if word.kind != "word" or found is None or not (asked or "AND" in place.expected):
        return None
    right, length = found
    value, first = place.word(length), place.word(-1 if asked else 0)
    if value is None or not (value.operand or value.text == "(") or first is None or first.lower == "not":
        return None
    span = Span(first.start, place.words[place.index + length - 1].end)
    message = f"`{place.text[span.start : span.end]}` is not an operator"
    return problem("FQL006", message, span, replacing(f"write `{right}`", span, right))


def _comparison_in_words(words: Sequence[str]) -> tuple[str, int] | None:
    """Return the comparison that words begin with, and how many of them it takes."""
    first, second, *more = words
    if first in ("equal", "equals") and second == "to":
        return "=", 2
    if first in _BOUNDS:
        return _BOUNDS[first], 1
    if first == "at" and second in ("least", "most"):
        return (">=" if second == "least" else "<="), 2
    if first not in _MORE | _LESS or second != "than":
        return None
    right = ">" if first in _MORE else "<"
    if more[:2] != ["or", "equal"]:
        return right, 2
    return right + "=", 5 if more[2] == "to" else 4


def does(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``title does not contain "x"``, ``title isn't "x"``."""
    contracted = place.text[word.end : word.end + 2] in ("'t", "\u2019t")
    if "AND" not in place.expected or not (word.lower in _DOES or (word.lower in _CONTRACTED and contracted)):
        return None
    span = Span(word.start, word.end + 2 * contracted)
    advice = "`not` comes before the whole condition: `not x contains y`, `not x = y`"
    return problem("FQL006", f"`{place.text[span.start : span.end]}` is not an operator", span, Help(advice))


def about(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``body about "refunds"``."""
    if word.lower != "about" or "AND" not in place.expected:
        return None
    return no_operator(word, Help('what a text says is asked with `label("Is it about ...?")`'))


def existence(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``exists price``, ``price exists``, ``price not null``."""
    before, following = place.word(-1), place.word(1)
    if before is None or "AND" not in place.expected:
        return None
    if before.lower == "exists" and word.kind in ("word", "quoted"):
        span = Span(before.end, word.end)
        help_ = replacing(f"write `exists({word.text})`", span, f"({word.text})")
        return problem("FQL003", "the arguments of a call stand in parentheses", word.span, help_)
    if word.lower == "not" and following is not None and following.lower == "null":
        span = Span(word.start, following.end)
        return problem(
            "FQL006", "`not null` is not an operator", span, replacing("write `is not null`", span, "is not null")
        )
    start = place.operand_start(place.index - 1)
    if word.lower != "exists" or start is None or place.inside_a_value(start):
        return None
    span, value = Span(place.words[start].start, word.end), place.slice(start, place.index - 1)
    return no_operator(word, replacing(f"write `exists({short(value)})`", span, f"exists({value})"))


def prefix_null_test(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``isnull price``."""
    before = place.word(-1)
    if before is None or before.kind != "word" or not word.operand or "AND" not in place.expected:
        return None
    right = OPERATOR_WORDS.get(before.lower, "")
    if not right.startswith("is "):
        return None
    span = Span(before.start, word.end)
    return no_operator(before, replacing("the test comes behind the value", span, f"{word.text} {right}"))


def is_test(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``is true``, ``is not 3``, ``is none``."""
    if "NULL" not in place.expected or "NAME" in place.expected:
        return None
    negated = place.lower(-1) == "not"
    start = place.word(-2 if negated else -1)
    if start is None:
        return None
    message = "`is` asks only for `null`"
    if word.lower in _AFTER_IS:
        return problem("FQL006", message, start.span, replacing("leave it out", start.span, ""))
    if word.lower == "empty":
        advice = f"""write `{"" if negated else "not "}exists(x)`, or for a text `x {"!=" if negated else "="} ""`"""
        return problem("FQL006", "`empty` is not a value", word.span, Help(advice))
    if word.lower == "nan":
        test = "=" if negated else "!="
        advice = f"NaN is not null, but the one number that is not itself: `x {test} x`"
        return problem("FQL006", f"`{word.text}` is not a value", word.span, Help(advice))
    if word.lower in ("none", "na", "missing", "nil"):
        return problem(
            "FQL006", f"`{word.text}` is not a value", word.span, replacing("write `null`", word.span, "null")
        )
    span = Span(start.start, word.end)
    if word.kind in ("text", "number", "parameter") or word.lower in ("true", "false"):
        right = f"{'!=' if negated else '='} {word.lower if word.lower in ('true', 'false') else word.text}"
        return problem("FQL006", message, span, replacing(f"write `{short(right)}`", span, right))
    advice = 'compare with `=`, `!=`, `<`, `<=`, `>` or `>=`; what a text says is asked with `label("...")`'
    return problem("FQL006", message, span, Help(advice))


def like(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``x like '%y%'``."""
    pattern = place.word(1)
    if word.lower not in _LIKE or "AND" not in place.expected:
        return None
    right = _like_as_ours(word, pattern)
    if right is None or pattern is None:
        return no_operator(word, Help("use `contains`, `starts with` or `matches /pattern/`"))
    return no_operator(word, replacing(f"write `{right}`", Span(word.start, pattern.end), right))


def negated_operator(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``x not in (...)``, ``x not like '...'``."""
    operator, start = place.word(1), place.operand_start(place.index - 1)
    if word.lower != "not" or operator is None or operator.lower not in _NEGATED or "AND" not in place.expected:
        return None
    if operator.lower == "in" and place.index + 2 < len(place.words) and (inside := _inside(place, place.index + 2)):
        return inside
    span = Span(word.start, operator.end)
    advice = "`not` comes before the whole condition"
    end = operator.end
    if start is None or place.inside_a_value(start):
        return problem("FQL006", f"`not {operator.lower}` is not an operator", span, Help(advice))
    value = place.slice(start, place.index - 1)
    shown = operator.text
    pattern = place.word(2)
    if operator.lower in _LIKE and pattern is not None:
        ours = _like_as_ours(operator, pattern)
        shown, end = (ours, pattern.end) if ours else (shown, end)
    if operator.lower in _ENDS:
        pattern = place.word(3 if place.lower(2) == "with" else 2)
        ours = _ending(pattern)
        if ours is None or pattern is None:
            help_ = Help(f"{advice}: `not x matches /...$/`")
            return problem("FQL006", f"`not {operator.lower}` is not an operator", span, help_)
        shown, end = ours, pattern.end
    if operator.lower == "between":
        range_ = _range_as_ours(place, place.index + 1, value)
        shown, end = (f"({range_[0]})", range_[1]) if range_ else (shown, end)
        value = "" if range_ else value
    new_text = f"not {value} {shown}" if value else f"not {shown}"
    last = _test_end(place) if end == operator.end else None
    whole = new_text + (place.text[end : place.words[last].end] if last is not None else "")
    if (last is not None or end > operator.end) and len(whole) <= _LONG and not set("`\n") & set(whole):
        advice += f": `{whole}`"
    help_ = replacing(advice, Span(place.words[start].start, end), new_text)
    return problem("FQL006", f"`not {operator.lower}` is not an operator", span, help_)


def _test_end(place: ErrorPlace) -> int | None:
    """Return the index of the last word of the operand of the operator behind a ``not``."""
    first = place.index + (3 if place.lower(2) == "with" else 2)
    if first >= len(place.words):
        return None
    word = place.words[first]
    return place.closing(first) if word.text == "(" else first if word.operand or word.kind == "regex" else None


def ends_with(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``title ends with "x"``."""
    if word.lower not in _ENDS or "AND" not in place.expected:
        return None
    with_ = place.word(1) if place.lower(1) == "with" else None
    pattern = place.word(2 if with_ else 1)
    span = Span(word.start, (with_ or word).end)
    message = f"`{place.text[span.start : span.end]}` is not an operator"
    right = _ending(pattern)
    if right is None or pattern is None:
        return problem("FQL006", message, span, Help("write `matches /...$/`"))
    help_ = replacing(f"write `{short(right, _LONG)}`", Span(word.start, pattern.end), right)
    return problem("FQL006", message, span, help_)


def _text_of(pattern: Lexeme | None) -> str | None:
    """Return the value of a text, None for anything else and for what cannot be read."""
    if pattern is None or pattern.kind != "text":
        return None
    try:
        return text_value(pattern.text, pattern.start)[0]
    except LiteralProblem:
        return None


def _ending(pattern: Lexeme | None) -> str | None:
    """Return the test for a text at the end, None if that cannot be read."""
    value = _text_of(pattern)
    return f"matches /{''.join(map(_literal, value))}$/" if value and value.isprintable() else None


def between(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``x between 1 and 3``."""
    start = place.operand_start(place.index - 1)
    if word.lower != "between" or "AND" not in place.expected:
        return None
    value = place.slice(start, place.index - 1) if start is not None else "x"
    range_ = _range_as_ours(place, place.index, value)
    if start is None or range_ is None or place.inside_a_value(start):
        return no_operator(word, Help("write two comparisons: `x >= 1 and x <= 3`"))
    span = Span(place.words[start].start, range_[1])
    right = f"({range_[0]})" if place.negated(start) else range_[0]
    return no_operator(word, replacing(f"write `{short(right, _LONG)}`", span, right))


def in_list(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``x in [1, 2]``, ``x in 1, 2``, ``"x" in body``, ``x in ()``."""
    if place.lower(-1) == "(" and place.lower(-2) == "in" and word.text == ")":
        return problem("FQL002", "`in` needs at least one value", word.span)
    if place.lower(-1) != "in" or place.expected != {"LPAR"}:
        return None
    message = "`in` needs its values in parentheses"
    closing = place.closing(place.index) if word.text in ("[", "{") else None
    if closing is not None:
        inner = place.text[word.end : place.words[closing].start]
        span = Span(word.start, place.words[closing].end)
        return problem("FQL003", message, word.span, replacing("write `in (a, b)`", span, f"({inner})"))
    return _inside(place, place.index) or problem("FQL003", message, word.span, Help("write `in (a, b)`"))


def _inside(place: ErrorPlace, first: int) -> Diagnostic | None:
    """``"x" in title``, ``"x" not in title``, with the word behind the ``in``."""
    operator, word = place.words[first - 1], place.words[first]
    negated = place.words[first - 2].lower == "not"
    at = first - 3 if negated else first - 2
    value = place.words[at] if at >= 0 else None
    if word.kind not in ("word", "quoted") or word.lower == "not" or value is None or not value.operand:
        return None
    if not names_column(place.words, first):
        return None
    message, last = "`in` does not look inside a value", first
    if first + 1 < len(place.words) and place.words[first + 1].text == "(":
        if word.lower == "range":
            return problem(
                "FQL006", "there are no ranges", word.span, Help("write two comparisons: `x >= 1 and x < 3`")
            )
        last = place.closing(first + 1) or last
    following = place.words[last + 1] if last + 1 < len(place.words) else None
    lead = "not " if negated else ""
    if goes_on(following) or (following is not None and following.text == ".") or place.inside_a_value(at):
        return problem("FQL006", message, operator.span, Help(f"write `{lead}x contains y`"))
    right, span = f"{lead}{place.slice(first, last)} contains {value.text}", Span(value.start, place.words[last].end)
    return problem("FQL006", message, operator.span, replacing(f"write `{short(right)}`", span, right))


def starts_with(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``starts "x"``."""
    if place.expected != {"WITH"}:
        return None
    return problem("FQL002", "`starts` needs `with`", word.span, inserting("write `starts with`", word.start, "with "))


def direction(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``descending``, ``order by desc stars``."""
    before = place.word(-1)
    if before is not None and before.lower in ("asc", "desc") and place.lower(-2) in ("by", ",") and word.operand:
        if "DESC" not in place.expected:
            return None
        span = Span(before.start, place.item_end())
        value = place.text[word.start : span.end]
        right = value if value.lower().endswith((" asc", " desc")) else f"{value} {before.lower}"
        return problem(
            "FQL006",
            "the direction stands behind what is sorted by",
            before.span,
            replacing(f"write `{short(right)}`", span, right),
        )
    if word.lower not in ("descending", "ascending") or "DESC" not in place.expected:
        return None
    right = word.lower.removesuffix("ending")
    return problem(
        "FQL006", f"`{word.text}` is not a direction", word.span, replacing(f"write `{right}`", word.span, right)
    )


def _like_as_ours(operator: Lexeme, pattern: Lexeme | None) -> str | None:
    """Return what a LIKE with its pattern is in FalconQL."""
    value = _text_of(pattern)
    if value is None:
        return None
    core = value.strip("%")
    if operator.lower == "like" and core and "%" not in core and "_" not in core:
        if "%" not in value:
            return f"= {quoted(core)}"
        if value.startswith("%") and value.endswith("%"):
            return f"contains {quoted(core)}"
        if value.endswith("%"):
            return f"starts with {quoted(core)}"
    if not core or "\n" in core:
        return None
    body = "".join(".*" if char == "%" else "." if char == "_" else _literal(char) for char in core)
    lead, tail = ("" if value[0] == "%" else "^"), ("" if value[-1] == "%" else "$")
    # What stands for any character stands for a line break, too.
    flags = ("i" if operator.lower == "ilike" else "") + ("s" if set("%_") & set(core) else "")
    return f"matches /{lead}{body}{tail}/{flags}"


def _literal(char: str) -> str:
    return "\\" + char if char in r"\.^$|?*+()[]{}/" else char


def _range_as_ours(place: ErrorPlace, index: int, value: str) -> tuple[str, int] | None:
    """Return the two comparisons that ``between`` at ``index`` means, and where its range ends."""
    between_ = place.words[index : index + 4]
    if len(between_) < 4 or between_[2].lower != "and" or not (between_[1].operand and between_[3].operand):
        return None
    _, low, _, high = between_
    if goes_on(place.words[index + 4] if index + 4 < len(place.words) else None):
        return None
    return f"{value} >= {low.text} and {value} <= {high.text}", high.end
