"""Columns of a corpus in the one type that FalconQL computes with, whatever they come as."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.normalise import normalise

FIRST, LAST = dt.date.min, dt.date.max
EPOCH = dt.date(1970, 1, 1)
ENDS = [(FIRST - EPOCH).days, (LAST - EPOCH).days]


def days(*values: int | None) -> pa.Array:
    return pa.array(values, pa.int32()).view(pa.date32())


def test_dates_outside_the_years_1_to_9999_are_null() -> None:
    column = days(2**31 - 1, ENDS[1] + 1, ENDS[1], None, ENDS[0], ENDS[0] - 1, -(2**31))
    assert normalise(column).to_pylist() == [None, None, LAST, None, FIRST, None, None]
    assert normalise(column.slice(2, 3)).to_pylist() == [LAST, None, FIRST]
    in_lists = pa.ListArray.from_arrays(pa.array([0, 3, 3, 7], pa.int32()), column)
    assert normalise(in_lists).to_pylist() == [[None, None, LAST], [], [None, FIRST, None, None]]
    assert normalise(column.dictionary_encode()).to_pylist() == normalise(column).to_pylist()
    milliseconds = pa.array([2**63 - 1, ENDS[1] * 86_400_000, -(2**63)], pa.int64()).view(pa.date64())
    assert normalise(milliseconds).to_pylist() == [None, LAST, None]


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 10**3), ("us", 10**6)])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_instants_outside_the_years_1_to_9999_are_null(unit: str, per_second: int, zone: str | None) -> None:
    low, high = ENDS[0] * 86_400 * per_second, (ENDS[1] + 1) * 86_400 * per_second - 1
    column = pa.array([2**63 - 1, high + 1, high, None, low, low - 1, -(2**63)], pa.int64())
    found = normalise(column.view(pa.timestamp(unit, zone)))
    assert found.type == pa.timestamp("us")
    assert found.is_valid().to_pylist() == [False, False, True, False, True, False, False]
    assert found[2].as_py().date() == LAST
    assert found[4].as_py() == dt.datetime(1, 1, 1)


LISTS = st.lists(st.none() | st.lists(st.none() | st.text(max_size=2), max_size=3), min_size=1, max_size=8)
LAYOUTS = [pa.list_, pa.large_list, pa.list_view, pa.large_list_view]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(values=LISTS, data=st.data())
def test_lists_keep_their_elements_in_every_layout(layout: Any, values: list[Any], data: st.DataObject) -> None:
    column = pa.array(values, layout(pa.large_string()))
    start = data.draw(st.integers(0, len(values)))
    places = data.draw(st.lists(st.integers(0, len(values) - 1)))
    for given_, expected in (
        (column.slice(start), values[start:]),
        (column.take(pa.array(places, pa.int64())), [values[place] for place in places]),
    ):
        found = normalise(given_)
        found.validate(full=True)
        assert found.type == pa.list_(pa.string())
        assert found.to_pylist() == expected
