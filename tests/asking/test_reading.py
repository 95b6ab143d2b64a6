"""The query is found in what a model wrote, and no clause of it is lost."""

from __future__ import annotations

import json

import pytest

from falconql.asking.corpus import Column, Corpus
from falconql.asking.reading import read, refusal, unwrapped
from falconql.types import DATE, TEXT

QUERY = "where stars > 3\nselect id"


@pytest.mark.parametrize(
    "reply",
    [
        f"Let me write the query for you.\n\n{QUERY}",
        f"Let me write the query for you:\n{QUERY}",
        f"From your description, it is about stars.\nLet me think.\n\n{QUERY}",
        f"<think>I should select\nselect id, or so.\n</think>\n\n{QUERY}",
        f"<think>where?</think>{QUERY}",
        f"so I would\nselect id.\n</think>\n{QUERY}",
        f"{QUERY}\n\nWhere I assumed that good means more than 3, tell me.",
        f"{QUERY}\nWhere I assumed that good means more than 3, tell me.",
        f"{QUERY}\n\nFrom this you get ids.\nLet me know!",
        f"Let me see.\n\n{QUERY}\n\nFrom this you get ids.",
        "<think>json</think>\n" + json.dumps({"query": f"Let me see.\n\n{QUERY}"}),
        QUERY,
    ],
)
def test_prose_that_begins_like_a_clause_is_left_out(reply: str) -> None:
    assert unwrapped(reply) == QUERY


@pytest.mark.parametrize(
    "before",
    [
        "To answer this I keep the rows\nwhere stars are above three, and then I\nselect the id of each.\n\n",
        "I keep the rows\nwhere stars is above three. After that I\nselect the id, so no\norder by is needed.\n\n",
        "From the question I see that good ones count, those\nwhere stars are high. Let me\nselect ids.\n\n",
        "I keep the rows\nwhere stars are above three and\nselect the ids:\n",
        "Let me keep the rows\nwhere stars are above three and\nselect their ids:\n",
        "I look for the rows\nwhere stars are high.\n\nThen I take what\nselect needs, the id.\n\n",
        "We filter with\nwhere stars > 3\nand show the ids with\nselect id\n\nTogether:\n\n",
        "I need rows\nwhere stars are high and\nselect the ids.\n</think>\n\n",
    ],
)
@pytest.mark.parametrize("after", ["", "\n\nThis keeps the rows\nwhere stars exceed three and\nselect shows the ids."])
def test_wrapped_prose_with_words_of_clauses_is_left_out(before: str, after: str) -> None:
    assert unwrapped(f"{before}{QUERY}{after}") == QUERY
    mended = f"-- keep: stars\n{QUERY}"
    assert unwrapped(f"{before}{mended}{after}") == mended


def test_thoughts_before_a_refusal_are_left_out() -> None:
    assert refusal("<think>select what?</think>\n-- cannot: no ages") == "no ages"


def test_comments_stay_with_their_query() -> None:
    assert unwrapped(f"Let me see.\n\n-- keep: stars\n{QUERY}") == f"-- keep: stars\n{QUERY}"


@pytest.mark.parametrize(
    "reply",
    [
        "where stars >> 3\nselect id",
        "where stars >> 3\n\nselect id",
        "where stars >> 3 -- that is good.\n\nselect id",
        "where the writer is happy\nselect id",
        "where stars > 3\nselect id as x",
        "where stars > 3\n\nselect id as x",
        "Where stars > 3\n\nSelect id as x",
        "Let me see.\n\nwhere stars >> 3\n\nselect id",
        "Let me see.\n\nwhere stars >> 3\nselect id\n\norder by id",
        "where stars > 3\n\nwhere id > 2\n\nselect id",
        "where stars >> 3\nselect id\n\nwhere stars > 3\nselect id",
        "Let me see.",
        "Nothing at all",
    ],
)
def test_a_clause_with_a_mistake_is_kept_to_be_handed_back(reply: str) -> None:
    assert unwrapped(reply) == reply


@pytest.mark.parametrize("before", ["Query\n", "Here is the query\n", "The query for this is\n\n", "Sure:\n"])
@pytest.mark.parametrize("wrong", ["where the writer is happy.\nselect id", "where stars >> 3\n\nselect id\n\nlimit 3"])
def test_a_clause_with_a_mistake_is_kept_after_a_title_without_an_end(before: str, wrong: str) -> None:
    assert unwrapped(before + wrong) == wrong


@pytest.mark.parametrize("line", ["Let me.\n", "Where x.\n\n", "where x\n", "<think>\n"])
def test_a_long_reply_without_a_query_is_left_as_it_is(line: str) -> None:
    assert unwrapped(line * 500) == (line * 500).strip()


def test_a_text_that_speaks_of_thoughts_is_kept() -> None:
    query = 'where label("Does it have a </think> in it?")'
    assert unwrapped(query) == query


REVIEWS = Corpus("reviews", (Column("posted", DATE), Column("text", TEXT)), "text")


@pytest.mark.parametrize(
    ("reply", "query"),
    [
        ("order by posted desc\nlimit 5", "select *\n\norder by posted desc\nlimit 5\n"),
        ("limit 5", "select *\n\nlimit 5\n"),
        (
            'let good = label("Is it good?")\norder by score(good) desc',
            'let good = label("Is it good?")\n\nselect *\n\norder by score(good) desc\n',
        ),
        ('each name in spans("Names")\nlimit 5', 'each name in spans("Names")\n\nlimit 5\n'),
    ],
)
def test_an_order_or_a_limit_alone_is_of_all_rows(reply: str, query: str) -> None:
    assert read(reply, REVIEWS).source.text == query


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0c", "\x1c", "\r"])
def test_a_sign_that_ends_lines_elsewhere_ends_no_text(sign: str) -> None:
    query = read(f'where label("Is it good{sign}or not?")', REVIEWS).source.text
    assert query.startswith('where label("Is it good\\')
    assert query.endswith('or not?")\n')


def test_a_name_that_ends_in_back_ticks_begins_no_fence() -> None:
    query = 'where label("Is it?")\nselect `odd ``name```\nlimit 3'
    assert unwrapped(query) == query
    assert unwrapped(f"Here it is:```sql\n{QUERY}\n```") == QUERY


def test_lines_may_end_as_on_windows() -> None:
    assert unwrapped(f"Let me see.\r\n\r\n```sql\r\n{QUERY}\r\n```\r\nThat is it.") == QUERY
