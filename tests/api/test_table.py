"""Results as a table of characters."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.diagnostics.render import display_width
from falconql.runtime.io.arrow import SPAN_TYPE
from falconql.table import format_table

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def span(text: str, start: int, end: int) -> dict[str, object]:
    return {"text": text[start:end], "start": start, "end": end, "score": 0.5}


def test_numbers_stand_right_and_share_their_decimals() -> None:
    table = pa.table({"n": [1, 22, None], "x": [0.5, 1.25, None], "ok": [True, False, None]})
    assert format_table(table, width=40).splitlines() == [
        "   n     x  ok",
        "────  ────  ─────",
        "   1  0.50  true",
        "  22  1.25  false",
        "null  null  null",
    ]


def test_long_texts_are_wrapped_at_words_and_cut() -> None:
    table = pa.table({"id": [1, 2], "text": ["the quick brown fox jumps over the lazy dog " * 3, "short"]})
    assert format_table(table, width=24, most_lines=2).splitlines() == [
        "id  text",
        "──  ────────────────────",
        " 1  the quick brown fox",
        "    jumps over the lazy…",
        "",
        " 2  short",
    ]


def test_wide_characters_take_two_columns() -> None:
    table = pa.table({"text": ["日本語のテキスト", "ab"], "n": [1, 2]})
    assert format_table(table, width=40).splitlines()[2:] == ["日本語のテキスト  1", "ab                2"]
    narrow = format_table(table, width=14).splitlines()
    assert narrow[2].startswith("日本語のテ ")
    assert all(display_width(line) <= 14 for line in narrow)


def test_control_characters_cannot_reach_the_terminal() -> None:
    shown = format_table(pa.table({"text": ["a\nb\tc\x1b[31md\x07\x9b"]}), width=40)
    assert shown.splitlines()[-1] == "a b c␛[31md␇\ufffd"


def test_spans_are_marked_in_their_text() -> None:
    text = "We paid $900 in Oslo."
    table = pa.table(
        {
            "text": [text],
            "price": pa.array([span(text, 8, 12)], SPAN_TYPE),
            "places": pa.array([[span(text, 16, 20)]], pa.list_(SPAN_TYPE)),
        }
    )
    shown = format_table(table, width=80, color=True, highlights={"text": ["price", "places"]})
    row = shown.splitlines()[-1]
    assert row.startswith("We paid \x1b[1;33m$900\x1b[0m in \x1b[1;36mOslo\x1b[0m.")
    assert "\x1b[1;33m$900\x1b[0m" in row[40:]
    plain = format_table(table, width=80, highlights={"text": ["price", "places"]})
    assert ANSI.sub("", shown) == plain


def test_a_cut_text_shows_the_part_with_its_span() -> None:
    text = "word " * 200 + "needle " + "word " * 50
    start = text.index("needle")
    table = pa.table({"text": [text], "found": pa.array([span(text, start, start + 6)], SPAN_TYPE)})
    shown = format_table(table, width=50, color=True, highlights={"text": ["found"]})
    assert shown.splitlines()[2].startswith("… word")
    assert "\x1b[1;33mneedle\x1b[0m" in shown.splitlines()[2] + shown.splitlines()[3]


def test_a_text_that_fits_is_shown_from_its_beginning() -> None:
    text = "They left for the coast and came back to Oslo."
    table = pa.table({"text": [text], "found": pa.array([span(text, 41, 45)], SPAN_TYPE)})
    shown = format_table(table, width=30, color=True, highlights={"text": ["found"]}).splitlines()
    assert shown[2].startswith("They left")
    assert "\x1b[1;33mOslo\x1b[0m" in "".join(shown[2:])


def test_columns_that_do_not_fit_are_named() -> None:
    table = pa.table({f"column{n}": ["some words here"] for n in range(8)})
    shown = format_table(table, width=40).splitlines()
    assert shown[0].split() == ["column0", "column1", "column2"]
    assert shown[-1] == "… no room for column3, column4, column5…"


def test_no_rows_and_no_columns() -> None:
    assert format_table(pa.table({"a": pa.array([], pa.string())}), width=20).splitlines() == ["a", "─"]
    assert format_table(pa.table({}), width=20) == "\n"


def test_every_type_has_a_text() -> None:
    table = pa.table({"b": [b"abc"], "s": [{"x": 1}], "l": [[1, None]], "n": pa.nulls(1)})
    assert format_table(table, width=80).splitlines()[-1].split("  ") == ["<3 bytes>", '{"x": 1}', "1, null", "null"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@given(
    rows=st.lists(st.tuples(st.none() | texts, st.none() | st.integers(-9, 999), st.none() | texts), max_size=5),
    width=st.integers(24, 120),
    color=st.booleans(),
)
def test_no_line_is_wider_than_the_terminal(
    rows: list[tuple[str | None, int | None, str | None]], width: int, color: bool
) -> None:
    columns = {name: [row[i] for row in rows] for i, name in enumerate(("first", "n", "second"))}
    schema = pa.schema({"first": pa.string(), "n": pa.int64(), "second": pa.string()})
    shown = format_table(pa.table(columns, schema), width=width, color=color)
    assert all(display_width(ANSI.sub("", line)) <= width for line in shown.splitlines())


@given(text=texts, ends=st.tuples(st.integers(0, 120), st.integers(0, 120)), width=st.integers(10, 40))
def test_marking_never_changes_the_text(text: str, ends: tuple[int, int], width: int) -> None:
    start, end = sorted(min(at, len(text)) for at in ends)
    table = pa.table({"text": [text], "span": pa.array([span(text, start, end)], SPAN_TYPE)})
    marked = format_table(table, width=width * 2, color=True, highlights={"text": ["span"]})
    assert ANSI.sub("", marked) == format_table(table, width=width * 2, highlights={"text": ["span"]})


@pytest.mark.parametrize("value", [1e300, -1e-9, float("nan"), float("inf")])
def test_extreme_numbers(value: float) -> None:
    assert len(format_table(pa.table({"x": [value, 1.0]}), width=40).splitlines()) == 4


def test_the_longest_texts_keep_their_place_in_a_narrow_terminal() -> None:
    row = {f"number_{i}": [123456789] for i in range(6)} | {"review": ["not the best laptop I have owned " * 4]}
    lines = format_table(pa.table(row), width=40).splitlines()
    assert lines[0].split() == ["number_0", "number_1", "review"]
    assert "not the best" in lines[2]
    assert lines[-1].startswith("… no room for number_2, number_3")
    assert all(display_width(line) <= 40 for line in lines)
