"""Habits from SQL, Python and pandas, each with the way FalconQL says the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from falconql.diagnostics.model import Diagnostic, Edit, Help, Label
from falconql.source import Span

if TYPE_CHECKING:
    from falconql.syntax.errors import ErrorPlace
    from falconql.syntax.lexemes import Lexeme

_OPERATORS = {
    "==": ("=", "a comparison is written with one `=`"),
    "<>": ("!=", "`not equal` is written `!=`"),
    "&&": ("and", "conditions are joined with `and`"),
    "&": ("and", "conditions are joined with `and`"),
    "||": ("or", "alternatives are joined with `or`; texts are not joined in FalconQL"),
    "|": ("or", "alternatives are joined with `or`"),
    "!": ("not", "negation is written `not`"),
    "~": ("not", "negation is written `not`; a regular expression is `matches /.../`"),
}
_SMART_QUOTES = {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"}
_CLAUSES = {
    "having": "put the condition in a query over the result; FalconQL filters rows with `where` before grouping",
    "join": "a query reads one corpus; join the tables first and read the result",
    "inner": "a query reads one corpus; join the tables first and read the result",
    "left": "a query reads one corpus; join the tables first and read the result",
    "union": "a query gives one table; run two queries instead",
    "offset": "there is no `offset`; use `limit`, or filter on a column",
    "distinct": "use `group by` with the columns that must differ",
    "with": "name values with `let name = expression`",
    "if": "conditions are written with `and`, `or` and `not`",
    "case": "there is no `case`; use `choose(...)`, or several columns",
    "lambda": "there are no functions of your own; name values with `let name = expression`",
    "def": "name values with `let name = expression`",
    "import": "there is nothing to import; a query only describes what to find",
}


def explain(place: ErrorPlace) -> Diagnostic | None:
    """Return the diagnostic for a habit that explains where reading stopped, if one does."""
    word = place.word()
    if word is None:
        return None
    for habit in _HABITS:
        diagnostic = habit(place, word)
        if diagnostic is not None:
            return diagnostic
    return None


def _operator(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    previous = place.word(-1)
    start = word
    if previous is not None and previous.end == word.start and previous.text + word.text in ("==", "<>"):
        start = previous
    sign = place.text[start.start : word.end]
    if start is word and word.text not in _OPERATORS:
        return None
    right, hint = _OPERATORS.get(sign, (None, None)) if sign in _OPERATORS else _OPERATORS.get(word.text, (None, None))
    if right is None or hint is None:
        return None
    span = Span(start.start, word.end)
    padded = right if not right.isalpha() else _padded(place.text, span, right)
    return Diagnostic("FQL006", f"`{sign}` is not an operator", Label(span), helps=(Help(hint, Edit(span, padded)),))


def _padded(text: str, span: Span, word: str) -> str:
    before = " " if span.start and not text[span.start - 1].isspace() and text[span.start - 1] != "(" else ""
    after = " " if span.end < len(text) and not text[span.end].isspace() else ""
    return before + word + after


def _quotes(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    if word.text not in _SMART_QUOTES:
        return None
    start = word.start
    end = next((i for i in range(start + 1, len(place.text)) if place.text[i] in _SMART_QUOTES), None)
    if end is None or "\n" in place.text[start:end]:
        end = start
    span = Span(start, end + 1)
    plain = "".join(_SMART_QUOTES.get(char, char) for char in place.text[start : end + 1])
    if end > start:
        inner = place.text[start + 1 : end].replace("\\", "\\\\").replace('"', '\\"')
        plain = f'"{inner}"'
    return Diagnostic(
        "FQL005",
        "typographic quotes do not quote a text",
        Label(span),
        helps=(Help("use plain quotes: \"...\" or '...'", Edit(span, plain)),),
    )


def _open_text(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    if word.kind != "open_text" and not (word.kind == "quoted" and not word.text.endswith("`")):
        return None
    what = "name" if word.kind == "quoted" else "text"
    quote = word.text[0]
    return Diagnostic(
        "FQL009",
        f"this {what} is never closed",
        Label(Span(word.start, word.start + 1), f"opened here, no closing {quote} on this line"),
        helps=(Help(f"close it with {quote}", Edit(Span(word.end, word.end), quote)),),
    )


def _comment(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    following = place.word(1)
    previous = place.word(-1)
    if word.text == "/" and previous is not None and previous.text == "/" and previous.end == word.start:
        word, following = previous, word
    double = word.text == "/" and following is not None and following.start == word.end and following.text in "/*"
    if word.text != "#" and not double:
        return None
    span = Span(word.start, word.end + double)
    end = span.end
    hint = Help("a comment begins with `--` and runs to the end of the line", Edit(span, "--"))
    return Diagnostic(
        "FQL006", f"`{place.text[span.start : end]}` does not begin a comment", Label(span), helps=(hint,)
    )


def _null_test(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    previous = place.word(-1)
    if word.lower in ("is_null", "isnull", "notnull", "is_not_null", "isna", "notna") and previous is not None:
        right = "is not null" if "not" in word.lower else "is null"
        return _says(word.span, f"`{word.text}` is not a word of FalconQL", f"write `{right}`", right)
    if previous is not None and previous.lower == "is" and word.lower in ("true", "false", "none"):
        if word.lower == "none":
            return _says(word.span, "`none` is not a value", "write `is null`", "null")
        span = Span(previous.start, word.end)
        message = f"`is {word.lower}` cannot be asked, only `is null` can"
        return _says(span, message, f"write `= {word.lower}`", f"= {word.lower}")
    return None


def _like(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    if word.lower not in ("like", "ilike", "rlike", "regexp", "similar"):
        return None
    pattern = place.word(1)
    message = f"`{word.text}` is not an operator"
    if word.lower not in ("like", "ilike") or pattern is None or pattern.kind != "text":
        return _says(word.span, message, "use `contains`, `starts with` or `matches /regex/`", None)
    inner = pattern.text[1:-1]
    core = inner.strip("%")
    span = Span(word.start, pattern.end)
    if word.lower == "ilike" or "%" in core or "_" in core or not inner.endswith("%"):
        body = "".join(".*" if c == "%" else "." if c == "_" else _regex_safe(c) for c in core)
        lead, tail = ("" if inner[:1] == "%" else "^"), ("" if inner[-1:] == "%" else "$")
        new = f"matches /{lead}{body}{tail}/" + ("i" if word.lower == "ilike" else "")
    elif inner.startswith("%"):
        new = f'contains "{core}"'
    else:
        new = f'starts with "{core}"'
    return _says(span, message, f"write `{new}`", new)


def _regex_safe(char: str) -> str:
    return "\\" + char if char in r"\.^$|?*+()[]{}/" else char


def _not_in(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    following, previous = place.word(1), place.word(-1)
    if word.lower != "not" or following is None or previous is None:
        return None
    if following.lower not in ("in", "like", "ilike", "contains", "matches", "starts", "between"):
        return None
    edit = None
    if previous.kind in ("word", "quoted"):
        edit = Edit(Span(previous.start, word.end), f"not {previous.text}")
    help_ = Help(f"put `not` before the whole condition: `not {previous.text} {following.lower} ...`", edit)
    return Diagnostic(
        "FQL006",
        f"`not {following.lower}` is not an operator",
        Label(Span(word.start, following.end)),
        helps=(help_,),
    )


def _between(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    if word.lower != "between":
        return None
    name = place.word(-1)
    shown = name.text if name is not None else "x"
    return _says(word.span, "`between` is not an operator", f"write `{shown} >= a and {shown} <= b`", None)


def _alias(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    following, previous = place.word(1), place.word(-1)
    if word.lower != "as" or following is None or previous is None:
        return None
    edit = None
    if following.kind in ("word", "quoted") and previous.kind in ("word", "quoted"):
        edit = Edit(Span(previous.start, following.end), f"{following.text}: {previous.text}")
    help_ = Help(f"the name comes first: `{following.text}: expression`", edit)
    return Diagnostic("FQL006", "`as` does not name a column", Label(Span(word.start, following.end)), helps=(help_,))


def _star_argument(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    opening, function, closing = place.word(-1), place.word(-2), place.word(1)
    if word.text != "*" or opening is None or function is None or opening.text != "(" or function.kind != "word":
        return None
    if function.lower != "count" or closing is None or closing.text != ")":
        return None
    return _says(word.span, "`*` cannot be an argument", "rows are counted with `count()`", "")


def _chain(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    if word.text not in ("=", "!=", "<", "<=", ">", ">=") or "AND" not in place.expected:
        return None
    help_ = Help("write two comparisons joined with `and`: `1 < x and x < 5`")
    return Diagnostic("FQL006", "comparisons cannot be chained", Label(word.span), helps=(help_,))


def _unquoted_path(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    previous = place.word(-1)
    if previous is None or previous.lower not in ("from", "using") or word.kind not in ("word", "sign", "number"):
        return None
    if "TEXT" not in place.expected or "NAME" in place.expected:
        return None
    end = word.end
    while end < len(place.text) and not place.text[end].isspace():
        end += 1
    span = Span(word.start, end)
    path = place.text[span.start : end]
    what = "corpus" if previous.lower == "from" else "proxy"
    return _says(span, f"the {what} must be a quoted text", f'write `{previous.lower} "{path}"`', f'"{path}"')


def _limit_number(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    previous = place.word(-1)
    if previous is None or previous.lower != "limit" or not (word.kind == "number" or word.text == "-"):
        return None
    return _says(word.span, "`limit` needs a whole number of rows, zero or more", "for example `limit 100`", None)


def _direction(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    if word.lower not in ("descending", "ascending") or not place.expected & {"DESC", "COMMA"}:
        return None
    short = "asc" if word.lower.startswith("asc") else "desc"
    return _says(word.span, f"`{word.text}` is not a direction", f"write `{short}`", short)


def _foreign_clause(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    previous = place.word(-1)
    if previous is not None and previous.lower == "distinct" and "COMMA" in place.expected:
        word = previous
    hint = _CLAUSES.get(word.lower)
    if hint is None or word.kind != "word":
        return None
    return _says(word.span, f"FalconQL has no `{word.text}`", hint, None)


def _dot(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    if word.text not in (".", "[", "{", ":="):
        return None
    hints = {
        ".": "a column is written by its name alone, in back-ticks if it holds a dot: `a.b`",
        "[": "lists are not indexed; `first(xs)` gives the first element, `contains` looks inside",
        "{": "values are quoted with braces only inside an instruction",
    }
    return _says(word.span, f"`{word.text}` has no meaning here", hints.get(word.text, ""), None)


def _regex(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    if "REGEX" not in place.expected:
        return None
    if word.text == "/":
        message, edit = "this regular expression is never closed", None
    elif word.kind == "text":
        inner = word.text[1:-1].replace("/", "\\/")
        message, edit = "a regular expression stands between slashes", Edit(word.span, f"/{inner}/")
    else:
        return None
    help_ = Help("write `matches /pattern/`, or `/pattern/i` to ignore case; a slash inside is `\\/`", edit)
    return Diagnostic("FQL009", message, Label(word.span), helps=(help_,))


def _binding(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    first, sign = place.word(-2), ("=" if place.expected == {"EQUAL"} else "in")
    if first is None or first.lower not in ("let", "each") or place.expected not in ({"EQUAL"}, {"IN"}):
        return None
    gap = Span(word.start, word.start if word.kind in ("word", "text", "number") else word.end)
    message = f"`{sign}` is missing after the name"
    help_ = Help(
        f"write `{first.lower} name {sign} expression`",
        Edit(gap, f"{sign} " if not gap.end - gap.start else sign),
    )
    return Diagnostic("FQL006", message, Label(word.span), helps=(help_,))


def _says(span: Span, message: str, hint: str, new_text: str | None) -> Diagnostic:
    edit = None if new_text is None else Edit(span, new_text)
    return Diagnostic("FQL006", message, Label(span), helps=(Help(hint, edit),) if hint else ())


_HABITS: tuple[Callable[[ErrorPlace, Lexeme], Diagnostic | None], ...] = (
    _limit_number,
    _quotes,
    _open_text,
    _comment,
    _operator,
    _regex,
    _binding,
    _null_test,
    _like,
    _not_in,
    _between,
    _alias,
    _star_argument,
    _chain,
    _unquoted_path,
    _direction,
    _foreign_clause,
    _dot,
)
