"""What a notebook shows of a result."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest

import falconql
from falconql.notebook import html_table
from falconql.runtime.io.arrow import SPAN_TYPE
from tests.fakes import FakeProxy


def page(table: pa.Table, **highlights: list[str]) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{html_table(table, highlights, table.num_rows)}</div>")


def cells(element: ElementTree.Element) -> list[str]:
    return ["".join(cell.itertext()) for cell in element.iter("td")]


def marks(element: ElementTree.Element) -> list[str]:
    return ["".join(mark.itertext()) for mark in element.iter("mark")]


def span(text: str, start: int) -> dict[str, Any]:
    return {"text": text, "start": start, "end": start + len(text), "score": 0.5}


def test_a_result_is_a_table_with_spans_marked_where_they_were_found() -> None:
    rows = {"text": ["Ann met Bob", None], "price": [2.5, None]}
    found = falconql.query('select text, price, who: spans("names")').run(rows, proxy=FakeProxy())
    shown = ElementTree.fromstring(f"<div>{found._repr_html_()}</div>")
    assert ["".join(head.itertext()) for head in shown.iter("th")] == ["text", "price", "who"]
    assert cells(shown) == ["Ann met Bob", "2.5", "Ann, Bob", "null", "null", "null"]
    assert marks(shown)[:2] == ["Ann", "Bob"]


def test_only_the_first_rows_are_shown() -> None:
    shown = falconql.query("select id").run({"id": list(range(2025))})._repr_html_()
    assert shown.count("<tr>") == 11
    assert "2,025 rows, the first 10 of them" in shown


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "&amp; \"quotes\" 'x'", "</td></table>", "日本 😀"])
def test_what_a_corpus_holds_is_shown_and_not_run(text: str) -> None:
    element = page(pa.table({text: [text]}))
    assert cells(element) == [text]
    assert ["".join(head.itertext()) for head in element.iter("th")] == [text]


def test_amounts_of_dollars_are_not_typeset_as_mathematics() -> None:
    table = page(pa.table({"text": ["from $5 to $7"]})).find("table")
    assert table is not None
    assert set(table.get("class", "").split()) == {"tex2jax_ignore", "mathjax_ignore"}


def test_a_long_text_is_cut_around_its_first_span() -> None:
    text = "x " * 1000 + "Paris" + " y" * 1000
    table = pa.table({"text": [text], "place": pa.array([span("Paris", 2000)], SPAN_TYPE)})
    element = page(table, text=["place"])
    assert marks(element)[0] == "Paris"
    assert re.fullmatch(r"…( ?x ?)+Paris( y ?)+…", cells(element)[0])
    assert len(cells(element)[0]) < 410


def test_spans_may_overlap() -> None:
    columns = {"a": [span("big red", 0)], "b": [span("red pen", 4)]}
    table = pa.table({"text": ["big red pen"], **{n: pa.array(v, SPAN_TYPE) for n, v in columns.items()}})
    assert cells(page(table, text=["a", "b"]))[0] == "big red pen"
    assert marks(page(table, text=["a", "b"]))[:2] == ["big red", " pen"]


def test_names_may_repeat_and_there_may_be_no_rows() -> None:
    assert cells(page(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))) == ["1", "2"]
    assert cells(page(pa.table({"a": pa.array([], pa.int64())}))) == []


def test_spans_of_a_corpus_may_be_empty() -> None:
    nothing = {"text": None, "start": None, "end": None, "score": None}
    table = pa.table({"text": ["a"], "place": pa.array([nothing], SPAN_TYPE)})
    assert cells(page(table, text=["place"])) == ["a", "null"]
    assert "null" in repr(falconql.query("select place").run(table))
