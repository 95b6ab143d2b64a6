"""Models that think before they answer, that refuse, or that answer in other fields than the text."""

from __future__ import annotations

from typing import Any

import pytest

from falconql.asking import plan
from falconql.asking.loop import MOST_TOKENS, ROOMS_TO_THINK, Answer
from falconql.errors import AskError
from falconql.llm.endpoint import Endpoint
from tests.asking.server import Say, Server, serving

ROOM_TO_THINK = ROOMS_TO_THINK[0]
GOOD = 'where label("Is the writer happy?")'
THOUGHT = Say("<think>\nOkay, they want texts.\nFrom these", finish="length")


def asked(server: Server) -> Answer:
    return plan("texts by happy writers", {"text": ["x"], "n": [1]}, endpoint=Endpoint(server.url, "k", "m"))


def limits(server: Server) -> list[int]:
    return [request["max_tokens"] for request in server.requests]


@pytest.mark.parametrize(
    "spent",
    [
        THOUGHT,
        Say("", finish="length"),
        Say("Okay, they want texts.\nFrom these I would keep", finish="length"),
        Say(f"<think>happy</think>\n{GOOD[:20]}", finish="length"),
        Say(finish="length", message={"content": None, "reasoning_content": "Okay, they"}),
    ],
)
def test_a_model_that_spent_its_tokens_thinking_gets_more_from_then_on(spent: Say) -> None:
    with serving([spent, Say("<think>Okay.</think>\nwhere starz = 5"), Say(GOOD)]) as server:
        answer = asked(server)
    assert answer.query.text == f"{GOOD}\n"
    assert len(answer.tries) == 3
    assert limits(server) == [MOST_TOKENS, ROOM_TO_THINK, ROOM_TO_THINK]
    # Not handed back: nothing was wrong with it.
    assert server.requests[1]["messages"] == server.requests[0]["messages"]


@pytest.mark.parametrize("spent", [THOUGHT, Say("", finish="length")])
def test_a_model_that_thinks_without_end_is_told_of(spent: Say) -> None:
    with serving([spent]) as server, pytest.raises(AskError, match="the model spent its 8,192 tokens thinking") as told:
        asked(server)
    assert "turn its thinking off" in str(told.value.hint)
    assert limits(server) == [MOST_TOKENS, ROOM_TO_THINK]


def test_a_server_without_room_for_thoughts_is_not_blamed_for_its_grammar() -> None:
    def small(request: dict[str, Any]) -> Say:
        return THOUGHT if request["max_tokens"] == MOST_TOKENS else Say("4096 tokens at most", status=400)

    with serving(small) as server, pytest.raises(AskError, match="the model spent its 320 tokens thinking") as told:
        asked(server)
    assert told.value.left == ()
    assert len(told.value.tries) == 1
    assert limits(server) == [MOST_TOKENS, *ROOMS_TO_THINK]


@pytest.mark.parametrize(
    "said", ["maximum context length is 8192", "'max_tokens' or 'max_completion_tokens' is too large"]
)
def test_thoughts_get_the_room_that_a_server_has(said: str) -> None:
    def small(request: dict[str, Any]) -> Say:
        if request["max_tokens"] == MOST_TOKENS:
            return THOUGHT
        return Say(said, status=400) if request["max_tokens"] > 5000 else Say(GOOD)

    with serving(small) as server:
        assert asked(server).left == ()
    assert limits(server) == [MOST_TOKENS, *ROOMS_TO_THINK[:2]]


def test_thoughts_without_end_that_a_server_calls_an_error_get_more_room() -> None:
    said = "Could not finish the message because max_tokens or model output limit was reached."
    with serving([Say(said, status=400), Say(GOOD)]) as server:
        answer = asked(server)
    assert (answer.query.text, answer.left) == (f"{GOOD}\n", ())
    assert limits(server) == [MOST_TOKENS, ROOM_TO_THINK]


def test_a_repair_for_which_there_is_no_more_room_is_asked_for_with_less() -> None:
    def small(request: dict[str, Any]) -> Say:
        repairs = "Write the whole query again" in request["messages"][-1]["content"]
        if request["max_tokens"] == MOST_TOKENS:
            return Say(f"{GOOD}\nlimit 7") if repairs else THOUGHT
        return Say("too long", status=400) if repairs else Say(GOOD)

    with serving(small) as server:
        answer = plan("7 texts by happy writers", {"text": ["x"]}, endpoint=Endpoint(server.url, "k", "m"))
    assert (answer.query.text, answer.left) == (f"{GOOD}\n\nlimit 7\n", ())


@pytest.mark.parametrize(
    "repaired",
    [
        Say("too long", status=400),
        Say("no", status=403),
        Say("oops", status=404),
        Say(message={"content": None, "refusal": "no"}),
        Say("-- cannot: no"),
    ],
)
def test_a_good_query_is_kept_when_its_repair_is_refused(repaired: Say) -> None:
    with serving([Say(GOOD), repaired]) as server:
        answer = plan("7 texts by happy writers", {"text": ["x"]}, endpoint=Endpoint(server.url, "k", "m"))
    assert answer.query.text == f"{GOOD}\n"
    assert answer.notes == ("please check: the instruction says 7, the query does nothing with it",)


def test_a_good_query_is_kept_when_its_repair_is_all_thoughts() -> None:
    with serving([Say(GOOD), THOUGHT]) as server:
        answer = plan("7 texts by happy writers", {"text": ["x"]}, endpoint=Endpoint(server.url, "k", "m"))
    assert answer.query.text == f"{GOOD}\n"


def test_half_a_character_is_replaced_and_what_was_asked_is_not_blamed() -> None:
    half = Say('where starz = 5 and label("Is it \ud83d?")')
    for reply in (half, Say(message={"content": '{"query": "where starz = \\"\\ud83d\\""}'})):
        with serving([reply, Say(GOOD)]) as server:
            answer = asked(server)
        assert answer.query.text == f"{GOOD}\n"
    with serving([Say('where label("Is it \ud83d?")', tool=True)]) as server:
        assert asked(server).query.text == 'where label("Is it \ufffd?")\n'


def test_a_refusal_of_the_model_is_the_reason_shown() -> None:
    refusing = Say(message={"content": None, "refusal": "I cannot help with that \ud83d."})
    with serving([refusing]) as server, pytest.raises(AskError) as told:
        asked(server)
    assert told.value.message == "the model refuses to answer: I cannot help with that \ufffd."
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        '{"query": "where label(\\"Is the writer happy?\\")"}',
        '{"input": "where label(\\"Is the writer happy?\\")"}',
        GOOD,
    ],
)
def test_a_query_in_a_call_of_a_function_is_read(arguments: str) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "falconql", "arguments": arguments}}
    with serving([Say(message={"content": None, "tool_calls": [call]})]) as server:
        assert asked(server).query.text == f"{GOOD}\n"


def test_an_empty_call_of_a_function_hides_no_text() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    with serving([Say(GOOD, message={"tool_calls": [call]})]) as server:
        assert asked(server).query.text == f"{GOOD}\n"
