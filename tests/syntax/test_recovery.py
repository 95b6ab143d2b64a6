"""What is left of a query with syntax errors."""

from __future__ import annotations

import pytest

from falconql.source import Source
from falconql.syntax import format_query, parse_tolerant
from falconql.syntax.parser import ParseResult
from falconql.syntax.recovery import MOST_ERRORS


def read(text: str) -> ParseResult:
    return parse_tolerant(Source("q", text))


def kept(result: ParseResult) -> str:
    assert result.query is not None
    return format_query(result.query).replace("\n\n", "\n")


def test_a_broken_clause_is_lost_and_the_others_stay() -> None:
    result = read("let a = 1 +\nlet b = 2\nwhere b >\nselect a, b")
    assert kept(result) == "let b = 2\nselect a, b\n"
    assert result.lost_names == {"a"}
    assert result.lost_clauses == {"let", "where"}
    assert len(result.diagnostics) == 2


def test_nothing_is_said_of_words_that_nobody_wrote() -> None:
    result = read('text where label("x")\nselect a')
    assert [diagnostic.message for diagnostic in result.diagnostics] == ["expected the next clause, found `label`"]
    assert kept(result) == "select a\n"


@pytest.mark.parametrize("text", ["let a where b", "each a where b", "using llm where b", "limit where b"])
def test_a_clause_that_is_not_complete_is_lost_and_not_the_one_after_it(text: str) -> None:
    result = read(text)
    assert len(result.diagnostics) == 1 or result.diagnostics[1].code == "FQL007"
    assert kept(result) == "where b\n"
    assert result.lost_clauses == {text.split()[0]}


def test_a_slip_that_needs_no_more_room_is_put_right_in_place() -> None:
    text = "where stars == 4 and tags in [1, 2]  # good\nselect id,\nlimit 3"
    result = read(text)
    assert kept(result) == "where stars = 4 and tags in (1, 2)\nselect id\nlimit 3\n"
    assert [diagnostic.code for diagnostic in result.diagnostics] == ["FQL006", "FQL003", "FQL017", "FQL013"]
    assert not result.lost_clauses
    assert result.query is not None
    assert result.query.limit is not None
    assert text[result.query.limit.span.start : result.query.limit.span.end] == "limit 3"


def test_clauses_out_of_order_are_read_where_they_stand() -> None:
    text = 'select id\nfrom "a.csv"\nlimit 3\nwhere stars > 3\nlet x = 1'
    result = read(text)
    assert kept(result) == 'from  "a.csv"\nlet x = 1\nwhere stars > 3\nselect id\nlimit 3\n'
    assert [diagnostic.code for diagnostic in result.diagnostics] == ["FQL007"]
    assert result.query is not None
    assert result.query.where is not None
    assert text[result.query.where.span.start : result.query.where.span.end] == "where stars > 3"


def test_a_clause_out_of_order_may_have_errors_of_its_own() -> None:
    result = read("select id\nwhere stars >")
    assert [diagnostic.code for diagnostic in result.diagnostics] == ["FQL007", "FQL002"]
    assert kept(result) == "select id\n"


def test_a_clause_of_another_language_is_lost_alone() -> None:
    result = read("group by section\nhaving count() > 3\nselect section")
    assert kept(result) == "group by section\nselect section\n"
    assert result.lost_clauses == {"having"}


def test_an_unreadable_query_leaves_nothing() -> None:
    result = read("Which reviews are good?")
    assert kept(result) == ""
    assert result.lost_clauses == {"which"}


def test_a_text_that_is_no_query_at_all_has_no_tree() -> None:
    for text in ("", "-- nothing", "where " + "(" * 200, "where a = '\udc80'"):
        assert read(text).query is None


def test_errors_are_counted_up_to_a_limit() -> None:
    result = read("\n".join(f"let x{i} = {i} +" for i in range(100)))
    assert len(result.diagnostics) == MOST_ERRORS


@pytest.mark.parametrize("text", ["\ufeffwhere a", "where a\r\n", "where a;", "  where\xa0a -- b", "where a\f"])
def test_marks_and_spaces_of_editors_are_accepted(text: str) -> None:
    assert read(text).diagnostics == ()


@pytest.mark.parametrize(
    "text",
    [
        "where " + "(" * 10_000 + "a" + ")" * 10_000,
        "where " + "not " * 10_000 + "a",
        "where " + "not (" * 10_000 + "a",
        "where " + "- " * 10_000 + "1 > 0",
        "where " + "f(" * 10_000,
        "where " + " + ".join("a" * 500) + " > 3",
    ],
)
def test_deep_nesting_is_refused_with_one_message(text: str) -> None:
    assert [diagnostic.code for diagnostic in read(text).diagnostics] == ["FQL011"]


@pytest.mark.parametrize(
    "text",
    [
        "where " + "(" * 100 + "a" + ")" * 100,
        "where " + "(a or " * 95 + "b" + ")" * 95,
        "where " + "not (" * 95 + "a" + ")" * 95,
    ],
)
def test_nesting_of_a_hundred_levels_is_read(text: str) -> None:
    result = read(text)
    assert result.diagnostics == ()
    assert read(kept(result)).query == result.query


@pytest.mark.parametrize("sign", ["'", '"', "`", "/", "#", "(", "x ", "where a == 1 ", "/*"])
def test_a_megabyte_of_anything_is_explained(sign: str) -> None:
    assert read(sign * (200_000 // len(sign))).diagnostics


def test_a_long_text_is_read() -> None:
    assert read(f'where body contains "{"x" * 1_000_000}" -- {"y" * 1_000_000}').diagnostics == ()
