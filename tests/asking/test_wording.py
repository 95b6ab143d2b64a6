"""What people say in several ways is put in one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.asking.evidence import rewordings
from falconql.asking.wording import plain_wording


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("since 1 May 2022", "since 2022-05-01"),
        ("since May 3rd, 2022", "since 2022-05-03"),
        ("before the 2nd of Sept. 2021", "before 2021-09-02"),
        ("between 3 and 9 May 2022", "between 2022-05-03 and 2022-05-09"),
        ("28 April - 3 May 2022", "from 2022-04-28 to 2022-05-03"),
        ("from April to June 2022", "from 2022-04-01 to 2022-06-30"),
        ("in Q2 2022", "between 2022-04-01 and 2022-06-30"),
        ("the first half of 2023", "between 2023-01-01 and 2023-06-30"),
        ("in feb 2020", "in February 2020"),
        ("on 31 Feb 2022", "on 31 February 2022"),
        ("Hi there, could you please show me refunds?", "show me refunds"),
        ("refunds, but leave out the games. Many thanks!", "refunds, except the games"),
        ("from anywhere but Rome", "except Rome"),
        ("I'd like the price", "give the price"),
        ("I need three things: the price, the date and the place", "give the price, the date and the place"),
        ("take the dogs one after the other", "take the dogs one by one"),
        ("Which dog? Once you know that, its age", "Which dog? then its age"),
        ("May I ask who they march with in June", "May I ask who they march with in June"),
        ("a second opinion", "a second opinion"),
        ("all requests, leaving refused ones aside", "all requests, except refused ones"),
        ("by month; bakery excluded", "by month; except bakery"),
        ("reviews saying that, batteries not included", "reviews saying that, batteries not included"),
        ("the seller left parts out of it", "the seller left parts out of it"),
        ("dogs, newest on top", "dogs, newest first"),
        ("a house with a pool on top", "a house with a pool on top"),
        ("objects with no donor on file", "objects with no donor"),
        ("a well known actor", "a well known actor"),
        ("add up the hours per site", "total hours per site"),
        ("costs that add up quickly", "costs that add up quickly"),
        ("they needed help", "they needed help"),
    ],
)
def test_one_wording(said: str, plain: str) -> None:
    assert plain_wording(said) == plain


WORDS = [
    "1",
    "May",
    "2022",
    "to",
    "and",
    "leave",
    "out",
    "I",
    "need",
    "the first half of",
    "anything but",
    ",",
    "thanks",
    "Q3",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_what_is_in_that_wording_stays(said: str) -> None:
    once = plain_wording(said)
    assert plain_wording(plain_wording(once)) == plain_wording(once)


@given(st.text(max_size=60))
def test_any_text_can_be_reworded(said: str) -> None:
    assert isinstance(plain_wording(said), str)


def test_every_rewording_is_used() -> None:
    assert len(rewordings()) > 8
