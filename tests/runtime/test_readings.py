"""Numbers and dates as people write them; what could be read in two ways is null."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.readings import read_date, read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("$1,299.99", 1299.99),
        ("1.299,99 EUR", 1299.99),
        ("Rs. 54,990", 54990),
        ("₹1,29,990", 129990),
        ("1 299,5", 1299.5),
        ("12\u2019000", 12000),
        ("12.5%", 12.5),
        ("-3", -3),
        ("\u22123.5", -3.5),
        ("($5)", -5),
        ("$ -4", -4),
        ("about 40 dollars", 40),
        (".5 kg", 0.5),
        ("1e5", 100000),
        ("3,5", 3.5),
        ("low: -5", -5),
        ("loss of -$3.50", -3.5),
        ("loss of $-3.50", -3.5),
        ("about \u22125 °C", -5),
        ("\u20135", -5),
        ("(-5)", -5),
        ("-($5)", -5),
        ("$(5)", -5),
        ("=-5%", -5),
        ("Rs.-5", -5),
        ("top-10", 10),
        ("A-5", 5),
        ("pre-tax 5", 5),
        ("5-star", 5),
        ("- about 5 dollars", 5),
        ("x\u22125", None),
        ("total - $5", None),
        ("low: - 5", None),
        ("US-$5", None),
        ("-USD 5", None),
        ("\u00b15", None),
        ("+/- 5", None),
        ("+/-5", None),
        ("--5", None),
        ("12.50-", None),
        ("2024-05-31", None),
        ("3-5", None),
        ("40-50", None),
        ("0,500", 0.5),
        ("00,500", None),
        ("0.500.000", None),
        ("0 500", None),
        ("012,345", None),
        ("$1.2 trillion", None),
        ("$5T", None),
        ("$5-million", None),
        ("5 dozen", None),
        ("5\u00bd", None),
        ("10k", None),
        ("5 million", None),
        ("1,23,4", None),
        ("no number", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1" * 500, None),
    ],
)
def test_numbers(text: str, number: float | None) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2015-03-31", date(2015, 3, 31)),
        ("2015-03-31T10:00:00Z", date(2015, 3, 31)),
        ("31/03/2015", date(2015, 3, 31)),
        ("03/31/2015", date(2015, 3, 31)),
        ("03/04/2015", None),
        ("03.04.2015", date(2015, 4, 3)),
        ("March 31st, 2015", date(2015, 3, 31)),
        ("Mar. 3, 2015", date(2015, 3, 3)),
        ("Tuesday, 31 March 2015", date(2015, 3, 31)),
        ("March 2015", date(2015, 3, 1)),
        ("31-Mar-2015", date(2015, 3, 31)),
        ("the 1st of May 2015", None),
        ("1st of May, 2015", date(2015, 5, 1)),
        ("Sept. 9 2015", date(2015, 9, 9)),
        ("2015/3/9", date(2015, 3, 9)),
        ("20150331", date(2015, 3, 31)),
        ("201531", None),
        ("05/05/2015", date(2015, 5, 5)),
        ("Tue, 31 Mar 2015 23:30:00 -0500", date(2015, 3, 31)),
        ("31 Mar 2015 10:01 +02:00 (Central European Summer Time)", date(2015, 3, 31)),
        ("Tuesday, March 31, 2015 10:01 AM", date(2015, 3, 31)),
        ("March 31, 2015 at 5:30 p.m.", date(2015, 3, 31)),
        ("Tue Mar 31 10:01:00 2015", date(2015, 3, 31)),
        ("Tue Mar 31 10:01:00 +0000 2015", date(2015, 3, 31)),
        ("Tue Mar 31 10:01:00 CEST 2015", date(2015, 3, 31)),
        ("31/03/2015 9:05", date(2015, 3, 31)),
        ("2015/03/31 10:01:00.5 UTC", date(2015, 3, 31)),
        ("03/04/2015 10:01", None),
        ("31/03/2015 10:61", None),
        ("31 March 2015 10:01 or 11:01", None),
        ("March 2015 10:01", None),
        ("13/13/2015", None),
        ("May", None),
        ("30 February 2015", None),
        ("2015", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates(text: str, day: date | None) -> None:
    assert read_date(text) == day


@given(st.text())
def test_no_text_is_too_strange_to_read(text: str) -> None:
    assert read_number(text) is None or isinstance(read_number(text), float)
    assert read_date(text) is None or isinstance(read_date(text), date)


@given(st.dates(min_value=date(1000, 1, 1)))
def test_iso_dates_read_as_themselves(day: date) -> None:
    assert read_date(day.isoformat()) == day
    assert read_date(f"{day:%d} {day:%B} {day.year:04d}") == day
