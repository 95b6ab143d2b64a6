"""The built-in functions: one table that the checker, the reference and the messages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["model", "function", "aggregate"]


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function as people see it: how it is called, what it gives, what it means."""

    name: str
    kind: Kind
    signatures: tuple[str, ...]
    gives: str
    meaning: str


BUILTINS = {
    builtin.name: builtin
    for builtin in (
        Builtin(
            "label",
            "model",
            ('label("question")', 'label(text, "question")'),
            "Label",
            "does the text satisfy it? `threshold: 0.7` overrides the proxy's own",
        ),
        Builtin(
            "span",
            "model",
            ('span("what")', 'span(text, "what")'),
            "Span",
            "the best stretch of the text, or null",
        ),
        Builtin(
            "spans",
            "model",
            ('spans("what")', 'spans(text, "what")'),
            "[Span]",
            "all stretches, in text order",
        ),
        Builtin(
            "choose",
            "model",
            ('choose("question", "a", "b", ...)', 'choose(text, "question", "a", "b", ...)'),
            "Text",
            "the best of the choices",
        ),
        Builtin("score", "function", ("score(label or span)",), "Float", "how sure the proxy is, 0 to 1"),
        Builtin("exists", "function", ("exists(x)",), "Bool", "not null; for lists: not empty"),
        Builtin("first", "function", ("first(xs)",), "element", "the first element of a list, or null"),
        Builtin("length", "function", ("length(text or list)",), "Int", "characters, or elements"),
        Builtin("lower", "function", ("lower(text)",), "Text", "in lower case"),
        Builtin(
            "number",
            "function",
            ("number(text)",),
            "Float",
            'the number a text holds: `number("$1,299.99")` is 1299.99; null if there is none',
        ),
        Builtin("date", "function", ("date(text)",), "Date", "the date a text holds; null if there is none"),
        Builtin("count", "aggregate", ("count()", "count(x)"), "Int", "rows; rows where x is not null"),
        Builtin("sum", "aggregate", ("sum(x)",), "number", "the sum, null without values"),
        Builtin("avg", "aggregate", ("avg(x)",), "Float", "the mean, null without values"),
        Builtin("min", "aggregate", ("min(x)",), "type of x", "the smallest value"),
        Builtin("max", "aggregate", ("max(x)",), "type of x", "the largest value"),
        Builtin("share", "aggregate", ("share(condition)",), "Float", "the fraction of rows for which it is true"),
        Builtin("collect", "aggregate", ("collect(x)",), "[type of x]", "all values that are not null"),
    )
}

FOREIGN = {
    "len": "length",
    "size": "length",
    "char_length": "length",
    "mean": "avg",
    "average": "avg",
    "classify": "label",
    "is": "label",
    "ask": "label",
    "sentiment": "label",
    "filter": "label",
    "extract": "span",
    "find": "span",
    "extract_all": "spans",
    "findall": "spans",
    "categorize": "choose",
    "category": "choose",
    "array_agg": "collect",
    "list": "collect",
    "group_concat": "collect",
    "string_agg": "collect",
    "confidence": "score",
    "probability": "score",
    "to_date": "date",
    "todate": "date",
    "float": "number",
    "int": "number",
    "to_number": "number",
    "lcase": "lower",
    "rate": "share",
    "percentage": "share",
}
SAID_OTHERWISE = {
    "isnull": "write `x is null`",
    "is_null": "write `x is null`",
    "isna": "write `x is null`",
    "notnull": "write `x is not null`",
    "coalesce": "there is no default for null; filter with `is not null`",
    "ifnull": "there is no default for null; filter with `is not null`",
    "upper": "compare with `lower(x)`, or use `matches /.../i`",
    "like": 'write `x contains "..."`, `x starts with "..."` or `x matches /.../`',
    "contains": 'write `x contains "..."`',
    "startswith": 'write `x starts with "..."`',
    "starts_with": 'write `x starts with "..."`',
    "regexp_matches": "write `x matches /.../`",
    "matches": "write `x matches /.../`",
    "regexp": "write `x matches /.../`",
    "and": "join conditions with `and`",
    "distinct": "use `group by`",
    "not": "write `not x`",
    "in": "write `x in (a, b)`",
    "cast": "use `number(x)` or `date(x)`",
    "round": "round the result where it is shown",
}
