"""Places in a query text."""

from __future__ import annotations

import pytest

from falconql.source import Position, Source, Span


def test_lines_and_columns_count_from_one_in_code_points() -> None:
    source = Source("q", "ab\n\U0001f600c\r\n")
    places = [source.position(offset) for offset in range(len(source.text) + 1)]
    lines = [(place.line, place.column) for place in places]
    assert lines == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1)]
    assert [source.line(number) for number in (1, 2, 3)] == ["ab", "\U0001f600c", ""]


def test_offsets_outside_the_text_are_its_ends() -> None:
    source = Source("q", "abc")
    assert source.position(-1) == Position(1, 1)
    assert source.position(99) == Position(1, 4)


def test_spans_join_and_cut() -> None:
    assert Span(3, 5).join(Span(1, 4)) == Span(1, 5)
    assert Source("q", "where a").slice(Span(0, 5)) == "where"


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (3, 2)])
def test_a_span_goes_forward(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="not a range"):
        Span(start, end)
