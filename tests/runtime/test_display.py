"""Expressions printed as FalconQL: what is printed reads back as the same expression."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.display import RESERVED_WORDS, call_text, expr_text, quoted_name, quoted_text, shown_name
from falconql.runtime.expression import (
    And,
    Arithmetic,
    CallRef,
    Cast,
    ColumnRef,
    Comparison,
    Expr,
    Function,
    In,
    IsNull,
    Literal,
    Matches,
    Not,
    Or,
    TextTest,
)
from falconql.runtime.plan import ModelCall
from falconql.runtime.types import BOOL, FLOAT, INT, LABEL, SPAN, TEXT
from falconql.source import Source
from falconql.syntax import ast, parse
from tests.check.support import COLUMNS, typed, value, where

ROUND_TRIPS = [
    "stars + 1 - 2 * stars > 3",
    "(stars + 1) * 2 > 3",
    "stars - (1 - stars) = 0",
    "price / (2 / price) = 1.5",
    "-stars < 3 and -(-stars) > -3",
    "not (verified and stars > 3) or verified",
    "not not verified",
    "verified and (verified or stars > 3) and not verified",
    "(verified or stars > 3) = (stars < 4)",
    "title is not null and not title is null",
    'not title contains "it\'s"',
    'title in ("a", "b") and stars in (1, null)',
    'title starts with "a\\"b\\\\c\\n" and title matches /a\\/b|c d/im',
    'published >= "2024-05-31" and sent < "2024-05-31 14:30"',
    'label("Is it {{good}} for {title}?") and label(title, "q", threshold: 0.75)',
    'choose("What?", "a", "b \\"c\\"") = "a"',
    'score(span("x")) > 0.5 and exists(spans("y")) and length(first(spans("y"))) > 3',
    "price > 1e300 and price < 1e-05 and id > 12345678901234",
    'lower(title) = title and number(title) > 1 and date(title) = "2024-01-01"',
]


@pytest.mark.parametrize("text", ROUND_TRIPS)
def test_a_condition_printed_reads_back_as_itself(text: str) -> None:
    query = typed(f"text body where {text}")
    assert query.where is not None
    printed = expr_text(query.where, query.calls, text_column=query.text)
    again = typed(f"text body where {printed}")
    assert (again.where, again.calls) == (query.where, query.calls)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("((stars)) > ((3))", "stars > 3"),
        ("(stars * 2) + 1 > 0", "stars * 2 + 1 > 0"),
        ("(verified and verified) or verified", "verified and verified or verified"),
        ("not (title is null)", "title is not null"),
        ("stars >= 3.5", "stars >= 3.5"),
    ],
)
def test_no_more_parentheses_than_needed_and_no_coercions(written: str, printed: str) -> None:
    assert expr_text(where(written), ()) == printed


CALLS = (
    ModelCall("label", ColumnRef("body", TEXT), ("Is it good?",), LABEL, name="good"),
    ModelCall("span", ColumnRef("title", TEXT), ("Who is ", Cast(CallRef(2, SPAN), TEXT), "?"), SPAN),
    ModelCall("span", ColumnRef("body", TEXT), ("author",), SPAN, threshold=0.25),
)


def test_calls_are_shown_by_name_or_in_full() -> None:
    both = And((Cast(CallRef(0, LABEL), BOOL), Function("exists", (CallRef(1, SPAN),), BOOL)))
    quoted = quoted_text('Who is {span("author", threshold: 0.25)}?')
    assert expr_text(both, CALLS, text_column="body") == f"good and exists(span(title, {quoted}))"
    assert expr_text(CallRef(0, LABEL), CALLS) == "good"
    assert call_text(CALLS[0], CALLS) == 'label(body, "Is it good?")'
    assert call_text(CALLS[0], CALLS, text_column="body") == 'label("Is it good?")'


def test_internal_columns_are_shown_as_what_they_stand_for() -> None:
    twice = Arithmetic("*", ColumnRef("$agg0", INT), Literal(2, INT), INT)
    assert expr_text(twice, ()) == "$agg0 * 2"
    assert expr_text(twice, (), internal={"$agg0": "count()"}) == "count() * 2"
    half = Arithmetic("/", ColumnRef("$key0", INT), Literal(2.0, FLOAT), FLOAT)
    assert expr_text(half, (), internal={"$key0": value("stars + 1")}) == "(stars + 1) / 2.0"


def _name_of(text: str) -> str:
    query = parse(Source("q", f"where {text} = 1"))
    assert query.where is not None
    assert isinstance(query.where.condition, ast.Comparison)
    name = query.where.condition.left
    assert isinstance(name, ast.Name)
    return name.text


CLAUSE_WORDS = ("from", "text", "using", "llm", "let", "each", "where", "group", "by", "select", "order", "limit")
OPERATOR_WORDS = ("asc", "desc", "or", "and", "not", "in", "contains", "starts", "with", "matches", "is", "null")


@pytest.mark.parametrize(
    "name",
    [*CLAUSE_WORDS, *OPERATOR_WORDS, *sorted(RESERVED_WORDS), "Not", "a b", "1st", "naïve", "x.y", "größe", "a`b", "`"],
)
def test_names_read_back(name: str) -> None:
    assert _name_of(quoted_name(name)) == name


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1))
def test_any_name_reads_back(name: str) -> None:
    assert name.startswith("$") or _name_of(quoted_name(name)) == name


@pytest.mark.parametrize(("name", "shown"), [("a", "`a`"), ("unit price", "`unit price`"), ("a`b", "`a``b`")])
def test_a_name_in_a_sentence_has_one_pair_of_back_ticks(name: str, shown: str) -> None:
    assert shown_name(name) == shown


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_reads_back(value: str) -> None:
    query = parse(Source("q", f"where title = {quoted_text(value)}"))
    assert query.where is not None
    assert isinstance(query.where.condition, ast.Comparison)
    text = query.where.condition.right
    assert isinstance(text, ast.Text)
    assert text.value == value


def _numbers(below: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.builds(Arithmetic, st.sampled_from("+-*/"), below, below, st.just(FLOAT))


number = st.recursive(
    st.one_of(
        st.just(ColumnRef("price", FLOAT)),
        st.builds(Literal, st.floats(allow_nan=False, allow_infinity=False).filter(bool), st.just(FLOAT)),
    ),
    _numbers,
    max_leaves=5,
)
text = st.one_of(
    st.just(ColumnRef("title", TEXT)), st.builds(Literal, st.sampled_from(["", "a/b", '"']), st.just(TEXT))
)
test = st.one_of(
    st.just(ColumnRef("verified", BOOL)),
    st.builds(Comparison, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), number, number),
    st.builds(In, text, st.tuples(text, text)),
    st.builds(TextTest, st.sampled_from(["contains", "starts with"]), text, text),
    st.builds(Matches, text, st.sampled_from(["a/b", "\\d+ \\\\"]), st.sampled_from(["", "i", "ims"])),
    st.builds(IsNull, st.one_of(number, text)),
)
condition = st.recursive(
    test,
    lambda below: st.one_of(
        st.builds(Not, below),
        st.builds(And, st.lists(below, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(below, min_size=2, max_size=3).map(tuple)),
        st.builds(IsNull, below),
    ),
    max_leaves=8,
)


@given(condition)
def test_any_condition_reads_back_with_the_same_text(expr: Expr) -> None:
    printed = expr_text(expr, ())
    both = where(f"verified and ({printed})")
    assert isinstance(both, And)
    assert expr_text(both.operands[1], ()) == printed


def test_the_columns_of_these_tests_are_those_of_the_corpus() -> None:
    assert (COLUMNS["price"], COLUMNS["title"]) == (FLOAT, TEXT)
    assert value("price").type == FLOAT
