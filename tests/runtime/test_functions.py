"""What the nodes of an expression do to arrays, at the edges."""

from __future__ import annotations

import operator
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime import functions
from falconql.runtime.evaluate import evaluate, true_rows
from falconql.runtime.expression import (
    And,
    Arithmetic,
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
from falconql.runtime.frame import Frame
from falconql.runtime.types import BOOL, DATE, FLOAT, INT, NULL, TEXT, TIMESTAMP, Type, list_of

NAN = float("nan")


def values(expr: Expr, **columns: Any) -> list[Any]:
    arrays = [c if isinstance(c, pa.Array) else pa.array(c) for c in columns.values()]
    frame = Frame(pa.RecordBatch.from_arrays(arrays, names=list(columns)))
    result: list[Any] = evaluate(expr, frame).to_pylist()
    some = np.arange(frame.num_rows)[::-2].copy()
    assert [repr(v) for v in evaluate(expr, frame, some).to_pylist()] == [repr(result[i]) for i in some]
    return result


def col(name: str, type_: Type) -> ColumnRef:
    return ColumnRef(name, type_)


A, X, T = col("a", INT), col("x", FLOAT), col("t", TEXT)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1), st.sampled_from(["+", "-", "*"]))
def test_whole_numbers_are_exact_or_null(numbers: list[int | None], op: Any) -> None:
    exact = {"+": operator.add, "-": operator.sub, "*": operator.mul}[op]
    other = numbers[::-1]
    got = values(Arithmetic(op, A, col("b", INT), INT), a=pa.array(numbers, pa.int64()), b=pa.array(other, pa.int64()))
    for left, right, result in zip(numbers, other, got, strict=True):
        expected = None if left is None or right is None else exact(left, right)
        assert result == (expected if expected is not None and -(2**63) <= expected < 2**63 else None)


def test_overflow_against_a_constant_is_null() -> None:
    assert values(Arithmetic("+", Literal(2**62, INT), A, INT), a=[2**62, 1]) == [None, 2**62 + 1]


def test_division_gives_null_for_zero_and_a_float_for_whole_numbers() -> None:
    assert values(Arithmetic("/", A, Literal(0, INT), FLOAT), a=[1, None]) == [None, None]
    assert values(Arithmetic("/", A, Literal(2, INT), FLOAT), a=[1, -3]) == [0.5, -1.5]
    assert values(Arithmetic("/", X, X, FLOAT), x=[0.0, -0.0, 2.0]) == [None, None, 1.0]


def test_no_comparison_with_nan_is_true_but_unequal() -> None:
    for op, expected in {"=": False, "!=": True, "<": False, ">=": False}.items():
        assert values(Comparison(op, X, Literal(1.0, FLOAT)), x=[NAN]) == [expected]  # type: ignore[arg-type]


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=6))
def test_texts_compare_by_code_point(texts: list[str | None]) -> None:
    other = texts[::-1]
    got = values(Comparison("<", T, col("u", TEXT)), t=pa.array(texts, pa.string()), u=pa.array(other, pa.string()))
    assert got == [None if a is None or b is None else a < b for a, b in zip(texts, other, strict=True)]


def test_bools_compare() -> None:
    p = col("p", BOOL)
    assert values(Comparison("<", p, Literal(True, BOOL)), p=[True, False, None]) == [False, True, None]


def test_membership_with_nulls_and_both_zeros() -> None:
    options = (Literal(0.0, FLOAT), Literal(1.5, FLOAT))
    assert values(In(X, options), x=[-0.0, 1.5, 2.0, None]) == [True, True, False, None]
    with_null = (Literal(0.0, FLOAT), Literal(None, NULL))
    assert values(In(X, with_null), x=[0.0, 2.0, None]) == [True, None, None]
    assert values(Not(In(X, with_null)), x=[0.0, 2.0, None]) == [False, None, None]
    assert values(In(A, (Literal(1, INT), col("b", INT))), a=[1, 2, 3, 4], b=[9, 2, None, 5]) == [
        True,
        True,
        None,
        False,
    ]


def test_instants_compare_as_points_in_time() -> None:
    at = col("at", TIMESTAMP)
    instants = pa.array([datetime(2020, 1, 1), datetime(2019, 12, 31, 22), None], pa.timestamp("us"))
    same = Comparison("=", at, Literal("2020-01-01T00:00:00+02:00", TIMESTAMP))
    assert values(same, at=instants) == [False, True, None]
    assert values(Comparison("=", at, Literal("2020-01-01T00:00:00Z", TIMESTAMP)), at=instants) == [True, False, None]
    assert values(Comparison(">=", at, Literal("2020-01-01", TIMESTAMP)), at=instants) == [True, False, None]
    midnight = Cast(Literal("2020-01-01", DATE), TIMESTAMP)
    assert values(Comparison("=", at, midnight), at=instants) == [True, False, None]


def test_null_without_a_type_makes_everything_null() -> None:
    nothing = Literal(None, NULL)
    for expr in (
        Comparison("=", nothing, nothing),
        Comparison("=", Cast(nothing, INT), A),
        TextTest("contains", nothing, Literal("a", TEXT)),
        Matches(nothing, "a", ""),
        In(nothing, (Literal(1, INT),)),
        Arithmetic("+", nothing, nothing, INT),
        Function("length", (nothing,), INT),
        Not(nothing),
        And((nothing, Literal(True, BOOL))),
        Or((nothing, Literal(False, BOOL))),
    ):
        assert values(expr, a=[1, None]) == [None, None]
    assert values(IsNull(nothing), a=[1, None]) == [True, True]
    assert values(Function("exists", (nothing,), BOOL), a=[1]) == [False]


def test_a_list_contains_its_elements() -> None:
    tags = col("tags", list_of(TEXT))
    lists = pa.array([["a", "b"], ["b", None], [], None, [None, "a"]], pa.list_(pa.string()))
    found = [True, None, False, None, True]
    assert values(TextTest("contains", tags, Literal("a", TEXT)), tags=lists) == found
    patterns = pa.array(["b", "b", "b", "b", None])
    assert values(TextTest("contains", tags, T), tags=lists, t=patterns) == [True, True, False, None, None]
    sliced = lists.slice(1)
    assert values(TextTest("contains", tags, Literal("a", TEXT)), tags=sliced) == found[1:]


def test_what_a_null_list_hides_is_not_in_it() -> None:
    tags = col("tags", list_of(TEXT))
    shown = pa.ListArray.from_arrays(pa.array([0, 1, 3, 4]), pa.array(["a", "a", "b", "b"]))
    hiding = pa.Array.from_buffers(
        shown.type, 3, [pa.py_buffer(bytes([0b101])), shown.buffers()[1]], children=[shown.values]
    )
    assert hiding.to_pylist() == [["a"], None, ["b"]]
    assert values(TextTest("contains", tags, Literal("b", TEXT)), tags=hiding) == [False, None, True]
    assert values(TextTest("contains", tags, T), tags=hiding, t=pa.array(["a", "a", "a"])) == [True, None, False]


def test_text_tests_take_patterns_from_columns_and_constants() -> None:
    u = col("u", TEXT)
    columns = {"t": ["abc", "abc", None, "x"], "u": ["b", None, "b", "x"]}
    assert values(TextTest("contains", T, u), **columns) == [True, None, None, True]
    assert values(TextTest("starts with", T, Literal("ab", TEXT)), **columns) == [True, True, None, False]
    assert values(TextTest("contains", Literal("abx", TEXT), u), **columns) == [True, None, True, True]


@pytest.mark.parametrize(
    ("pattern", "flags", "expected"),
    [("^b", "m", True), ("^b", "", False), ("A.B", "is", True), ("a.b", "s", True), ("a.b", "", False)],
)
def test_flags_of_a_pattern(pattern: str, flags: str, expected: bool) -> None:
    assert values(Matches(T, pattern, flags), t=["a\nb", None]) == [expected, None]


def test_first_exists_and_length_on_lists_however_they_are_stored() -> None:
    lists = pa.array([["x"], ["", "b"], [], None, ["é"]], pa.list_(pa.string()))
    tags = col("tags", list_of(TEXT))
    for start in range(4):
        part = lists.slice(start)
        assert values(Function("first", (tags,), TEXT), tags=part) == ["x", "", None, None, "é"][start:]
        assert values(Function("exists", (tags,), BOOL), tags=part) == [True, True, False, False, True][start:]
        assert values(Function("length", (tags,), INT), tags=part) == [1, 2, 0, None, 1][start:]


def test_length_counts_code_points_and_lower_knows_all_letters() -> None:
    texts = ["Ärger 👩‍👩‍👧", "e\u0301", "", None]
    assert values(Function("length", (T,), INT), t=texts) == [11, 2, 0, None]
    assert values(Function("lower", (T,), TEXT), t=["ÄÖÜ ΑΒΓ", None]) == ["äöü αβγ", None]


def test_number_and_date_read_every_row() -> None:
    assert values(Function("number", (T,), FLOAT), t=["$1,299.99", "none", None, "$1,299.99"]) == [
        1299.99,
        None,
        None,
        1299.99,
    ]
    assert values(Function("date", (T,), DATE), t=["3 March 2015", "soon", None]) == [date(2015, 3, 3), None, None]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("year", [1969, 1, 9999]),
        ("quarter", [4, 1, 4]),
        ("month", [12, 1, 12]),
        ("day", [31, 1, 30]),
        ("weekday", [3, 1, 4]),
    ],
)
def test_the_parts_of_dates_and_points_in_time(name: Any, parts: list[int]) -> None:
    days = [date(1969, 12, 31), date(1, 1, 1), date(9999, 12, 30), None]
    times = [None if day is None else datetime(day.year, day.month, day.day, 23, 59, 59, 999_999) for day in days]
    assert values(Function(name, (col("d", DATE),), INT), d=days) == [*parts, None]
    column = pa.array(times, pa.timestamp("us"))
    assert values(Function(name, (col("at", TIMESTAMP),), INT), at=column) == [*parts, None]


def test_the_hour_of_a_point_in_time() -> None:
    times = [datetime(1969, 12, 31, 23, 59), datetime(2024, 2, 29), None]
    column = pa.array(times, pa.timestamp("us"))
    assert values(Function("hour", (col("at", TIMESTAMP),), INT), at=column) == [23, 0, None]


def test_a_text_of_a_megabyte_is_no_trouble() -> None:
    texts = ["1" * 1_000_000, "1," * 500_000, " " * 1_000_000, "(" * 1_000_000]
    assert values(Function("number", (T,), FLOAT), t=texts) == [None] * 4
    assert values(Function("date", (T,), DATE), t=texts) == [None] * 4


def test_values_inside_an_instruction_read_as_people_write_them() -> None:
    assert values(Cast(X, TEXT), x=[4.0, 4.5, None]) == ["4", "4.5", None]
    assert values(Cast(A, TEXT), a=[-7]) == ["-7"]
    assert values(Cast(col("p", BOOL), TEXT), p=[True]) == ["true"]
    at = pa.array([datetime(2020, 1, 2, 3, 4, 5), datetime(2020, 1, 2, 3, 4, 5, 60)], pa.timestamp("us"))
    assert values(Cast(col("at", TIMESTAMP), TEXT), at=at) == ["2020-01-02 03:04:05", "2020-01-02 03:04:05.000060"]
    day = pa.array([date(2020, 1, 2)])
    assert values(Cast(col("d", DATE), TEXT), d=day) == ["2020-01-02"]
    assert values(Cast(col("d", DATE), TIMESTAMP), d=day) == [datetime(2020, 1, 2)]


truth = st.lists(st.sampled_from([True, False, None]), min_size=3, max_size=3)


@given(st.lists(truth, min_size=1, max_size=5))
def test_and_or_and_not_follow_three_valued_logic(rows: list[list[bool | None]]) -> None:
    columns = {
        name: pa.array(list(column), pa.bool_()) for name, column in zip("pqr", zip(*rows, strict=True), strict=True)
    }
    operands = tuple(col(name, BOOL) for name in "pqr")
    expected_and = [False if False in row else None if None in row else True for row in rows]
    expected_or = [True if True in row else None if None in row else False for row in rows]
    assert values(And(operands), **columns) == expected_and
    assert values(Or(operands), **columns) == expected_or
    assert values(Not(Or(operands)), **columns) == values(And(tuple(Not(o) for o in operands)), **columns)


def test_true_rows_leaves_out_null_and_false() -> None:
    frame = Frame(pa.record_batch({"p": pa.array([True, False, None])}))
    assert true_rows(col("p", BOOL), frame).tolist() == [True, False, False]


def test_a_constant_has_a_value_for_every_row() -> None:
    assert values(Literal("x", TEXT), a=[1, 2, 3]) == ["x"] * 3
    assert values(Comparison("<", Literal(1, INT), Literal(2, INT)), a=[1, 2]) == [True, True]
    assert functions.literal_scalar(Literal("2020-02-29", DATE)).as_py() == date(2020, 2, 29)
