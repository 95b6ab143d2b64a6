"""What values look like in text formats, and that tables come back as they went."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falconql.runtime.errors import DataError
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io.arrow import SPAN_TYPE
from falconql.table import format_table
from tests.runtime.io.reading import rows_of, table_of

SPAN = {"text": "a, b", "start": 3, "end": 7, "score": 0.9}


def text_of(column: pa.Array, format_: str) -> str:
    out = io.BytesIO()
    schema = pa.schema({"x": column.type, "n": pa.int64()})
    sink = open_sink(out, schema, format=format_)
    sink.write(pa.record_batch([column, pa.array([1] * len(column), pa.int64())], schema=schema))
    sink.commit()
    return out.getvalue().decode()


VALUES = [
    (pa.array([True, None]), ["true", ""], [True, None]),
    (pa.array([1, -(2**63)]), ["1", "-9223372036854775808"], [1, -(2**63)]),
    (pa.array([1.0, 0.1, 1e300, -0.0]), ["1.0", "0.1", "1e+300", "-0.0"], [1.0, 0.1, 1e300, -0.0]),
    (pa.array([0.9, 16777216.0], pa.float32()), ["0.9", "16777216.0"], [0.9, 16777216.0]),
    (pa.array([0.5], pa.float16()), ["0.5"], [0.5]),
    (pa.array([math.nan, math.inf, -math.inf]), ["", "inf", "-inf"], [None, None, None]),
    (pa.array(["plain", "", None]), ["plain", '""', ""], ["plain", "", None]),
    (pa.array(['a "b"', "c,d", "=1+1"]), ['"a ""b"""', '"c,d"', "=1+1"], ['a "b"', "c,d", "=1+1"]),
    (pa.array(["日本 👩‍👩‍👧", "\\", "\x01\t"]), ["日本 👩‍👩‍👧", "\\", "\x01\t"], ["日本 👩‍👩‍👧", "\\", "\x01\t"]),
    (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"], ["a", "b", "a"]),
    (pa.array([dt.date(2024, 2, 29)]), ["2024-02-29"], ["2024-02-29"]),
    (pa.array([dt.date(2024, 2, 29)], pa.date64()), ["2024-02-29"], ["2024-02-29"]),
    (
        pa.array([dt.datetime(2024, 1, 1, 10), dt.datetime(1969, 1, 1, 0, 0, 0, 120_000)]),
        ["2024-01-01T10:00:00", "1969-01-01T00:00:00.12"],
        ["2024-01-01T10:00:00", "1969-01-01T00:00:00.12"],
    ),
    (pa.array([1], pa.timestamp("s", "UTC")), ["1970-01-01T00:00:01Z"], ["1970-01-01T00:00:01Z"]),
    (pa.array([1], pa.timestamp("ns")), ["1970-01-01T00:00:00.000000001"], ["1970-01-01T00:00:00.000000001"]),
    (pa.array([decimal.Decimal("12.50")]), ["12.5"], [12.5]),
    (pa.array([b"\x00\xff"]), ["AP8="], ["AP8="]),
    (pa.array([dt.time(10, 30)]), ["10:30:00"], ["10:30:00"]),
    (pa.nulls(2), ["", ""], [None, None]),
    (pa.array([SPAN, None], SPAN_TYPE), ['"a, b"', ""], [SPAN, None]),
    (pa.array([[SPAN], [], None], pa.list_(SPAN_TYPE)), ['"[""a, b""]"', "[]", ""], [[SPAN], [], None]),
    (pa.array([[1, None]]), ['"[1, null]"'], [[1, None]]),
    (pa.array([["é"]], pa.list_(pa.string(), 1)), ['"[""é""]"'], [["é"]]),
    (
        pa.array([{"d": dt.datetime(2024, 1, 1)}]),
        ['"{""d"": ""2024-01-01T00:00:00""}"'],
        [{"d": "2024-01-01T00:00:00"}],
    ),
    (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), ['"{""k"": 1}"'], [{"k": 1}]),
]


# Times that Python has no value for, inside of what is only passed through.
DAYS = pa.array([2**31 - 1, 0, None], pa.int32()).view(pa.date32())
UNSAYABLE = [
    (pa.StructArray.from_arrays([DAYS], ["d"]), [{"d": None}, {"d": "1970-01-01"}, {"d": None}]),
    (
        pa.MapArray.from_arrays(pa.array([0, 2, 2, 3], pa.int32()), pa.array(["a", "b", "c"]), DAYS),
        [{"a": None, "b": "1970-01-01"}, {}, {"c": None}],
    ),
    (
        pa.LargeListArray.from_arrays(pa.array([0, 2, 2, 3], pa.int64()), pa.StructArray.from_arrays([DAYS], ["d"])),
        [[{"d": None}, {"d": "1970-01-01"}], [], [{"d": None}]],
    ),
    (pa.array([2**62, 1, None], pa.int64()).view(pa.duration("s")), [None, "0:00:01", None]),
    (
        pa.StructArray.from_arrays([DAYS, pa.array([1, 1500, 3], pa.timestamp("ns"))], ["d", "t"]),
        [
            {"d": None, "t": "1970-01-01T00:00:00"},
            {"d": "1970-01-01", "t": "1970-01-01T00:00:00.000001"},
            {"d": None, "t": "1970-01-01T00:00:00"},
        ],
    ),
]


@pytest.mark.parametrize(("column", "as_json"), UNSAYABLE, ids=lambda value: str(getattr(value, "type", "")))
def test_times_that_no_text_says_are_null(column: pa.Array, as_json: list[Any]) -> None:
    assert [json.loads(line)["x"] for line in text_of(column, "jsonl").splitlines()] == as_json
    for part in (column, column.slice(1)):
        assert "out of range" not in text_of(part, "csv")
    assert format_table(pa.table({"x": column}), width=200).count("\n") >= len(column)


@pytest.mark.parametrize(("column", "as_csv", "as_json"), VALUES, ids=lambda value: str(getattr(value, "type", "")))
def test_values_in_text_formats(column: pa.Array, as_csv: list[str], as_json: list[Any]) -> None:
    assert text_of(column, "csv") == "x,n\n" + "".join(f"{value},1\n" for value in as_csv)
    lines = text_of(column, "jsonl").splitlines()
    assert [json.loads(line)["x"] for line in lines] == as_json
    assert [row["x"] for row in json.loads(text_of(column, "json"))] == as_json


def test_slices_are_written_as_they_are() -> None:
    column = pa.array(["no", "a,b", None, "c", "no"]).slice(1, 3)
    assert text_of(column, "csv") == 'x,n\n"a,b",1\n,1\nc,1\n'
    assert [json.loads(line)["x"] for line in text_of(column, "jsonl").splitlines()] == ["a,b", None, "c"]
    assert text_of(pa.array([None, SPAN], SPAN_TYPE).slice(1), "csv") == 'x,n\n"a, b",1\n'


def test_tabs_are_what_tsv_quotes() -> None:
    assert text_of(pa.array(["a,b", "c\td"]), "tsv") == 'x\tn\na,b\t1\n"c\td"\t1\n'


def test_json_is_written_as_people_read_it() -> None:
    assert text_of(pa.array(["日本"]), "jsonl") == '{"x": "日本", "n": 1}\n'
    assert text_of(pa.array(["a", "b"]), "json") == '[\n{"x": "a", "n": 1},\n{"x": "b", "n": 1}\n]\n'


@pytest.mark.parametrize(("format_", "expected"), [("csv", b"a,b\n"), ("jsonl", b""), ("json", b"[]\n")])
def test_no_rows(format_: str, expected: bytes) -> None:
    out = io.BytesIO()
    open_sink(out, pa.schema({"a": pa.int64(), "b": pa.string()}), format=format_).commit()
    assert out.getvalue() == expected


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz"])
def test_a_zero_byte_is_in_no_csv_file(tmp_path: Path, ending: str) -> None:
    sink = open_sink(str(tmp_path / f"x.{ending}"), pa.schema({"body": pa.string()}))
    with pytest.raises(DataError, match="the column `body` has a zero byte") as caught:
        sink.write(pa.record_batch({"body": ["fine", "a\0b"]}))
    assert ".jsonl" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="zero byte"):
        open_sink(str(tmp_path / f"x.{ending}"), pa.schema([("a\0", pa.string())]))


def test_names_that_need_quotes() -> None:
    out = io.BytesIO()
    sink = open_sink(out, pa.schema([('a "b"', pa.int64()), ("c,d", pa.int64())]), format="csv")
    sink.commit()
    assert out.getvalue() == b'"a ""b""","c,d"\n'


def test_a_null_in_the_only_column_is_still_a_row() -> None:
    out = io.BytesIO()
    sink = open_sink(out, pa.schema({"n": pa.int64()}), format="csv")
    sink.write(pa.record_batch({"n": pa.array([1, None, 3], pa.int64())}))
    sink.commit()
    assert table_of(open_source("-", format="csv", stdin=io.BytesIO(out.getvalue())))["n"].to_pylist() == [1, None, 3]


# Letters keep texts from reading as numbers, dates or truth; `\r` is a line end to any reader of CSV.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).map(lambda t: "q" + t)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ANY = {
    "i": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "f": (pa.float64(), FLOATS),
    "t": (pa.string(), TEXTS),
    "b": (pa.bool_(), st.booleans()),
    "d": (pa.date32(), st.dates(dt.date(1000, 1, 1))),
    "m": (pa.timestamp("us"), st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))),
}
NESTED = {
    "s": (
        SPAN_TYPE,
        st.fixed_dictionaries({"text": TEXTS, "start": st.just(0), "end": st.just(2), "score": st.just(0.5)}),
    ),
    "l": (pa.list_(pa.string()), st.lists(st.none() | TEXTS, max_size=3)),
    "n": (pa.null(), st.none()),
}


@st.composite
def tables(draw: st.DrawFn, columns: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]], *, typed: bool) -> pa.Table:
    """Return a table; ``typed``: every column holds a value that tells its type."""
    rows = draw(st.integers(1 if typed else 0, 5))
    found = {}
    for name, (type_, values) in columns.items():
        listed = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        if typed:
            listed.append(draw(values))
        found[name] = pa.array(listed, type_)
    return pa.table(found)


def there_and_back(table: pa.Table, format_: str, batch_rows: int) -> pa.Table:
    out = io.BytesIO()
    sink = open_sink(out, table.schema, format=format_)
    for batch in table.to_batches(max_chunksize=batch_rows):
        sink.write(batch)
    sink.commit()
    return table_of(open_source("-", format=format_, stdin=io.BytesIO(out.getvalue())), batch_rows=batch_rows)


@pytest.mark.parametrize("format_", ["parquet", "arrow"])
@given(table=tables({**ANY, **NESTED}, typed=False), batch_rows=st.integers(1, 4))
def test_any_table_comes_back_from_columnar_formats(format_: str, table: pa.Table, batch_rows: int) -> None:
    assert there_and_back(table, format_, batch_rows) == table


@pytest.mark.parametrize("format_", ["csv", "tsv", "jsonl", "json"])
@settings(max_examples=30)
@given(table=tables(ANY, typed=True), batch_rows=st.integers(1, 4))
def test_typed_columns_come_back_from_text_formats(format_: str, table: pa.Table, batch_rows: int) -> None:
    back = there_and_back(table, format_, batch_rows)
    assert back.schema == table.schema
    assert back.to_pylist() == table.to_pylist()


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet", "arrow"])
def test_objects_with_texts_as_polars_lays_them_out(format_: str, tmp_path: Path) -> None:
    type_ = pa.struct([("a", pa.string_view()), ("b", pa.list_(pa.binary_view()))])
    values = pa.array([{"a": "x" * 20, "b": [b"y", None]}, None, {"a": None, "b": None}], type_)
    batch = pa.record_batch({"id": range(3), "v": values})
    sink = open_sink(tmp_path / f"out.{format_}", batch.schema)
    for row in range(3):
        sink.write(batch.slice(row, 1))
    sink.commit()
    rows = rows_of(open_source(str(tmp_path / f"out.{format_}")))
    if format_ in ("parquet", "arrow"):
        assert rows == batch.to_pylist()
    assert len(rows) == 3


def test_nested_values_come_back_from_json() -> None:
    rows = [{"l": ["a", None], "s": SPAN | {"score": 0.5}}, {"l": [], "s": None}]
    table = pa.Table.from_pylist(rows, pa.schema({"l": pa.list_(pa.string()), "s": SPAN_TYPE}))
    assert there_and_back(table, "jsonl", 10).to_pylist() == rows


@pytest.mark.parametrize("format_", ["csv", "jsonl", "json", "parquet", "arrow"])
def test_a_text_of_a_megabyte_comes_back(format_: str) -> None:
    table = pa.table({"id": [1, 2], "text": ['é"\n,𝄞' * 200_000, "x"]})
    assert there_and_back(table, format_, 10) == table
