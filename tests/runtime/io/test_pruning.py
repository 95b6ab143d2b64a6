"""Leaving out row groups never loses a row for which the filter is true."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import falconql
from falconql.runtime.evaluate import true_rows
from falconql.runtime.expression import (
    And,
    Cast,
    ColumnRef,
    Comparison,
    ComparisonOp,
    Expr,
    In,
    IsNull,
    Literal,
    Matches,
    Not,
    Or,
    TextTest,
)
from falconql.runtime.frame import Frame
from falconql.runtime.io.parquet import ranges_of
from falconql.runtime.io.pruning import Range, may_be_true
from falconql.runtime.normalise import normalise
from falconql.runtime.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP, Type

INTS = st.integers(-3, 3) | st.sampled_from([2**53 + 1, 2**63 - 1, -(2**63)])
FLOATS = st.sampled_from([-1.5, -0.0, 0.0, 0.5, 2.0, 1e300, math.inf, -math.inf, math.nan])
DECIMALS = st.decimals(-(10**8), 10**8, places=2)
TEXTS = st.text("ab日", max_size=3)
DATES = st.dates(dt.date(2023, 12, 30), dt.date(2024, 1, 2))
TIMES = st.datetimes(dt.datetime(2023, 12, 31, 22), dt.datetime(2024, 1, 1, 2))

# name: its type here, its Arrow types in files, its values, what a literal of a value holds
COLUMNS: dict[str, tuple[Type, list[pa.DataType], st.SearchStrategy[Any], Callable[[Any], Any]]] = {
    "i": (INT, [pa.int64()], INTS, int),
    "u": (INT, [pa.uint64()], st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1]), lambda v: min(v, 2**63 - 1)),
    "f": (FLOAT, [pa.float64(), pa.float32()], FLOATS, lambda v: v if math.isfinite(v) else 1.0),
    "n": (FLOAT, [pa.decimal128(12, 2)], DECIMALS, float),
    "t": (TEXT, [pa.string(), pa.large_string()], TEXTS, str),
    "d": (DATE, [pa.date32(), pa.date64()], DATES, dt.date.isoformat),
    "m": (TIMESTAMP, [pa.timestamp(u) for u in ("ms", "us", "ns")] + [pa.timestamp("us", "UTC")], TIMES, str),
}


@st.composite
def cases(draw: st.DrawFn, name: str) -> tuple[pa.Table, Expr]:
    """Return a table of one column and a condition on it, mostly about values that are there."""
    type_, types, values, plain = COLUMNS[name]
    listed = draw(st.lists(st.none() | values, min_size=1, max_size=3))
    given_as = pa.timestamp("us") if name == "m" else types[0]
    column = pa.array(listed, given_as).cast(draw(st.sampled_from(types)), safe=False)
    known = st.sampled_from(listed) | values
    literals = known.map(lambda value: Literal(None if value is None else plain(value), type_))
    leaf = leaves(ColumnRef(name, type_), literals)
    pair = st.tuples(leaf, leaf)
    return pa.table({name: column}), draw(leaf | st.builds(Not, leaf) | st.builds(And, pair) | st.builds(Or, pair))


@st.composite
def leaves(draw: st.DrawFn, column: ColumnRef, literals: st.SearchStrategy[Literal]) -> Expr:
    kinds = ["comparison", "comparison", "flipped", "in", "null"]
    extra = {INT: ["cast"], DATE: ["cast"], TEXT: ["starts", "matches"]}
    kind = draw(st.sampled_from([*kinds, *extra.get(column.type, [])]))
    literal = draw(literals)
    if kind == "in":
        return In(column, (literal, *draw(st.lists(literals, max_size=2))))
    if kind == "null":
        return IsNull(column) if draw(st.booleans()) else Not(IsNull(column))
    if kind == "starts" and isinstance(literal.value, str):
        return TextTest("starts with", column, Literal(literal.value[: draw(st.integers(0, 2))], TEXT))
    if kind == "matches":
        return Matches(column, "a|^$", "")
    operator: ComparisonOp = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]))
    if kind == "cast" and isinstance(literal.value, int):
        return Comparison(operator, Cast(column, FLOAT), Literal(float(literal.value), FLOAT))
    if kind == "cast" and isinstance(literal.value, str):
        return Comparison(operator, Cast(column, TIMESTAMP), Literal(f"{literal.value}T00:00:00", TIMESTAMP))
    return Comparison(operator, literal, column) if kind == "flipped" else Comparison(operator, column, literal)


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=50)
@given(data=st.data())
def test_a_row_group_with_a_true_row_is_never_left_out(name: str, data: st.DataObject) -> None:
    table, condition = data.draw(cases(name))
    file = io.BytesIO()
    pq.write_table(table, file)
    parquet = pq.ParquetFile(file)
    read = parquet.read().combine_chunks().to_batches()[0]
    frame = Frame(pa.RecordBatch.from_arrays([normalise(column) for column in read.columns], names=read.schema.names))
    if true_rows(condition, frame).any():
        assert may_be_true(condition, ranges_of(parquet.metadata.row_group(0), parquet.schema_arrow))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**63], pa.uint64()),
        pa.array([2**62], pa.timestamp("ms")),
        pa.array([2**31 - 1], pa.int32()).view(pa.date32()),
        pa.array([3_000_000], pa.int32()).view(pa.date32()),
        pa.array([math.nan]),
    ],
    ids=lambda column: str(column.type),
)
def test_values_that_are_read_as_null_may_be_null(column: pa.Array) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"x": column}), file)
    parquet = pq.ParquetFile(file)
    condition = IsNull(ColumnRef("x", INT))
    assert may_be_true(condition, ranges_of(parquet.metadata.row_group(0), parquet.schema_arrow))


I = ColumnRef("i", INT)  # noqa: E741 - a column of whole numbers
F = ColumnRef("f", FLOAT)
T = ColumnRef("t", TEXT)
RANGES = {
    "i": Range(3, 5, may_be_null=False),
    "f": Range(0.5, 0.5),
    "three": Range(3, 3),
    "t": Range("b", "bz", may_be_null=False),
    "nothing": Range(may_have_value=False),
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Comparison("<", I, Literal(3, INT)), False),
        (Comparison("<=", I, Literal(3, INT)), True),
        (Comparison(">", Literal(3, INT), I), False),
        (Comparison("=", I, Literal(None, INT)), False),
        # NaN may be there: statistics leave it out, and it is unequal to everything.
        (Comparison("!=", F, Literal(0.5, FLOAT)), True),
        (Comparison("!=", ColumnRef("three", INT), Literal(3, INT)), False),
        (Comparison("!=", I, Literal(3, INT)), True),
        (Comparison(">", Cast(I, FLOAT), Literal(5.5, FLOAT)), False),
        (In(I, (Literal(1, INT), Literal(9, INT))), False),
        (In(I, (Literal(1, INT), Literal(4, INT))), True),
        (IsNull(I), False),
        (IsNull(F), True),
        (Not(IsNull(ColumnRef("nothing", INT))), False),
        (Comparison("=", ColumnRef("nothing", INT), Literal(1, INT)), False),
        (Comparison("=", ColumnRef("unknown", INT), Literal(1, INT)), True),
        (Not(Comparison("<", I, Literal(3, INT))), True),
        (TextTest("starts with", T, Literal("a", TEXT)), False),
        (TextTest("starts with", T, Literal("bc", TEXT)), True),
        (TextTest("contains", T, Literal("zzz", TEXT)), True),
        (And((Comparison("=", I, Literal(4, INT)), Comparison("=", T, Literal("c", TEXT)))), False),
        (Or((Comparison("=", I, Literal(4, INT)), Comparison("=", T, Literal("c", TEXT)))), True),
        (Literal(False, BOOL), False),
        (Literal(None, BOOL), False),
    ],
    ids=str,
)
def test_what_statistics_rule_out(condition: Expr, expected: bool) -> None:
    assert may_be_true(condition, RANGES) is expected


@pytest.mark.parametrize("condition", ["f != 1", "not f = 1", "not f in (1)", "f = 1"])
def test_rows_do_not_depend_on_statistics(tmp_path: Path, condition: str) -> None:
    table = pa.table({"id": [1, 2, 3, 4], "f": [math.nan, 1.0, 1.0, None]})
    pq.write_table(table, tmp_path / "nan.parquet")
    query = falconql.query(f"where {condition} select id")
    assert query.run(str(tmp_path / "nan.parquet")).to_arrow() == query.run(table).to_arrow()
