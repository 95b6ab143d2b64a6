"""What an edit makes of a query: something that says what was meant, and that nothing is wrong with."""

from __future__ import annotations

import pytest

from tests.check.support import codes, diagnose


def _edited(query: str) -> list[str]:
    """Return what each edit of a query makes of it."""
    edits = [help_.edit for diagnostic in diagnose(query) for help_ in diagnostic.helps if help_.edit]
    return [query[: edit.span.start] + edit.new_text + query[edit.span.end :] for edit in edits]


@pytest.mark.parametrize(
    ("query", "edited"),
    [
        ('where "verified"', "where verified"),
        ('where not "verified"', "where not verified"),
        ('text body let good = label("Is it?") where "good"', 'text body let good = label("Is it?") where good'),
        ('where "stars" + 1 > 3', "where stars + 1 > 3"),
        ('where -"price" > 3', "where -price > 3"),
        ('where stars = "price"', "where stars = price"),
        ('where published > "sent"', "where published > sent"),
        ('where "published" > "2024-01-01"', 'where published > "2024-01-01"'),
        ('where "published" in ("2024-01-01", null)', 'where published in ("2024-01-01", null)'),
        ('where "title" = "x"', 'where title = "x"'),
        ('where "found" = "x"', 'where found = "x"'),
        ('where "stars" is null', "where stars is null"),
        ('where lower("title") is null', "where lower(title) is null"),
        ('where "tags" contains "x"', 'where tags contains "x"'),
        ('where title >= "2024-01-01"', 'where date(title) >= "2024-01-01"'),
        ("where price in (1, None)", "where price in (1, null)"),
        ('text body select x: choose("Which?", "b", good)', 'text body select x: choose("Which?", "b", "good")'),
    ],
)
def test_an_edit_makes_a_query_without_mistakes(query: str, edited: str) -> None:
    assert _edited(query) == [edited]
    assert codes(edited) == []


def test_what_python_calls_nothing_is_null_and_only_then_a_text() -> None:
    assert _edited("where title = None") == ["where title is null", 'where title = "None"']
    assert _edited("where stars != nil and verified") == ["where stars is not null and verified"]


@pytest.mark.parametrize("query", ["where stars > none", "select n: none", "text body where label(none)"])
def test_null_is_no_advice_where_it_cannot_stand(query: str) -> None:
    assert _edited(query) == []


@pytest.mark.parametrize(
    ("day", "advice"),
    [
        ("2024-13-01", "the months are 01 to 12"),
        ("2024-00-10", "the months are 01 to 12"),
        ("2024-01-00", "the first day of a month is 01"),
        ("0000-01-01", "the first year is 0001"),
        ("2023-02-29", "the month has fewer days"),
        ("2024-02-29", None),
    ],
)
def test_of_a_day_that_does_not_exist_it_is_said_why(day: str, advice: str | None) -> None:
    found = [help_.text for diagnostic in diagnose(f'where published > "{day}"') for help_ in diagnostic.helps]
    assert found == ([advice] if advice else [])


@pytest.mark.parametrize(
    "query",
    [
        'where "title"',
        'where "title" + 1 > 3',
        'where published > "title"',
        'where published > "published"',
        'where "id" = "id"',
        'where "title" = "title"',
        'where stars = "stars"',
        'where verified = "verified"',
        'where stars = "title"',
        'where "stars" = "3"',
        'where "stars" contains "3"',
        'where lower("stars") = "3"',
        'where "published" starts with "2024"',
        'where "published" in ("2024-01-01", "never")',
        'let day = "2024-01-01" where title >= day',
        'let day = "2024-01-01" where day >= title',
    ],
)
def test_there_is_no_edit_that_would_be_another_mistake(query: str) -> None:
    assert codes(query)
    assert _edited(query) == []
