"""What beginners write who know SQL, Python, jq or plain English: the advice leads to what they meant."""

from __future__ import annotations

import pytest

from falconql.catalog import Catalog
from falconql.diagnostics.model import Diagnostic, Severity
from falconql.runtime.plan import Field
from falconql.source import Source
from falconql.syntax.lexemes import PARTS_OF_DATES
from falconql.types import TEXT
from tests.case_runner import diagnose
from tests.check.support import CATALOG, FIELDS

TEXT_CATALOG = Catalog((*FIELDS, Field("text", TEXT)))


def _found(query: str) -> list[Diagnostic]:
    return diagnose(Source("query.fql", query), CATALOG)


def _followed(query: str, catalog: Catalog = CATALOG) -> str:
    """Return a query after the first edit of its first mistake has been made, and so on."""
    for _ in range(8):
        found = diagnose(Source("query.fql", query), catalog)
        edit = next((diagnostic.helps[0].edit for diagnostic in found if diagnostic.helps), None)
        if edit is None:
            return query
        query = query[: edit.span.start] + edit.new_text + query[edit.span.end :]
    return query


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("where stars is greater than 3", "where stars > 3"),
        ("select y: published.dt.year()", "select y: year(published)"),
        ("where published.dt.month = 5", "where month(published) = 5"),
        ("where stars less than or equal to 3", "where stars <= 3"),
        ("where stars at least 3 and price is at most 5", "where stars >= 3 and price <= 5"),
        ("where stars under 3 and price over 100", "where stars < 3 and price > 100"),
        ('where published after "2024-01-01"', 'where published > "2024-01-01"'),
        ('where title is equal to "x"', 'where title = "x"'),
        ("where stars is between 3 and 5", "where stars >= 3 and stars <= 5"),
        ('where body mentions "refund"', 'where body contains "refund"'),
        ("where exists price", "where exists(price)"),
        ("where price exists", "where exists(price)"),
        ("where price not null", "where price is not null"),
        ("where stars > = 3", "where stars >= 3"),
        ("where stars ! = 3", "where stars != 3"),
        ("where +stars > 3", "where stars > 3"),
        ("where price > 500\u20ac", "where price > 500"),
        ("where price > \u20ac500", "where price > 500"),
        ("where price > 3,5", "where price > 3.5"),
        ("where stars > 3, verified", "where stars > 3 and verified"),
        ("where stars > 3, select title", "where stars > 3 select title"),
        ("where stars > 3,", "where stars > 3"),
        ("stars > 3 select title", "where stars > 3 select title"),
        ("x = 3 where stars = x", "let x = 3 where stars = x"),
        ('text body price2 = span("x") select price2', 'text body let price2 = span("x") select price2'),
        ("select .title", "select title"),
        ("where .stars > 3 | select .title", "where stars > 3  select title"),
        ("where stars > 3 |> select title", "where stars > 3  select title"),
        ('text body each who in spans("x") |> filter stars > 3', 'text body each who in spans("x")  where stars > 3'),
        ("where stars > 3 return title", "where stars > 3 select title"),
        ("select title first 10", "select title limit 10"),
        ("select title sort_by stars", "select title order by stars"),
        ('text body each spans("x") as p select p', 'text body each p in spans("x") select p'),
        ('text body where label("x").score > 0.8', 'text body where score(label("x")) > 0.8'),
        ('text body select span("x").text', 'text body select span("x")'),
        ('text body select score("Is it good?")', 'text body select score(label("Is it good?"))'),
        ('text body where label("Does it mention $title?")', 'text body where label("Does it mention {title}?")'),
        ('text body where label("Does it mention {{title}}?")', 'text body where label("Does it mention {title}?")'),
        ("where tags.length > 3", "where length(tags) > 3"),
        ('select "title", stars', "select title, stars"),
        ('select avg("stars")', "select avg(stars)"),
        ("where published = 2024", 'where (published >= "2024-01-01" and published < "2025-01-01")'),
        ('where published <= "2024"', 'where published < "2025-01-01"'),
        ("where 2024 < published", 'where published >= "2025-01-01"'),
        ("where stars > 3,verified", "where stars > 3 and verified"),
        ("where stars > 3, or verified", "where stars > 3 or verified"),
        ("let x = 1,y = 2 where stars = x", "let x = 1\nlet y = 2 where stars = x"),
        ("where stars > 3|>select title", "where stars > 3 select title"),
        ("where stars > 3,select title", "where stars > 3 select title"),
        ("select.title", "select title"),
        ("where+stars > 3", "where stars > 3"),
        ("select titel: lower(titel)", "select titel: lower(title)"),
        ("where starz > 3 select starz: stars", "where stars > 3 select starz: stars"),
        ("select id order by desc length(title), id", "select id order by length(title) desc, id"),
        ("select id order by stars, desc price * 2 limit 3", "select id order by stars, price * 2 desc limit 3"),
        ("select id order by desc stars desc", "select id order by stars desc"),
        ("select id order by stars asc, desc", "select id order by stars asc, desc"),
    ],
)
def test_following_the_advice_gives_what_was_meant(query: str, meant: str) -> None:
    assert _followed(query) == meant


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ('where "refund" in text select id', 'where text contains "refund" select id'),
        ('where "refund" not in text', 'where not text contains "refund"'),
        ("where exists text select id", "where exists(text) select id"),
        ("where isnull text limit 3", "where text is null limit 3"),
        ("select id, text.lower() as low", "select id, low: lower(text)"),
        ('select id, t: text == "x" limit 3', 'select id, t: text = "x" limit 3'),
        ('select id, text <> "x" limit 3', 'select id, value: text != "x" limit 3'),
        ('where text like "x", text like "y"', 'where text = "x" and text = "y"'),
        ("select text section", "select text, section"),
        ("select id, text section", "select id, text, section"),
        ("group text select n: count()", "group by text select n: count()"),
    ],
)
def test_a_column_called_text_is_advised_about_as_any_other(query: str, meant: str) -> None:
    assert _followed(query, TEXT_CATALOG) == meant


def test_an_unknown_operator_behind_a_column_called_text_is_what_is_told_of() -> None:
    for query in ('where text overlaps "x" select id', "select id, text mod 2 = 1"):
        (found,) = diagnose(Source("query.fql", query), TEXT_CATALOG)
        assert query[found.primary.span.start :].startswith(("overlaps", "mod"))


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("where price is NaN", "NaN is not null, but the one number that is not itself: `x != x`"),
        ("where stars in range(1, 3)", "write two comparisons: `x >= 1 and x < 3`"),
        ('where title doesn\'t contain "x"', "`not` comes before the whole condition: `not x contains y`, `not x = y`"),
        ('text body where label("x") >= 80%', "a share is a number from 0 to 1: 80% is `0.8`"),
        ("where price > $500", "an amount is written without its sign: `500`"),
        (
            "where stars // 2 = 1",
            "a comment begins with `--` and runs to the end of the line; arithmetic is `+`, `-`, `*` and `/`",
        ),
        ("where match(body, /x/)", "a regular expression stands only behind `matches`: `x matches /pattern/`"),
        ('where tags contains ("a", "b")', "test for each by itself, joined with `or` or `and`"),
        ('where title = ("a", "b")', "one of several is found with `in`: `x in (a, b)`"),
        ('select title || " " || section', "texts cannot be joined; select them apart"),
        ('select stars > 3 ? "a" : "b"', "there are no branches; write conditions, or let `choose(...)` decide"),
        ('select title ?? "none"', "null stays null; leave such rows out with `where x is not null`"),
        ("select * exclude (title)", "name the columns to keep"),
        ("select count(distinct title)", "group by the value in one query, count the rows of its result in another"),
        ('select title into "out.csv"', "a query only reads; the result is written with `falconql run ... -o file`"),
        ("select title and stars", "write `title, stars`"),
        ("select year: published.dt.year", "write `year(published)`"),
        ("select year: published.month", "write `month(published)`"),
        ("select q: published.dt.quarter", "write `quarter(published)`"),
        ("where extract(year from published) = 2024", "write `year(published)`"),
        ("select y: extract(year from date(title))", "write `year(date(title))`"),
        ("select q: extract(quarter from published)", "write `quarter(published)`"),
        ("select d: published.dt.dayofweek", "write `weekday(published)`, in which Monday is 1 and Sunday 7"),
        ("select d: extract(dow from published)", "write `weekday(published)`, in which Monday is 1 and Sunday 7"),
        ("select q: extract(week from published)", PARTS_OF_DATES),
        ("select q: extract(year from)", PARTS_OF_DATES),
        ('where published starts with "2024"', "compare it with `=`, `<`, `>=` and so on, or a part of it: `year("),
        (
            "group by week(published) select n: count()",
            PARTS_OF_DATES,
        ),
        ("where pd.isna(title)", "leave `pd.` out"),
        ('text body where label("Is it about " + title)', 'write it here, and quote values in it: `"... {name} ..."`'),
        ('text body where label("Is it {stars + 1}?")', "name the value first: `let x = ...`, then quote `{x}`"),
        ('text body where label(text=body, question="x")', "the only named argument is `threshold`"),
        ("text body select summarize(body)", "no text is written by a model"),
        ("where datediff(published, sent) > 3", "dates are not computed with"),
        ("where published - 7 > sent", "dates are compared, not computed with: `x >= $since`"),
        ("where published > today", "bind the date from outside: `$today`, `-p today=2024-05-31`"),
        ("select id order by score", "`score` is a function: `score(label or span)`"),
        ("where cost > 3 select cost: stars * 2", "only `order by` knows what `select` names"),
    ],
)
def test_the_advice_is_to_the_point(query: str, advice: str) -> None:
    told = [help_.text for diagnostic in _found(query) for help_ in diagnostic.helps]
    assert any(text.startswith(advice) for text in told), told


@pytest.mark.parametrize(
    "quoted", ["{{{title}}}", "{{{{title}}}}", "${title}", "US$title", "$$title", "$5", "{{titles}}"]
)
def test_what_only_looks_like_a_name_of_other_languages(quoted: str) -> None:
    assert _found(f'text body where label("Does it mention {quoted}?")') == []


def test_a_parameter_in_braces_is_told_of_once() -> None:
    assert [d.code for d in _found('text body where label("Is it {$title}?")')] == ["FQL111"]


def test_a_column_that_select_gives_to_itself_is_no_name_of_select() -> None:
    assert [d.message for d in _found("select cost: cost * 2")] == ["there is no column `cost`"]


def test_a_question_with_a_name_over_a_corpus_that_nobody_has_seen() -> None:
    (found,) = diagnose(Source("query.fql", 'text body where label(question="x")'), Catalog(None))
    assert [help_.text for help_ in found.helps] == ["write it without a name"]


def test_a_quote_that_would_not_close_is_not_put_in() -> None:
    (found,) = _found('where title = "ab\\')
    assert (found.code, found.helps) == ("FQL009", ())


@pytest.mark.parametrize("word", ["first", "take", "head"])
def test_a_limit_is_suggested_before_a_number_only(word: str) -> None:
    (found,) = _found(f'from "a.csv"\n{word} body\nwhere stars > 3')
    assert found.helps == ()


def test_of_texts_that_are_joined_it_is_said_once() -> None:
    found = _found('select both: title + " " + section')
    assert [(d.code, d.severity) for d in found] == [("FQL207", Severity.ERROR)]
