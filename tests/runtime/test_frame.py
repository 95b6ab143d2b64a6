"""Frames: whatever is taken, everything known of a row goes with it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.frame import CallResult, Frame

ROWS = 12


def _frame() -> Frame:
    batch = pa.record_batch({"id": list(range(ROWS)), "text": [f"text {i}" for i in range(ROWS)]})
    frame = Frame(batch, {"who": pa.array([f"who {i}" for i in range(ROWS)])})
    result = frame.result(0)
    result.values[:6] = [f"answer {i}" for i in range(6)]
    result.known[:6] = True
    return frame


positions = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=20)


@given(st.lists(positions, min_size=1, max_size=3), positions)
def test_rows_keep_what_is_known_of_them_however_often_they_are_taken(steps: list[list[int]], last: list[int]) -> None:
    frame, expected = _frame(), list(range(ROWS))
    for step in steps:
        chosen = [i % len(expected) for i in step]
        frame, expected = frame.take(np.array(chosen)), [expected[i] for i in chosen]
    some = np.array([i % len(expected) for i in last])
    assert frame.column("id", some).to_pylist() == [expected[i] for i in some]
    assert frame.column("id").to_pylist() == expected
    assert frame.column("id", some).to_pylist() == [expected[i] for i in some]
    assert frame.variable("who").to_pylist() == [f"who {i}" for i in expected]
    assert frame.result(0).known.tolist() == [i < 6 for i in expected]
    known = frame.result(0).values[frame.result(0).known].tolist()
    assert known == [f"answer {i}" for i in expected if i < 6]
    assert frame.compact().batch.to_pydict() == frame.batch.to_pydict()


def test_taking_rows_copies_no_column_that_nobody_asks_for() -> None:
    big = pa.record_batch({"id": [1, 2, 3], "text": ["x" * 1_000_000] * 3})
    before = pa.total_allocated_bytes()
    frame = Frame(big).take(np.array([0, 2])).take(np.repeat([0, 1], 500))
    assert len(frame.column("id")) == 1000
    assert pa.total_allocated_bytes() - before < 1_000_000


def test_a_variable_is_added_beside_answers_that_stay() -> None:
    frame = _frame().with_variable("pair", pa.array(range(ROWS)))
    assert frame.result(0).known.sum() == 6
    assert set(frame.variables) == {"who", "pair"}


def test_a_result_nobody_computed_is_unknown() -> None:
    result = CallResult.empty(2)
    assert not result.known.any()
    assert result.take(np.array([1])).known.tolist() == [False]


def test_head_is_the_frame_itself_when_it_is_short() -> None:
    frame = _frame()
    assert frame.head(ROWS) is frame
    assert frame.head(2).column("id").to_pylist() == [0, 1]
