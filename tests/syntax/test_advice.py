"""What the edits for habits from elsewhere make of a query."""

from __future__ import annotations

import pytest

from falconql.source import Source
from falconql.syntax import parse_tolerant


def _edited(query: str) -> list[str]:
    """Return what each edit of a query makes of it."""
    found = parse_tolerant(Source("query.fql", query)).diagnostics
    edits = [help_.edit for diagnostic in found for help_ in diagnostic.helps if help_.edit]
    return [query[: edit.span.start] + edit.new_text + query[edit.span.end :] for edit in edits]


@pytest.mark.parametrize(
    ("query", "edited"),
    [
        ("group by who: lower(title) select who", "let who = lower(title)\ngroup by who select who"),
        ("group by a, who: lower(title) select who", "let who = lower(title)\ngroup by a, who select who"),
        ("group by lower: lower(title) select lower", "let lower = lower(title)\ngroup by lower select lower"),
        ('where title not ends with "x.y" and a', r"where not title matches /x\.y$/ and a"),
        ("where f(title) not endswith 'x'", "where not f(title) matches /x$/"),
        ("where title like 'a%b'", "where title matches /^a.*b$/s"),
        ("where title ilike '%a_b%'", "where title matches /a.b/is"),
        ('where "x" in lower(title) and a', 'where lower(title) contains "x" and a'),
        ('select a: label(f"Is it {b}?")', 'select a: label("Is it {b}?")'),
        ('select a: choose("Which?", ["b", "c"])', 'select a: choose("Which?", "b", "c")'),
        ("where [unit price] > 3", "where `unit price` > 3"),
        ("where stars > +3", "where stars > 3"),
        ("where stars > 3 and < 5", "where stars > 3 and stars < 5"),
        ("where title.isnull() or a", "where title is null or a"),
        ("where stars.isin([1, 2])", "where stars in (1, 2)"),
        ("where stars.isin((1, 2))", "where stars in (1, 2)"),
        ('where "x" not in title', 'where not title contains "x"'),
        ("where fetch ilike '%x%'", "where fetch matches /x/i"),
        ("select id interval", "select id, interval"),
        ("select id unique", "select id, unique"),
        ('where lower(title).strip(" ") = "x"', 'where strip(lower(title), " ") = "x"'),
        ("each x in a, y in b", "each x in a\neach y in b"),
        ('from "a.csv" as r where b', 'from "a.csv"  where b'),
        ('from "a.csv" r where b', 'from "a.csv"  where b'),
        ("from `a``b.csv` where b", 'from "a`b.csv" where b'),
    ],
)
def test_an_edit_makes_a_query_that_parses(query: str, edited: str) -> None:
    assert _edited(query) == [edited]
    assert parse_tolerant(Source("query.fql", edited)).diagnostics == ()


def test_each_step_out_of_pandas_has_an_edit_of_its_own() -> None:
    assert _edited('where title.str.contains("x")') == ['where title.contains("x")', 'where title.str contains "x"']


def test_clauses_put_in_order_have_the_corpus_in_quotes() -> None:
    assert _edited("select id from s3://data/my-reviews.parquet where a")[0] == (
        'from "s3://data/my-reviews.parquet"\nwhere a\nselect id'
    )


@pytest.mark.parametrize(
    "query",
    [
        "group by title: lower(title) select title",
        "group by who: select who",
        "group by who: order by who",
        "let who = a group by who: lower(title) select who",
        "let few = a < 3 group by who: lower(title) select who",
        "where a group by who: lower(title) select who",
        "where title not ends with section",
        'where "x" in title.lower()',
        "where a + b in title",
        "where tags is empty",
        "where stars in select id",
        "where tags = []",
        'where label(["Is it good?")',
        "select top 10 id",
        "select id fetch first 5 rows only",
        "select unique id",
        "select interval '7 days'",
        'from "a.csv"\n  review where a',
        "where title.startswith(('a', 'b'))",
        'where title.contains("x", case=False)',
        "where stars.between(1, 3)",
        'text body.label("x")',
    ],
)
def test_there_is_no_edit_where_it_would_be_another_mistake(query: str) -> None:
    assert _edited(query) == []
