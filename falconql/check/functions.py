"""The built-in functions: one table that the checker, the reference and the messages share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from falconql.syntax.lexemes import PARTS_OF_DATES

Kind = Literal["model", "row", "aggregate"]


@dataclass(frozen=True, slots=True)
class Signature:
    """A function as people see it.

    Attributes:
        forms: how it is called; the first one is shown in hints.
        gives: the type of the result.
        meaning: what it does, a sentence or two.
        example: a clause that uses it, over the columns of the reference's example.
    """

    name: str
    kind: Kind
    forms: tuple[str, ...]
    gives: str
    meaning: str
    example: str


_ALL = (
    Signature(
        "label",
        "model",
        ('label("question")', 'label(text, "question")', 'label("question", threshold: 0.7)'),
        "Label",
        "Does the text satisfy it? True or false, with a score; `threshold` (0 to 1) overrides the "
        "proxy's calibrated one.",
        'where label("Is the reviewer satisfied?")',
    ),
    Signature(
        "span",
        "model",
        ('span("what")', 'span(text, "what")', 'span("what", threshold: 0.7)'),
        "Span",
        "The stretch of the text that fits best, or null.",
        'select brand: span("Extract the brand of the laptop")',
    ),
    Signature(
        "spans",
        "model",
        ('spans("what")', 'spans(text, "what")', 'spans("what", threshold: 0.7)'),
        "[Span]",
        "All stretches of the text that fit, in text order; an empty list if there are none.",
        'select prices: spans("Extract the prices")',
    ),
    Signature(
        "choose",
        "model",
        ('choose("question", "a", "b", ...)', 'choose(text, "question", "a", "b", ...)'),
        "Text",
        "The best of the choices, two or more.",
        'select mood: choose("How does the reviewer feel?", "happy", "angry", "neutral")',
    ),
    Signature(
        "score",
        "row",
        ("score(label or span)",),
        "Float",
        "How sure the proxy is, from 0 to 1.",
        'order by score(label("Is the reviewer satisfied?")) desc',
    ),
    Signature(
        "exists",
        "row",
        ("exists(x)",),
        "Bool",
        "Not null; for a list of anything, not empty. Never null itself.",
        'where exists(span("Extract the price"))',
    ),
    Signature(
        "first",
        "row",
        ("first(list)",),
        "an element",
        "The first element of a list, null if there is none.",
        'select price_tag: first(spans("Extract the prices"))',
    ),
    Signature(
        "length",
        "row",
        ("length(text or list)",),
        "Int",
        "The number of characters of a text, or of elements of a list.",
        "where length(body) < 500",
    ),
    Signature("lower", "row", ("lower(text)",), "Text", "The text in lower case.", 'where lower(section) = "sport"'),
    Signature(
        "number",
        "row",
        ("number(text)",),
        "Float",
        'The number a text holds: `number("$1,299.99")` is 1299.99. Null if it holds none, more than one, '
        "or one that can be read in\n"
        'two ways. Words may stand around it: `number("low: -$5")` is -5 and `number("top-10")` is 10, '
        'but `number("total - 5")` and\n'
        '`number("$1.2 trillion")` are null.',
        'where number(span("Extract the price")) < 500',
    ),
    Signature(
        "date",
        "row",
        ("date(text)",),
        "Date",
        'The date a text holds: `date("31 March 2015")`, `date("31/03/2015")`, '
        '`date("Tue, 31 Mar 2015 10:01:00 +0200")`: a time of\n'
        "day after it is passed over. Null if it holds none, or could be two, as\n"
        "`05/01/2024`: no argument says which of day and month comes first, so write such dates as `2024-01-05` in the "
        "corpus, or\n"
        "with points, `05.01.2024`, where the day is first.",
        'where date(span("Extract the date of purchase")) >= "2015-01-01"',
    ),
    Signature(
        "year",
        "row",
        ("year(date)",),
        "Int",
        "The year of a date or a point in time, in UTC.",
        "group by year(published) select year: year(published), n: count()",
    ),
    Signature(
        "month",
        "row",
        ("month(date)",),
        "Int",
        "The month of a date or a point in time, from 1 to 12, in UTC; for the months of several years apart group by "
        "`year(x)` too.",
        "group by year(published), month(published)\nselect year: year(published), month: month(published), n: count()",
    ),
    Signature(
        "quarter",
        "row",
        ("quarter(date)",),
        "Int",
        "The quarter of a year, from 1 to 4, in UTC.",
        "group by year(published), quarter(published)\nselect year(published), quarter: quarter(published), n: count()",
    ),
    Signature(
        "weekday",
        "row",
        ("weekday(date)",),
        "Int",
        "The day of the week, from 1 for Monday to 7 for Sunday, in UTC.",
        "where weekday(published) in (6, 7)",
    ),
    Signature(
        "hour",
        "row",
        ("hour(timestamp)",),
        "Int",
        "The hour of a point in time, from 0 to 23, in UTC.",
        "group by hour(sent) select hour: hour(sent), n: count()",
    ),
    Signature(
        "day", "row", ("day(date)",), "Int", "The day of the month, from 1 to 31, in UTC.", "where day(published) = 1"
    ),
    Signature(
        "count",
        "aggregate",
        ("count()", "count(x)"),
        "Int",
        "The number of rows; with an argument, of rows in which it is not null.",
        "select n: count()",
    ),
    Signature(
        "sum",
        "aggregate",
        ("sum(number)",),
        "Int or Float",
        "The sum, null if there are no values.",
        "select total: sum(price)",
    ),
    Signature(
        "avg",
        "aggregate",
        ("avg(number)",),
        "Float",
        "The mean, null if there are no values.",
        "select mean: avg(stars)",
    ),
    Signature(
        "min",
        "aggregate",
        ("min(x)",),
        "as x",
        "The smallest number or text, or the earliest date.",
        "select earliest: min(published)",
    ),
    Signature(
        "max",
        "aggregate",
        ("max(x)",),
        "as x",
        "The largest number or text, or the latest date.",
        "select latest: max(published)",
    ),
    Signature(
        "share",
        "aggregate",
        ("share(condition)",),
        "Float",
        "The fraction of rows, from 0 to 1, for which it is true, among those for which it is not null.",
        'select happy: share(label("Is the reviewer satisfied?"))',
    ),
    Signature(
        "collect",
        "aggregate",
        ("collect(x)",),
        "[as x]",
        "A list of the values that are not null; labels as booleans, spans as texts.",
        "select titles: collect(title)",
    ),
)

FUNCTIONS: Mapping[str, Signature] = MappingProxyType({signature.name: signature for signature in _ALL})

# What other languages call it: the name to write instead, and a word of explanation where it is not the same.
RENAMED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "len": ("length", ""),
        "size": ("length", ""),
        "char_length": ("length", ""),
        "strlen": ("length", ""),
        "cardinality": ("length", ""),
        "mean": ("avg", ""),
        "average": ("avg", ""),
        "lcase": ("lower", ""),
        "tolower": ("lower", ""),
        "array_agg": ("collect", ""),
        "list": ("collect", ""),
        "string_agg": ("collect", "a list, without a separator"),
        "group_concat": ("collect", "a list, without a separator"),
        "confidence": ("score", ""),
        "probability": ("score", ""),
        **dict.fromkeys(("dayofweek", "day_of_week", "isodow", "dow"), ("weekday", "Monday is 1 and Sunday 7")),
        "to_date": ("date", ""),
        "to_datetime": ("date", ""),
        "float": ("number", ""),
        "int": ("number", ""),
        "to_number": ("number", ""),
        "rate": ("share", ""),
        "ratio": ("share", ""),
        "fraction": ("share", ""),
        "proportion": ("share", ""),
        "percent": ("share", "from 0 to 1"),
        "percentage": ("share", "from 0 to 1"),
        "any_value": ("min", "any value of a group will do"),
        "get_label": ("label", ""),
        "get_span": ("span", ""),
        "get_spans": ("spans", ""),
        "extract": ("span", "one stretch of the text; `spans(...)` gives all"),
        "find": ("span", "one stretch of the text; `spans(...)` gives all"),
        "ner": ("spans", 'say which: `spans("Extract the people")`'),
        "entities": ("spans", 'say which: `spans("Extract the people")`'),
        "extract_all": ("spans", ""),
        "find_all": ("spans", ""),
        "findall": ("spans", ""),
        "classify": ("choose", 'one of several; for yes or no, `label("question")`'),
        "category": ("choose", "one of several"),
        "categorize": ("choose", "one of several"),
        "sentiment": ("choose", 'for example `choose("What is the sentiment?", "positive", "negative")`'),
        "ask": ("label", "yes or no; `span(...)` for a stretch of the text, `choose(...)` for one of several"),
        "llm": ("label", "yes or no; `span(...)` for a stretch of the text, `choose(...)` for one of several"),
        "filter": ("label", 'it is a condition: `where label("question")`'),
        "check": ("label", 'it is a condition: `where label("question")`'),
    }
)

# What other languages call the present; there also names without parentheses.
NOW = ("now", "today", "current_date", "current_timestamp", "getdate", "curdate", "sysdate")

# What is no function here but said in another way.
SAID_OTHERWISE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("isnull", "is_null", "isna", "isnone"), "write `x is null`"),
        **dict.fromkeys(("notnull", "not_null", "isnotnull", "is_not_null", "notna"), "write `x is not null`"),
        **dict.fromkeys(
            ("coalesce", "ifnull", "nvl", "fillna"),
            "null stays null; leave such rows out with `where x is not null`",
        ),
        **dict.fromkeys(("upper", "ucase"), "compare in lower case with `lower(x)`, or ignore it: `matches /.../i`"),
        **dict.fromkeys(("like", "ilike"), 'write `x contains "..."`, `x starts with "..."` or `x matches /.../i`'),
        **dict.fromkeys(("contains", "includes", "has", "mentions", "instr", "strpos"), 'write `x contains "..."`'),
        **dict.fromkeys(("startswith", "starts_with"), 'write `x starts with "..."`'),
        **dict.fromkeys(("endswith", "ends_with"), "write `x matches /...$/`"),
        **dict.fromkeys(
            ("regexp", "regexp_matches", "regexp_like", "rlike", "matches", "match", "search"),
            "write `x matches /.../`",
        ),
        **dict.fromkeys(("and", "all"), "join conditions with `and`"),
        **dict.fromkeys(("or", "any"), "join alternatives with `or`"),
        **dict.fromkeys(("in", "isin"), "write `x in (a, b)`"),
        "between": "write `x >= a and x <= b`",
        "range": "write `x >= a and x < b`",
        **dict.fromkeys(
            ("summarize", "summarise", "summary", "translate", "generate", "rewrite", "explain"),
            "no text is written by a model; `span(...)` takes a stretch of it, `choose(...)` one of several answers",
        ),
        **dict.fromkeys(
            ("row_number", "rank", "dense_rank", "lag", "lead"),
            "there are no windows; sort with `order by` and cut with `limit`, or use `group by`",
        ),
        "distinct": "group instead: `group by x select x`",
        "count_distinct": "group by the value in one query, count the rows of its result in another",
        "nunique": "group by the value in one query, count the rows of its result in another",
        **dict.fromkeys(("cast", "convert", "try_cast"), "read a text with `number(x)` or `date(x)`"),
        **dict.fromkeys(("str", "string", "text"), "texts, spans and numbers are quoted in instructions as they are"),
        **dict.fromkeys(("isempty", "is_empty", "isblank", "empty"), 'write `not exists(x)`, or `x = ""`'),
        **dict.fromkeys(("explode", "unnest", "flatten"), "go through the list: `each name in list`"),
        **dict.fromkeys(
            ("round", "floor", "ceil", "ceiling", "abs", "mod", "power", "pow", "sqrt", "log", "exp", "format"),
            "compute on the result instead",
        ),
        **dict.fromkeys(
            ("concat", "concat_ws", "join"),
            'select the columns apart, or quote them in an instruction: `"... {x} ..."`',
        ),
        **dict.fromkeys(
            ("substring", "substr", "left", "right", "split", "trim", "strip", "replace"),
            "texts cannot be cut; extract a part with `span(...)` or test it with `matches /.../`",
        ),
        **dict.fromkeys(
            ("date_part", "date_trunc", "datepart", "datetrunc", "to_char", "strftime", "date_format"),
            f"{PARTS_OF_DATES}; group by as many of them as it takes",
        ),
        **dict.fromkeys(
            ("week", "weekofyear", "dayofyear", "minute", "second"),
            f"{PARTS_OF_DATES}; add a column to the corpus for others",
        ),
        **dict.fromkeys(
            ("datediff", "date_diff", "dateadd", "date_add", "date_sub", "timedelta", "age"),
            "dates are not computed with; bind the date from outside: `$since`, `-p since=2024-05-31`",
        ),
        **dict.fromkeys(
            ("countif", "count_if", "sumif", "sum_if", "avgif", "avg_if"),
            "filter with `where` first; the fraction for which something is true is `share(condition)`",
        ),
        **dict.fromkeys(("array_contains", "list_contains"), "write `list contains x`"),
        **dict.fromkeys(
            ("unique", "value_counts", "mode"), "group instead: `group by x select x, n: count() order by n desc`"
        ),
        **dict.fromkeys(("rollup", "cube"), "one query groups in one way; run a query for each"),
        **dict.fromkeys(("top", "head"), "sort with `order by x desc` and cut with `limit n`"),
        **dict.fromkeys(NOW, "bind the date from outside: `$today`, `-p today=2024-05-31`"),
        **dict.fromkeys(("if", "iif", "case", "when"), "there is no `if`; use conditions, or `choose(...)`"),
        **dict.fromkeys(("median", "std", "stddev", "var", "variance", "percentile"), "compute it on the result"),
    }
)
