"""Things with a form of their own, and kinds of text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.training.examples import Example
from falconql.training.kinds import KINDS, genre_examples, kind_examples
from falconql.training.patterns import FORMS, pattern_examples
from falconql.training.silver import stretch


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("price", "It costs $1,299.99 here, 20 euros there.", ["$1,299.99", "20 euros"]),
        ("price", "They paid $3 million in 1990.", ["$3 million"]),
        ("percentage", "Up 4.5% or 12 percent", ["4.5%", "12 percent"]),
        ("date", "On March 3, 2001 and 4 May 1999, then 2020-01-31", ["March 3, 2001", "4 May 1999", "2020-01-31"]),
        ("year", "Built in 1876, sold in 2003 for $1999", ["1876", "2003"]),
        ("time of day", "at 5 pm or 17:30", ["5 pm", "17:30"]),
        ("distance or length", "5 km, 12-inch and 3,000 feet", ["5 km", "12-inch", "3,000 feet"]),
        ("weight", "He lost 20 pounds.", ["20 pounds"]),
        ("duration", "It took 3 days and 2.5 hours", ["3 days", "2.5 hours"]),
        ("e-mail address", "Write to jo.b@mail.example.org.", ["jo.b@mail.example.org"]),
        ("web address", "See https://a.org/x?y=1, or www.b.net.", ["https://a.org/x?y=1", "www.b.net"]),
        ("phone number", "Call (212) 555-0100 now", ["(212) 555-0100"]),
        ("hashtag", "so #happy today", ["#happy"]),
        ("user name", "thanks @jo_1, a@b.c", ["@jo_1"]),
        ("abbreviation", "the World Health Organization (WHO)", ["WHO"]),
        ("file name", "open setup.exe", ["setup.exe"]),
        ("version number", "since 2.4.1", ["2.4.1"]),
        ("postcode", "Salem, OR 97301", ["OR 97301"]),
    ],
)
def test_forms_are_found_whole(kind: str, text: str, found: list[str]) -> None:
    assert [match[0] for match in FORMS[kind].finditer(text)] == found


def test_what_raw_text_lacks_is_put_into_it() -> None:
    texts = [f"Sentence number {n} is here. And another." for n in range(1500)]
    made = list(pattern_examples(texts, random.Random(3)))
    with_answer = [e for e in made if isinstance(e.answer, tuple) and e.answer]
    asked = " ".join(e.instruction.lower() for e in with_answer)
    assert all(word in asked for word in ("mail", "phone", "price", "version"))
    assert [e for e in made if e.answer == ()]
    assert [e for e in made if e.answer is False]
    for example in with_answer:
        assert "Sentence number" in example.text
        assert all(example.text[start:end] for start, end in example.answer)  # type: ignore[union-attr]


@given(st.lists(st.text(max_size=100), max_size=5), st.integers(0, 99))
def test_any_text_may_get_something_of_a_form(texts: list[str], seed: int) -> None:
    for example in pattern_examples(texts, random.Random(seed)):
        if isinstance(example.answer, tuple):
            assert all(0 <= start < end <= len(example.text) for start, end in example.answer)


def test_texts_are_of_the_kinds_of_their_source_and_not_of_those_of_others() -> None:
    texts = {"classify/imdb": ["Dull film."] * 80, "qa/policyqa": ["We collect data."] * 80}
    made = list(kind_examples(texts, random.Random(0)))
    for example in made:
        own = KINDS["classify/imdb" if example.text == "Dull film." else "qa/policyqa"]
        assert any(kind in example.instruction for kind in own) == example.answer
    assert {example.answer for example in made} == {True, False}


def test_no_text_is_denied_a_kind_that_it_may_be_of() -> None:
    texts = {
        "spans/broad_twitter": ["lol"] * 200,
        "classify/amazon_polarity": ["Bad."] * 200,
        "qa/policyqa": ["We collect data."] * 9,
    }
    denied = {
        e.instruction.lower() for e in kind_examples(texts, random.Random(0)) if e.answer is False and e.text == "lol"
    }
    assert [instruction for instruction in denied if "policy" in instruction]
    assert not [instruction for instruction in denied if "opinion" in instruction or "review" in instruction]


def test_genres_that_go_together_do_not_deny_each_other() -> None:
    films = [{"text": "A widow falls in love.", "genres": ["Dramas", "International Movies"]}] * 300
    made: list[Example] = list(genre_examples(films, random.Random(0)))
    assert all("drama" in e.instruction for e in made if e.answer)
    denied = " ".join(e.instruction for e in made if not e.answer)
    assert "documentary" in denied
    assert "romance" not in denied


def test_a_long_text_is_cut_between_sentences() -> None:
    text = " ".join(f"This is sentence {n}." for n in range(100))
    kept = stretch(text, random.Random(5), longest=90)
    assert kept in text
    assert len(kept) <= 90
    assert kept.startswith("This")
    assert kept.endswith(".")
    assert stretch("Short.", random.Random(0)) == "Short."
