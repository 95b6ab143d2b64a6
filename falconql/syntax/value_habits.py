"""Habits from SQL, Python and pandas about literals, names, calls and comments; see ``habits``."""

from __future__ import annotations

from falconql.diagnostics.model import Diagnostic, Help
from falconql.source import Span
from falconql.syntax.builder import LiteralProblem, text_value
from falconql.syntax.lexemes import Lexeme
from falconql.syntax.operator_habits import OPERATOR_WORDS
from falconql.syntax.place import ErrorPlace, inserting, problem, replacing, short
from falconql.syntax.printer import name_text, quoted

_SMART_QUOTES = {
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u00ab": '"',
    "\u00bb": '"',
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
}


def smart_quotes(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """Quotes as word processors set them."""
    if word.text not in _SMART_QUOTES:
        return None
    line_end = place.text.find("\n", word.start)
    line = place.text[word.start + 1 : line_end if line_end >= 0 else len(place.text)]
    length = next((i for i, char in enumerate(line) if char in _SMART_QUOTES), None)
    advice = "use plain quotes: \"...\" or '...'"
    message = "typographic quotes do not quote a text"
    if length is None:
        return problem("FQL005", message, word.span, Help(advice))
    span = Span(word.start, word.start + length + 2)
    return problem("FQL005", message, span, replacing(advice, span, quoted(line[:length])))


def touching_texts(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``'it''s'``."""
    before = place.word(-1)
    if before is None or not _touching(before, word):
        return None
    texts = [before, word]
    while (following := place.word(len(texts) - 1)) is not None and _touching(texts[-1], following):
        texts.append(following)
    span = Span(before.start, texts[-1].end)
    quote = word.text[0]
    new_text = quote + f"\\{quote}".join(text.text[1:-1] for text in texts) + quote
    message = "a quote inside a text is not written twice"
    return problem("FQL010", message, span, replacing("write a backslash before it", span, new_text))


def apostrophe(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``'it's cheap'``."""
    before = place.word(-1)
    if before is None or before.kind != "text" or before.end != word.start or word.kind != "word":
        return None
    quote = before.text[0]
    help_ = inserting("write a backslash before a quote that belongs to the text", before.end - 1, "\\")
    return problem("FQL010", f"this {quote} ends the text", Span(before.end - 1, before.end), help_)


def _touching(left: Lexeme, right: Lexeme) -> bool:
    both = left.kind == right.kind == "text"
    return both and left.end == right.start and left.text[0] == right.text[0]


def unclosed(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """A text or name without its closing quote."""
    if word.kind not in ("open_text", "open_name"):
        return None
    what, quote = ("text", word.text[0]) if word.kind == "open_text" else ("name", "`")
    label = f"opened here, no closing {quote} on this line"
    end = word.start + len(word.text.rstrip())
    if word.text.rstrip() == quote:
        return problem("FQL009", f"this {what} is never closed", Span(word.start, word.start + 1), label=label)
    help_ = inserting(f"close it with {quote}", end, quote)
    return problem("FQL009", f"this {what} is never closed", Span(word.start, word.start + 1), help_, label=label)


def missing_slashes(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``matches "x"``, ``matches /x``, ``matches //``."""
    if place.expected != {"REGEX"}:
        return None
    advice = "write `matches /pattern/`, or `/pattern/i` to ignore case; a slash inside is `\\/`"
    if word.kind == "text":
        try:
            value = text_value(word.text, word.start)[0]
        except LiteralProblem:
            value = ""
        new_text = "/" + value.replace("/", "\\/") + "/"
        help_ = replacing(advice, word.span, new_text) if value and "\n" not in value else Help(advice)
        return problem("FQL021", "a regular expression stands between slashes, not quotes", word.span, help_)
    if word.text.startswith("//"):
        return problem("FQL021", "this regular expression is empty", Span(word.start, word.start + 2), Help(advice))
    if word.text == "/":
        return problem(
            "FQL009", "this regular expression is never closed", word.span, Help(advice), label="opened here"
        )
    return problem("FQL021", "`matches` needs a regular expression between slashes", word.span, Help(advice))


def number(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``1.``, ``1__0``, ``3abc``, ``0x1F``: what begins like a number and goes on otherwise."""
    if word.kind != "number" or not word.start < place.offset < word.end:
        return None
    message = f"`{short(word.text)}` is not a number"
    if word.text.endswith(".") and word.text[:-1].isdecimal():
        return problem("FQL012", message, word.span, replacing("leave the point out", word.span, word.text[:-1]))
    advice = (
        f"numbers look like 1_000, 0.5, 1e6; a name that begins with a digit needs back-ticks: `{short(word.text)}`"
    )
    return problem("FQL012", message, word.span, Help(advice))


def parameter(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``$1``, ``$ name``."""
    if word.kind != "parameter":
        return None
    if word.text == "$" or not word.text[1:].isidentifier():
        return problem(
            "FQL022", f"`{word.text}` is not a parameter", word.span, Help("a parameter has a name: `$least`")
        )
    return None


def method(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``body.startswith("x")``, ``df.stars``."""
    if word.text != ".":
        return None
    name, value, start = place.word(1), place.word(3), place.operand_start(place.index - 1)
    if name is None or name.kind != "word" or start is None:
        return problem("FQL006", "`.` means nothing here", word.span)
    span = Span(word.start, name.end)
    right = OPERATOR_WORDS.get(name.lower, name.lower)
    if place.lower(2) == "(" and right in ("contains", "starts with") and place.lower(4) == ")" and value is not None:
        end = place.words[place.index + 4].end
        help_ = replacing(f"write `{right}`", Span(word.start, end), f" {right} {value.text}")
        return problem("FQL006", "values have no methods", span, help_)
    if place.lower(2) == "(":
        return problem("FQL006", "values have no methods", span, Help("functions are called as `function(value)`"))
    whole = f"{place.slice(start, place.index - 1)}.{name.text}"
    advice = f"a column is written by its name alone, in back-ticks if it holds a dot: {name_text(whole)}"
    return problem("FQL006", f"`{short(whole)}` is not a name", Span(place.words[start].start, name.end), Help(advice))


def bare_call(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``label "Is it good?"``."""
    before = place.word(-1)
    if word.kind != "text" or before is None or before.kind != "word" or "LPAR" not in place.expected:
        return None
    if place.opened():
        return None
    span = Span(before.end, word.end)
    help_ = replacing(f"write `{before.text}(...)`", span, f"({word.text})")
    return problem("FQL003", "the arguments of a call stand in parentheses", word.span, help_)


def star_argument(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``count(*)``."""
    if word.text != "*" or place.lower(-1) != "(" or "NAME" not in place.expected or place.lower(1) != ")":
        return None
    if place.lower(-2) != "count":
        return problem("FQL006", "`*` cannot be an argument", word.span)
    help_ = replacing("rows are counted with `count()`", word.span, "")
    return problem("FQL006", "`*` cannot be an argument", word.span, help_)


def several_in_parentheses(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``select (id, title)``."""
    if word.text != "," or place.expected != place.expected | {"RPAR", "AND"}:
        return None
    return problem("FQL003", "parentheses hold one value", word.span, Help("write the values without parentheses"))


def quoted_name(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``text "body"``, ``let "x" = ...``, ``select "x": ...``."""
    if word.kind == "text" and "NAME" in place.expected and "TEXT" not in place.expected:
        return problem("FQL018", "names are written without quotes", word.span, _unquoted(word))
    before = place.word(-1)
    if word.text == ":" and before is not None and before.kind == "text" and place.lower(-2) in (",", "select"):
        return problem("FQL018", "names are written without quotes", before.span, _unquoted(before))
    return None


def _unquoted(word: Lexeme) -> Help:
    name = name_text(word.text[1:-1])
    return replacing(f"write `{name}`" if name.isidentifier() else f"write {name}", word.span, name)


def alias(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``expression as name``."""
    name = place.word(1)
    if word.lower != "as" or "AND" not in place.expected:
        return None
    start = place.item_start()
    if start is None:
        advice = "values are not cast: `number(text)` and `date(text)` read what a text holds"
        return problem("FQL014", "`as` means nothing here", word.span, Help(advice))
    if name is None or name.kind not in ("word", "quoted"):
        return problem(
            "FQL018", "`as` does not name a column", word.span, Help("the name comes first: `name: expression`")
        )
    value = place.slice(start, place.index - 1)
    span = Span(place.words[start].start, name.end)
    help_ = replacing(f"the name comes first: `{short(f'{name.text}: {value}')}`", span, f"{name.text}: {value}")
    return problem("FQL018", "`as` does not name a column", Span(word.start, name.end), help_)


def comment(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``#``, ``//`` and ``/* */``."""
    if word.kind != "foreign_comment" or place.expected == {"REGEX"}:
        return None
    mark = word.text[: 1 if word.text[0] == "#" else 2]
    advice = "a comment begins with `--` and runs to the end of the line"
    line_end = place.text[word.end :].partition("\n")[0].strip()
    span = Span(word.start, word.start + len(mark))
    if mark != "/*":
        help_ = replacing(advice, span, "--")
    elif "\n" not in word.text and not line_end:
        help_ = replacing(advice, word.span, "--" + word.text[2:-2].rstrip())
    else:
        help_ = Help(advice)
    return problem("FQL017", f"`{mark}` does not begin a comment", span, help_)
