"""Which column a number of an instruction is for."""

from __future__ import annotations

import datetime as dt

import pytest

from falconql.asking.corpus import Column, Corpus
from falconql.asking.frame import intent
from falconql.asking.frame.assignment import assigned_numbers
from falconql.asking.frame.counting import aggregates, groups
from falconql.asking.frame.open_values import open_values
from falconql.asking.frame.ordering import Ordering, ordering
from falconql.asking.frame.quantities import limits_in
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT

CORPUS = Corpus(
    "boat trips",
    (
        Column("trip_id", INT, (1, 5000)),
        Column("passengers", INT, (0, 60)),
        Column("fare_eur", FLOAT, (5.0, 400.0)),
        Column("minutes", INT, (10, 600)),
        Column("sailed", DATE, (dt.date(2015, 1, 1), dt.date(2025, 1, 1))),
        Column("log", TEXT, mean_length=200.0),
    ),
    "log",
)


@pytest.mark.parametrize(
    ("instruction", "slots"),
    [
        ("trips with more than 20 passengers", {"passengers": (((">", "20"),),)}),
        ("over 30 passengers and fares below 50", {"passengers": (((">", "30"),),), "fare_eur": ((("<", "50"),),)}),
        ("trips under €80", {"fare_eur": ((("<", "80"),),)}),
        ("passengers between 10 and 20", {"passengers": (((">=", "10"),), (("<=", "20"),))}),
        ("trips longer than two hours", {"minutes": (((">", "120"),),)}),
        ("trips with two or four passengers", {"passengers": ((("in", "(2, 4)"),),)}),
        ("trips without passengers", {"passengers": ((("=", "0"),),)}),
        ("trips without a guide, over 20 passengers", {"passengers": (((">", "20"),),)}),
        ("the 5 longest trips", {}),
        ("trips before 2019", {}),
        ("trips that went well", {}),
    ],
)
def test_numbers_go_to_the_column_named_nearest(instruction: str, slots: object) -> None:
    assert dict(assigned_numbers(CORPUS, instruction, limits_in(instruction)).slots) == slots


def test_numbers_of_no_certain_column_are_left() -> None:
    found = assigned_numbers(CORPUS, "anything over 40", ())
    assert found.slots == {}
    assert found.left == ("40",)


def test_a_corpus_without_numbers() -> None:
    plain = Corpus("notes", (Column("note", TEXT, mean_length=90.0),), "note")
    found = assigned_numbers(plain, "more than 3 errors", ())
    assert found.slots == {}


NAMES = Corpus(
    "police reports",
    (
        Column("case_no", INT, (1, 900)),
        Column("officer", TEXT, ("A. Kim",)),
        Column("district", TEXT, ("North", "South"), closed=True),
        Column("arrest_made", BOOL),
        Column("report", TEXT, mean_length=300.0),
    ),
    "report",
)


@pytest.mark.parametrize(
    ("instruction", "values"),
    [
        ("reports by officer Kim about theft", {"officer": "Kim"}),
        ("North district reports with officer Jane Doe", {"officer": "Jane Doe"}),
        ('reports whose officer contains "kim"', {"officer": "kim"}),
        ("officer name contains kim and a car was stolen", {"officer": "kim"}),
        ("reports about a theft in Boston", {}),
        ("Officers in the North who were rude", {}),
        ("officers on duty in March", {}),
    ],
)
def test_names_of_a_column_of_many(instruction: str, values: dict[str, str]) -> None:
    assert open_values(NAMES, instruction) == {name: (value,) for name, value in values.items()}


@pytest.mark.parametrize(
    ("instruction", "holds"),
    [
        ("reports without an arrest", False),
        ("South district, arrest made, and a gun was found", True),
        ("reports with an arrest that mention a knife", True),
        ("no arrest was made", False),
        ("complaints about the rude arrest", None),
    ],
)
def test_a_part_that_says_nothing_but_a_yes_no_column(instruction: str, holds: bool | None) -> None:
    found = intent(NAMES, instruction)
    assert found is not None
    assert found.holds.get("arrest_made") is holds
    assert ("arrest_made" in found.required) == (holds is not None)


@pytest.mark.parametrize(
    ("instruction", "columns", "descending"),
    [
        ("trips sorted by fare, highest first", ("fare_eur",), True),
        ("trips sorted by highest fare", ("fare_eur",), True),
        ("newest trips", ("sailed",), True),
        ("trips about whales, oldest first", ("sailed",), False),
        ("the five cheapest trips", ("fare_eur",), False),
        ("10 trips with the most passengers", ("passengers",), True),
        ("longest trips with at least 20 passengers", ("minutes",), True),
        ("trips ordered by minutes descending", ("minutes",), True),
        ("trips, fares from low to high", (), False),
        ("trips with at most 5 passengers", (), None),
        ("sad trips", (), None),
    ],
)
def test_how_rows_are_sorted(instruction: str, columns: tuple[str, ...], descending: bool | None) -> None:
    assert ordering(CORPUS, instruction) == Ordering(columns, descending)


@pytest.mark.parametrize(
    ("instruction", "wanted", "by"),
    [
        ("how many trips per month of sailing", ("count()",), ()),
        ("number of reports by district", ("count()",), ("district",)),
        ("how many reports in each district mention a gun", ("count()",), ("district",)),
        ("count the reports", ("count()",), ()),
    ],
)
def test_what_is_counted(instruction: str, wanted: tuple[str, ...], by: tuple[str, ...]) -> None:
    assert aggregates(NAMES, instruction) == wanted
    assert groups(NAMES, instruction) == by


@pytest.mark.parametrize(
    ("instruction", "wanted"),
    [
        ("average fare by year", ("avg(fare_eur)",)),
        ("total number of passengers", ("sum(passengers)",)),
        ("mean fare and total passengers", ("avg(fare_eur)", "sum(passengers)")),
        ("number of trips and average fare", ("count()", "avg(fare_eur)")),
        ("average happiness", ()),
        ("sad trips", ()),
    ],
)
def test_what_is_computed(instruction: str, wanted: tuple[str, ...]) -> None:
    assert aggregates(CORPUS, instruction) == wanted
