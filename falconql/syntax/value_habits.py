"""Habits from SQL, Python and pandas about literals, names, calls and comments; see ``habits``."""

from __future__ import annotations

import re

from falconql.diagnostics.model import Diagnostic, Help
from falconql.diagnostics.suggest import near_names
from falconql.source import Span
from falconql.syntax.builder import LiteralProblem, text_value
from falconql.syntax.keywords import keywords
from falconql.syntax.lexemes import PARTS_ELSEWHERE, PARTS_OF_DATES, WEEKDAYS, Lexeme, lexemes
from falconql.syntax.operator_habits import OPERATOR_WORDS, TESTS
from falconql.syntax.place import ErrorPlace, inserting, problem, replacing, short
from falconql.syntax.printer import name_text, quoted

# Words of other languages that are no part of a name where they stand between two values.
_NO_PART = frozenset(
    {*OPERATOR_WORDS, "like", "ilike", "between", "as", "ends", "endswith", "sort", "having", "join", "union", "offset"}
)
# Keywords that begin nothing by themselves, and that titles have: Gone with the Wind, Stand by Me.
_IN_TITLES = frozenset({"with", "by"})
# What Python and SQL put right before a text.
_PREFIXES = frozenset({"f", "r", "b", "u", "fr", "rf", "e", "n"})
# What is said of several values in parentheses, by what stands before them.
_SEVERAL = {
    **dict.fromkeys(("contains", "with"), "test for each by itself, joined with `or` or `and`"),
    **dict.fromkeys(("where", "and", "or", "not"), "compare each by itself, joined with `and`"),
    "=": "one of several is found with `in`: `x in (a, b)`",
    "!=": "none of several is written `not x in (a, b)`",
}
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


def text_prefix(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``f"Is it {topic}?"``, ``r"..."``."""
    before = place.word(-1)
    if word.kind != "text" or before is None or before.lower not in _PREFIXES or before.end != word.start:
        return None
    quotes = "; an instruction quotes values as it is: `{name}`" if "f" in before.lower else ""
    help_ = replacing(f"remove it{quotes}", before.span, "")
    return problem("FQL006", f"no `{before.text}` stands before a text", before.span, help_)


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
    # A backslash at the end would take the quote for a part of the text.
    if word.text.rstrip() == quote or lexemes(word.text.rstrip() + quote)[0].kind == word.kind:
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


def grouped_digits(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``10,000,000``."""
    first = place.word(-1)
    if word.text != "," or first is None or not re.fullmatch(r"\d{1,3}", first.text) or first.end != word.start:
        return None
    match = re.match(r"(,\d{3})+(?![\w,.])", place.text[first.end :])
    if match is None or place.opened():
        return None
    span = Span(first.start, first.end + match.end())
    number_ = place.text[span.start : span.end].replace(",", "_")
    message = f"`{short(place.text[span.start : span.end])}` is not a number"
    return problem("FQL012", message, span, replacing(f"write `{short(number_)}`", span, number_))


def several_words(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``speaker = Al Gore``, ``delivery time > 3``."""
    first = place.word(-1)
    if word.kind != "word" or first is None or first.kind != "word" or "AND" not in place.expected:
        return None
    if first.lower in keywords().values() or not _goes_on(place, place.index - 1):
        return None
    last = place.index
    while last + 1 < len(place.words) and _goes_on(place, last):
        last += 1
    possible = [text for terminal, text in keywords().items() if terminal in place.expected]
    if any(near_names(part.text, possible) for part in place.words[place.index : last + 1]):
        return None
    span = Span(first.start, place.words[last].end)
    written = place.text[span.start : span.end]
    following = place.words[last + 1] if last + 1 < len(place.words) else None
    message = f"`{short(written)}` is not a name"
    if place.lower(-2) in TESTS or (place.lower(-2) == "with" and place.lower(-3) == "starts"):
        advice = f"a text stands in quotes: `{short(quoted(written))}`"
        return problem("FQL002", message, span, replacing(advice, span, quoted(written)))
    if following is not None and following.lower in TESTS:
        advice = f"a name of several words stands in back-ticks: {name_text(written)}"
        return problem("FQL002", message, span, replacing(advice, span, name_text(written)))
    return None


def _goes_on(place: ErrorPlace, last: int) -> bool:
    """Return whether the word after ``last`` belongs to the same name or text, as far as can be seen."""
    before, after = place.words[last], place.words[last + 1]
    gap = place.text[before.end : after.start]
    known = after.lower in _NO_PART or after.lower in {*keywords().values()} - _IN_TITLES
    return after.kind == "word" and gap == " " * len(gap) and not known


def parameter(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``$1``, ``$ name``."""
    if word.kind != "parameter":
        return None
    if word.text == "$" or not word.text[1:].isidentifier():
        helps = [Help("a parameter has a name: `$least`")]
        if word.text[1:].isdecimal():
            helps.append(Help(f"an amount is written without its sign: `{short(word.text[1:])}`"))
        return problem("FQL022", f"`{word.text}` is not a parameter", word.span, *helps)
    return None


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


def part_of_date(place: ErrorPlace, word: Lexeme) -> Diagnostic | None:
    """``extract(year from published)``."""
    if word.lower != "from" or (place.lower(-3), place.lower(-2)) != ("extract", "("):
        return None
    part, end = PARTS_ELSEWHERE.get(place.lower(-1)), place.closing(place.index - 2)
    span = Span(place.words[place.index - 3].start, word.end)
    help_ = Help(PARTS_OF_DATES)
    if part is not None and end is not None and end > place.index + 1:
        value, before = place.slice(place.index + 1, end - 1), Span(span.start, place.words[place.index + 1].start)
        note = WEEKDAYS if part == "weekday" else ""
        help_ = replacing(f"write `{part}({short(value)})`{note}", before, f"{part}(")
    return problem("FQL006", "`from` stands before a corpus only", span, help_)


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
    opened = place.opened()[-1]
    before = next((w.lower for w in reversed(place.words) if w.start < opened.start), "")
    advice = _SEVERAL.get(before, "write the values without parentheses")
    return problem("FQL003", "parentheses hold one value", word.span, Help(advice))


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
    if mark == "//" and re.match(r"//\s*\d", word.text):
        help_ = Help(f"{advice}; arithmetic is `+`, `-`, `*` and `/`")
    elif mark != "/*":
        help_ = replacing(advice, span, "--")
    elif "\n" not in word.text and not line_end:
        help_ = replacing(advice, word.span, "--" + word.text[2:-2].rstrip())
    else:
        help_ = Help(advice)
    return problem("FQL017", f"`{mark}` does not begin a comment", span, help_)
