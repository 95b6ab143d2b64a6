"""Which types every operator takes, and what it gives: the tables of DESIGN, type by type."""

from __future__ import annotations

from itertools import product

import pytest

from falconql.runtime.expression import Cast, ColumnRef, Comparison, In, Literal
from falconql.types import BOOL, DATE, FLOAT, INT, SPAN, TEXT, TIMESTAMP, list_of
from tests.check.support import COLUMNS, codes, diagnose, value, where

# One expression of every type.
SAMPLES = {
    "Bool": "verified",
    "Int": "stars",
    "Float": "price",
    "Text": "title",
    "Date": "published",
    "Timestamp": "sent",
    "Label": 'label("Is it good?")',
    "Span": 'span("Extract it")',
    "[Text]": "tags",
    "[Span]": 'spans("Extract them")',
    "Other": "meta",
}
NUMBERS = {"Int", "Float"}
TEXTS = {"Text", "Span"}
DATES = {"Date", "Timestamp"}
CONDITIONS = {"Bool", "Label"}
KINDS = (NUMBERS, TEXTS, DATES, CONDITIONS)


def accepted(text: str) -> bool:
    return not any(d.severity == "error" for d in diagnose(f"text body where {text}"))


@pytest.mark.parametrize(("left", "right"), list(product(SAMPLES, SAMPLES)))
def test_equality_needs_two_values_of_one_kind(left: str, right: str) -> None:
    expected = any({left, right} <= kind for kind in KINDS)
    assert accepted(f"{SAMPLES[left]} = {SAMPLES[right]}") is expected


@pytest.mark.parametrize(("left", "right"), list(product(SAMPLES, SAMPLES)))
def test_order_needs_numbers_texts_or_dates(left: str, right: str) -> None:
    expected = any({left, right} <= kind for kind in (NUMBERS, TEXTS, DATES))
    assert accepted(f"{SAMPLES[left]} <= {SAMPLES[right]}") is expected


@pytest.mark.parametrize(("left", "right"), list(product(SAMPLES, SAMPLES)))
def test_membership_takes_what_equality_takes(left: str, right: str) -> None:
    expected = any({left, right} <= kind for kind in KINDS)
    assert accepted(f"{SAMPLES[left]} in ({SAMPLES[right]}, {SAMPLES[right]})") is expected


@pytest.mark.parametrize(("left", "right"), list(product(SAMPLES, SAMPLES)))
def test_contains_looks_for_texts_in_texts_and_for_elements_in_lists(left: str, right: str) -> None:
    expected = left in TEXTS | {"[Text]", "[Span]"} and right in TEXTS
    assert accepted(f"{SAMPLES[left]} contains {SAMPLES[right]}") is expected


@pytest.mark.parametrize(("left", "right"), list(product(SAMPLES, SAMPLES)))
def test_starts_with_is_for_texts(left: str, right: str) -> None:
    assert accepted(f"{SAMPLES[left]} starts with {SAMPLES[right]}") is ({left, right} <= TEXTS)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_pattern_is_matched_against_texts(name: str) -> None:
    assert accepted(f"{SAMPLES[name]} matches /x/") is (name in TEXTS)


@pytest.mark.parametrize("name", SAMPLES)
def test_anything_can_be_tested_for_null(name: str) -> None:
    assert accepted(f"{SAMPLES[name]} is null")
    assert accepted(f"{SAMPLES[name]} is not null")


@pytest.mark.parametrize("name", SAMPLES)
def test_conditions_are_booleans_and_labels(name: str) -> None:
    for form in ("{0}", "not {0}", "verified and {0}", "{0} or verified"):
        assert accepted(form.format(SAMPLES[name])) is (name in CONDITIONS)


@pytest.mark.parametrize(("op", "left", "right"), list(product("+-*/", SAMPLES, SAMPLES)))
def test_arithmetic_is_for_numbers(op: str, left: str, right: str) -> None:
    assert accepted(f"{SAMPLES[left]} {op} {SAMPLES[right]} > 1") is ({left, right} <= NUMBERS)


@pytest.mark.parametrize(
    ("function", "takes", "gives"),
    [
        ("score", {"Label", "Span"}, FLOAT),
        ("exists", set(SAMPLES), BOOL),
        ("length", TEXTS | {"[Text]", "[Span]"}, INT),
        ("lower", TEXTS, TEXT),
        ("number", TEXTS, FLOAT),
        ("date", TEXTS, DATE),
    ],
)
@pytest.mark.parametrize("name", SAMPLES)
def test_functions_of_a_row(function: str, takes: set[str], gives: object, name: str) -> None:
    query = f"text body select x: {function}({SAMPLES[name]})"
    if name in takes:
        assert value(f"{function}({SAMPLES[name]})").type == gives
    else:
        assert codes(query) in (["FQL211"], ["FQL212"])


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        ("sum", NUMBERS),
        ("avg", NUMBERS),
        ("min", NUMBERS | TEXTS | DATES),
        ("max", NUMBERS | TEXTS | DATES),
        ("share", CONDITIONS),
        ("collect", NUMBERS | TEXTS | DATES | CONDITIONS),
        ("count", set(SAMPLES)),
    ],
)
@pytest.mark.parametrize("name", SAMPLES)
def test_aggregates(function: str, takes: set[str], name: str) -> None:
    found = diagnose(f"text body select x: {function}({SAMPLES[name]})")
    assert (not any(d.severity == "error" for d in found)) is (name in takes)


def test_the_first_of_a_list_is_an_element() -> None:
    assert value("first(tags)").type == TEXT
    assert value('first(spans("x"))').type == SPAN
    assert codes("text body select x: first(title)") == ["FQL212"]


def test_results_of_aggregates() -> None:
    kinds = {
        "sum(stars)": INT,
        "sum(price)": FLOAT,
        "avg(stars)": FLOAT,
        "min(published)": DATE,
        "max(title)": TEXT,
        'max(span("x"))': TEXT,
        "share(verified)": FLOAT,
        "collect(stars)": list_of(INT),
        'collect(span("x"))': list_of(TEXT),
        'collect(label("x"))': list_of(BOOL),
        "count()": INT,
        "count(meta)": INT,
    }
    assert {text: value(text).type for text in kinds} == kinds


STARS = ColumnRef("stars", INT)
PRICE = ColumnRef("price", FLOAT)
PUBLISHED = ColumnRef("published", DATE)
SENT = ColumnRef("sent", TIMESTAMP)


def test_every_coercion_is_written_out() -> None:
    assert where("stars < 3.5") == Comparison("<", Cast(STARS, FLOAT), Literal(3.5, FLOAT))
    assert where("price < 3") == Comparison("<", PRICE, Literal(3.0, FLOAT))
    assert where("stars < price") == Comparison("<", Cast(STARS, FLOAT), PRICE)
    assert where("published < sent") == Comparison("<", Cast(PUBLISHED, TIMESTAMP), SENT)
    assert where('found = "x"') == Comparison("=", Cast(ColumnRef("found", SPAN), TEXT), Literal("x", TEXT))


def test_a_whole_float_leaves_a_column_of_whole_numbers_as_it_is() -> None:
    assert where("stars = 4.0") == Comparison("=", STARS, Literal(4, INT))


def test_membership_brings_all_to_one_type() -> None:
    four, half = Literal(4.0, FLOAT), Literal(4.5, FLOAT)
    assert where("stars in (4, 4.5)") == In(Cast(STARS, FLOAT), (four, half))
    assert where("stars in (4, null)") == In(STARS, (Literal(4, INT), Literal(None, INT)))


@pytest.mark.parametrize(
    ("written", "column", "literal"),
    [
        ("2024-05-31", PUBLISHED, Literal("2024-05-31", DATE)),
        (" 2024-05-31 ", PUBLISHED, Literal("2024-05-31", DATE)),
        ("2024-05-31 14:30", Cast(PUBLISHED, TIMESTAMP), Literal("2024-05-31T14:30:00", TIMESTAMP)),
    ],
)
def test_a_text_beside_a_date_is_read_as_a_date(written: str, column: ColumnRef, literal: Literal) -> None:
    assert where(f'published = "{written}"') == Comparison("=", column, literal)
    assert where(f'"{written}" = published') == Comparison("=", literal, column)
    assert where("published = $day", {"day": written}) == Comparison("=", column, literal)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2024-05-31", "2024-05-31T00:00:00"),
        ("2024-05-31T14:30:05.25", "2024-05-31T14:30:05.250000"),
        ("2024-05-31 14:30+02:00", "2024-05-31T12:30:00"),
        ("2024-05-31T14:30:00Z", "2024-05-31T14:30:00"),
    ],
)
def test_a_text_beside_a_timestamp_is_read_in_utc(written: str, utc: str) -> None:
    assert where(f'sent = "{written}"') == Comparison("=", SENT, Literal(utc, TIMESTAMP))


@pytest.mark.parametrize("written", ["20240531", "2024-W22-5", "24-05-31", "2024-13-01", "0000-01-01", "31 May", ""])
def test_other_texts_are_no_dates(written: str) -> None:
    assert codes(f'where published = "{written}"') == ["FQL203"]


def test_every_column_type_has_a_sample() -> None:
    names = {"Span" if t == SPAN else "Other" if t.name == "Other" else str(t) for t in COLUMNS.values()}
    assert names - {"[Int]"} <= set(SAMPLES)
