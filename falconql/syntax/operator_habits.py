"""Habits from SQL, Python and pandas about operators; see ``habits``."""

from __future__ import annotations

from falconql.diagnostics.model import Diagnostic, Edit, Help
from falconql.source import Span
from falconql.syntax.builder import LiteralProblem, text_value
from falconql.syntax.lexemes import CLAUSES, Lexeme
from falconql.syntax.place import ErrorPlace, inserting, problem, replacing, short
from falconql.syntax.printer import name_text, quoted

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
OPERATOR_WORDS = {
    "has": "contains",
    "have": "contains",
    "contain": "contains",
    "containing": "contains",
    "includes": "contains",
    "include": "contains",
    "including": "contains",
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
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_NO_LISTS = "lists are not written: `xs contains x` looks for one value, `x in (a, b)` takes several, `exists(xs)` any"
_LIKE = frozenset({"like", "ilike"})
_ARITHMETIC = ("+", "-", "*", "/")
# A hint that must be read as a whole is shown up to here.
_LONG = 80
_ENDS = frozenset({"ends", "endswith", "ends_with"})
_NEGATED = _LIKE | _ENDS | {"in", "contains", "matches", "starts", "between"}


def sign(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``==``, ``&&``, ``!``, ``%`` and other signs that mean nothing here."""
    if word.kind != "sign":
        return None
    if word.text in _SIGNS:
        right, advice = _SIGNS[word.text]
        new_text = _spaced(place.text, word.span, right) if right.isalpha() else right
        return _no_operator(word, replacing(advice, word.span, new_text))
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


def operator_word(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``has``, ``startswith``, ``equals``, ``is_null`` where an operator stands."""
    if word.kind != "word" or "AND" not in place.expected or word.lower not in OPERATOR_WORDS:
        return None
    right = OPERATOR_WORDS[word.lower]
    following = place.word(1)
    if right == "matches" and following is not None and following.kind == "text":
        return _no_operator(word, Help('write `matches /pattern/`, or `contains "text"`'))
    with_ = word.lower == "begins" and following is not None and following.lower == "with"
    span = Span(word.start, following.end) if with_ and following else word.span
    return _no_operator(word, replacing(f"write `{right}`", span, right))


def prefix_null_test(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``isnull price``."""
    before = place.word(-1)
    if before is None or before.kind != "word" or not word.operand or "AND" not in place.expected:
        return None
    right = OPERATOR_WORDS.get(before.lower, "")
    if not right.startswith("is "):
        return None
    span = Span(before.start, word.end)
    return _no_operator(before, replacing("the test comes behind the value", span, f"{word.text} {right}"))


def is_test(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``is true``, ``is not 3``, ``is none``."""
    if "NULL" not in place.expected or "NAME" in place.expected:
        return None
    negated = place.lower(-1) == "not"
    start = place.word(-2 if negated else -1)
    if start is None:
        return None
    if word.lower == "empty":
        advice = f"""write `{"" if negated else "not "}exists(x)`, or for a text `x {"!=" if negated else "="} ""`"""
        return problem("FQL006", "`empty` is not a value", word.span, Help(advice))
    if word.lower in ("none", "na", "nan", "missing", "nil"):
        return problem(
            "FQL006", f"`{word.text}` is not a value", word.span, replacing("write `null`", word.span, "null")
        )
    span = Span(start.start, word.end)
    message = "`is` asks only for `null`"
    if word.kind in ("text", "number", "parameter") or word.lower in ("true", "false"):
        right = f"{'!=' if negated else '='} {word.lower if word.lower in ('true', 'false') else word.text}"
        return problem("FQL006", message, span, replacing(f"write `{short(right)}`", span, right))
    return problem("FQL006", message, span, Help("compare with `=`, `!=`, `<`, `<=`, `>` or `>=`"))


def like(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``x like '%y%'``."""
    pattern = place.word(1)
    if word.lower not in _LIKE or "AND" not in place.expected:
        return None
    right = _like_as_ours(word, pattern)
    if right is None or pattern is None:
        return _no_operator(word, Help("use `contains`, `starts with` or `matches /pattern/`"))
    return _no_operator(word, replacing(f"write `{right}`", Span(word.start, pattern.end), right))


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
    if start is None or _inside_a_value(place, start):
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
    if start is None or range_ is None or _inside_a_value(place, start):
        return _no_operator(word, Help("write two comparisons: `x >= 1 and x <= 3`"))
    span = Span(place.words[start].start, range_[1])
    right = f"({range_[0]})" if _negated(place, start) else range_[0]
    return _no_operator(word, replacing(f"write `{short(right, _LONG)}`", span, right))


def chained(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``1 < x < 5``."""
    first = place.word(-2)
    if word.text not in _COMPARISONS or "AND" not in place.expected or first is None:
        return None
    middle, start, last = place.word(-1), place.operand_start(place.index - 3), place.word(1)
    simple = first.text in _COMPARISONS and middle is not None and middle.operand and start is not None
    message = "comparisons cannot be chained"
    join = problem("FQL019", message, word.span, Help("join two comparisons with `and`"))
    if not simple or middle is None or start is None or last is None or not last.operand:
        return join
    if _inside_a_value(place, start):
        # How far the first comparison reaches, and whether a `not` stands before it, is not seen from here.
        return join
    if _negated(place, start):
        if _goes_on(place.word(2)):
            return join
        right = f"({place.slice(start, place.index - 1)} and {place.slice(place.index - 1, place.index + 1)})"
        span = Span(place.words[start].start, last.end)
        return problem("FQL019", message, word.span, replacing(f"write `{short(right, _LONG)}`", span, right))
    help_ = inserting(f"write `and {middle.text}` in between", middle.end, f" and {middle.text}")
    return problem("FQL019", message, word.span, help_)


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
    if word.kind not in ("word", "quoted") or word.lower in (*CLAUSES, "not") or value is None or not value.operand:
        return None
    message, last = "`in` does not look inside a value", first
    if first + 1 < len(place.words) and place.words[first + 1].text == "(":
        last = place.closing(first + 1) or last
    following = place.words[last + 1] if last + 1 < len(place.words) else None
    lead = "not " if negated else ""
    if _goes_on(following) or (following is not None and following.text == ".") or _inside_a_value(place, at):
        return problem("FQL006", message, operator.span, Help(f"write `{lead}x contains y`"))
    right, span = f"{lead}{place.slice(first, last)} contains {value.text}", Span(value.start, place.words[last].end)
    return problem("FQL006", message, operator.span, replacing(f"write `{short(right)}`", span, right))


def repeated_value(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars > 3 and < 5``."""
    first, join = place.word(-3), place.word(-1)
    if word.text not in _COMPARISONS or join is None or join.lower not in ("and", "or") or "NAME" not in place.expected:
        return None
    message = f"a value is missing between `{join.text}` and `{word.text}`"
    span, start = join.span.join(word.span), place.operand_start(place.index - 4)
    if first is None or first.text not in _COMPARISONS or start is None or _inside_a_value(place, start):
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
    if all(part.kind == "word" for part in inner):
        name = name_text(written)
        shown = name if "`" in name else f"`{name}`"
        return problem("FQL006", message, word.span, replacing(f"a name has no brackets: {shown}", span, name))
    if place.opened() and all(part.kind == "text" or part.text == "," for part in inner):
        advice = "the texts stand one by one, without brackets"
        return problem("FQL006", message, word.span, replacing(advice, span, written))
    return problem("FQL006", message, word.span, Help(_NO_LISTS))


def plus_sign(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``stars > +3``."""
    following = place.word(1)
    if word.text != "+" or "NAME" not in place.expected or following is None or following.kind != "number":
        return None
    return problem("FQL006", "a number has no plus sign", word.span, replacing("remove it", word.span, ""))


def starts_with(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``starts "x"``."""
    if place.expected != {"WITH"}:
        return None
    return problem("FQL002", "`starts` needs `with`", word.span, inserting("write `starts with`", word.start, "with "))


def direction(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``descending``."""
    if word.lower not in ("descending", "ascending") or "DESC" not in place.expected:
        return None
    right = word.lower.removesuffix("ending")
    return problem(
        "FQL006", f"`{word.text}` is not a direction", word.span, replacing(f"write `{right}`", word.span, right)
    )


def _no_operator(word: Lexeme, help_: Help) -> Diagnostic:
    return problem("FQL006", f"`{word.text}` is not an operator", word.span, help_)


def _spaced(text: str, span: Span, word: str) -> str:
    before = " " if span.start and not text[span.start - 1].isspace() and text[span.start - 1] != "(" else ""
    after = " " if span.end < len(text) and not text[span.end].isspace() else ""
    return before + word + after


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


def _inside_a_value(place: ErrorPlace, start: int) -> bool:
    """Return whether the operand that begins with a word is only the end of a larger value, as ``b`` of ``a + b``."""
    return start > 0 and place.words[start - 1].text in (*_ARITHMETIC, *_COMPARISONS[1:])


def _negated(place: ErrorPlace, start: int) -> bool:
    """Return whether a ``not`` stands before a word, which would bind more tightly than an ``and`` behind it."""
    return start > 0 and place.words[start - 1].lower == "not"


def _goes_on(word: Lexeme | None) -> bool:
    """Return whether an operand goes on with this word."""
    return word is not None and word.text in (*_ARITHMETIC, "(")


def _range_as_ours(place: ErrorPlace, index: int, value: str) -> tuple[str, int] | None:
    """Return the two comparisons that ``between`` at ``index`` means, and where its range ends."""
    between_ = place.words[index : index + 4]
    if len(between_) < 4 or between_[2].lower != "and" or not (between_[1].operand and between_[3].operand):
        return None
    _, low, _, high = between_
    if _goes_on(place.words[index + 4] if index + 4 < len(place.words) else None):
        return None
    return f"{value} >= {low.text} and {value} <= {high.text}", high.end
