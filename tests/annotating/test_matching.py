"""Words that a model copied out of a text, as places in it."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.annotating.matching import Matched, locate


def found(text: str, *pieces: str) -> list[str]:
    return [text[start:end] for start, end in locate(text, pieces).spans]


@pytest.mark.parametrize(
    ("text", "pieces", "spans"),
    [
        ("The Dell costs $900.", ["Dell", "$900"], ((4, 8), (15, 19))),
        ("a b a b", ["a", "a"], ((0, 1), (4, 5))),
        ("a b a b", ["b", "a"], ((2, 3), (4, 5))),
        ("b a", ["a", "b"], ((0, 1), (2, 3))),
        ("partly art", ["art"], ((7, 10),)),
        ("party", ["art"], ((1, 4),)),
        ("我爱北京", ["北京"], ((2, 4),)),
        ("x", [], ()),
        ("x", ["", "  "], ()),
        ("A laptop", ["  laptop\n"], ((2, 8),)),
    ],
)
def test_exact(text: str, pieces: list[str], spans: tuple[tuple[int, int], ...]) -> None:
    assert locate(text, pieces) == Matched(spans)


@pytest.mark.parametrize(
    ("text", "piece", "span"),
    [
        ("the  new\nDell here", "the new Dell", "the  new\nDell"),
        ("The DELL here", "dell", "DELL"),
        ("She said “no”.", 'said "no"', "said “no”"),
        ("it\u2019s fine", "it's fine", "it\u2019s fine"),
        ("a long\u2013range plan", "long-range", "long\u2013range"),
        (unicodedata.normalize("NFD", "un café noir"), "café", unicodedata.normalize("NFD", "café")),
        ("un café noir", unicodedata.normalize("NFD", "café"), "café"),
        ("die Straße dort", "STRASSE", "Straße"),
        ("the ﬁrst one", "first", "ﬁrst"),
        ("co\u00adoperate now", "cooperate", "co\u00adoperate"),
        ("pineapple, Apple", "apple", "Apple"),
    ],
)
def test_repaired(text: str, piece: str, span: str) -> None:
    matched = locate(text, [piece])
    assert (matched.repaired, matched.rejected) == (1, 0)
    assert [text[s:e] for s, e in matched.spans] == [span]


def test_half_of_a_character_is_no_place() -> None:
    assert locate("Straße", ["Stras"]) == Matched((), rejected=1)
    assert locate("ﬁt", ["it"]) == Matched((), rejected=1)


def test_what_is_not_there_is_rejected_and_counted() -> None:
    assert locate("The Dell.", ["Lenovo", "Dell", "price"]) == Matched(((4, 8),), rejected=2)
    assert locate("one Dell only", ["Dell", "Dell"]) == Matched(((4, 8),), rejected=1)
    assert locate("Dell XPS 13", ["Dell XPS 13", "XPS"]) == Matched(((0, 11),), rejected=1)


def test_lone_surrogates_stand_where_they_stood() -> None:
    assert found("a \ud800 Dell", "Dell") == ["Dell"]
    assert locate("a \ud800b", ["?b"]).spans == ((2, 4),)


@given(st.text(max_size=60), st.lists(st.text(max_size=6), max_size=8))
def test_spans_lie_in_the_text_in_order_and_apart(text: str, pieces: list[str]) -> None:
    matched = locate(text, pieces)
    places = [place for span in matched.spans for place in span]
    assert places == sorted(places)
    assert all(0 <= start < end <= len(text) for start, end in matched.spans)
    assert len(matched.spans) + matched.rejected == sum(bool(piece.strip()) for piece in pieces)


def test_many_pieces_of_a_long_text_take_no_look_at_all_of_it_each() -> None:
    text = "the cat " * 100_000
    began = time.process_time()
    matched = locate(text, ["the"] * 200)
    assert time.process_time() - began < 5
    assert matched.spans == tuple((place, place + 3) for place in range(0, 1600, 8))


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.data())
def test_every_stretch_of_a_text_is_found_as_it_is(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    piece = text[start : data.draw(st.integers(start + 1, len(text)))].strip()
    matched = locate(text, [piece])
    assert matched.rejected == 0
    if matched.spans and not matched.repaired:
        ((begin, end),) = matched.spans
        assert text[begin:end] == piece
