"""Columns of a corpus in the one type that FalconQL computes with, whatever they come as."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import falconql
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


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["good", "bad"])])
def test_categories_of_polars_are_texts(kind: Any) -> None:
    # Arrow decodes no dictionaries of views, in which Polars keeps its texts.
    frame = pl.DataFrame({"id": [1, 2, 3], "mood": pl.Series(["bad", None, "good"], dtype=kind)})
    found = falconql.query("where exists(mood) select id, mood").run(frame).to_arrow()
    assert found.to_pylist() == [{"id": 1, "mood": "bad"}, {"id": 3, "mood": "good"}]


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


@given(st.lists(st.none() | st.decimals(-(10**8), 10**8, places=2), min_size=1, max_size=5))
def test_a_decimal_is_the_number_that_a_literal_of_its_digits_is(values: list[Decimal | None]) -> None:
    expected = [None if value is None else float(value) for value in values]
    for type_ in (pa.decimal128(12, 2), pa.decimal256(50, 2)):
        found = normalise(pa.array(values, type_))
        assert (found.type, found.to_pylist()) == (pa.float64(), expected)


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


VIEWS = [
    (pa.binary_view(), [b"a", None, b"b" * 20]),
    (pa.list_(pa.binary_view()), [[b"a"], None, [b"b" * 20, None]]),
    (pa.large_list(pa.binary_view()), [[b"a"], None, [b"b" * 20, None]]),
    (pa.struct([("x", pa.binary_view()), ("y", pa.string_view())]), [{"x": b"a", "y": "b" * 20}, None, {"x": b"c"}]),
    (pa.list_(pa.struct([("y", pa.string_view())])), [[{"y": "b" * 20}], None, [{"y": None}, {"y": "c"}]]),
    (pa.list_(pa.struct([("y", pa.string_view())]), 1), [[{"y": "b" * 20}], None, [{"y": None}]]),
    (pa.map_(pa.string_view(), pa.binary_view()), [[("k", b"a")], None, [("l", b"b" * 20)]]),
]


@pytest.mark.parametrize(("type_", "values"), VIEWS, ids=lambda value: str(value)[:30])
def test_rows_of_views_are_chosen_and_ordered(type_: pa.DataType, values: list[Any]) -> None:
    table = pa.table({"id": range(3), "v": pa.array(values, type_)})
    expected = table["v"].to_pylist()
    for query, rows in (("where id > 0", [1, 2]), ("select * order by id desc", [2, 1, 0]), ("select v", [0, 1, 2])):
        found = falconql.query(query).run(table).to_arrow()
        found.validate(full=True)
        assert found["v"].type == type_
        assert found["v"].to_pylist() == [expected[row] for row in rows]


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (pa.array([1, 1, None], pa.int32()), pa.int64()),
        (pa.array(["a", "a", "b"]), pa.string()),
        (pa.array([b"a", b"a", None]), pa.binary()),
        (pa.array(["a", "a", "b" * 20], pa.string_view()), pa.string()),
        (pa.array([b"a", b"a", None], pa.binary_view()), pa.binary_view()),
        (pa.array(["a", "a", None]).dictionary_encode(), pa.string()),
    ],
    ids=str,
)
def test_a_column_of_runs_is_what_its_values_are(values: pa.Array, type_: pa.DataType) -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.concat_arrays([values[:1], values[2:]]))
    expected = values.to_pylist()
    for start, length in ((0, 3), (1, 2), (2, 1), (1, 0)):
        assert normalise(runs.slice(start, length)).to_pylist() == expected[start : start + length]
    table = pa.table({"id": range(3), "v": runs})
    queries = [("where id > 0", [1, 2]), ("select * order by id desc", [2, 1, 0]), ("select v", [0, 1, 2])]
    if isinstance(expected[0], int | str):
        queries.append((f"where v = {json.dumps(expected[0])}", [0, 1]))
    for query, rows in queries:
        found = falconql.query(query).run(table).to_arrow()
        assert found["v"].type == type_
        assert found["v"].to_pylist() == [expected[row] for row in rows]
