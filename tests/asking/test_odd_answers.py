"""Servers that answer what no chat endpoint answers, and models that write what no terminal should get."""

from __future__ import annotations

import json
from typing import Any

import pytest

from falconql.asking import plan
from falconql.errors import AskError, ModelServerError
from falconql.llm.client import OpenAIChat, Reply
from falconql.llm.endpoint import Endpoint
from falconql.visible import visible
from tests.asking.server import Say, serving

DRIVING = "\x1b[31mred\x1b]0;pwned\x07\x9b\u202e"
DEEP = '{"a":' * 20_000 + "1" + "}" * 20_000


def completed(body: Any) -> Reply:
    with serving([Say(body=body if isinstance(body, str) else json.dumps(body))]) as server:
        chat = OpenAIChat(Endpoint(server.url, "k", "m"), retries=0)
        return chat.complete([{"role": "user", "content": "hi"}], {}, most_tokens=5)


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        "hello",
        {"choices": [{}]},
        {"choices": [None]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": "hello"}]},
        {"choices": [{"message": {"content": 3}}]},
        {"choices": ["a"]},
        {"choices": {"a": 1}},
    ],
    ids=json.dumps,
)
def test_an_answer_that_is_no_completion_is_told(body: Any) -> None:
    with pytest.raises(ModelServerError, match="answered, but not as a chat endpoint does") as caught:
        completed(json.dumps(body))
    assert "OPENAI_BASE_URL" in str(caught.value.hint)


def test_an_answer_too_deep_to_read_is_told() -> None:
    with pytest.raises(ModelServerError, match="answered something that is no chat completion"):
        completed(DEEP)


def test_parts_of_a_text_are_joined() -> None:
    parts = [{"type": "text", "text": "where "}, {"type": "image"}, "odd", {"type": "text", "text": "stars > 3"}]
    assert completed({"choices": [{"message": {"content": parts}}]}) == Reply("where stars > 3", True)


@pytest.mark.parametrize("odd", [{"tool_calls": 3}, {"tool_calls": ["a"]}, {"tool_calls": [{"custom": {"name": "f"}}]}])
def test_odd_fields_beside_a_text_do_no_harm(odd: dict[str, Any]) -> None:
    body = {"choices": [{"message": {"content": "x", **odd}}], "usage": {"prompt_tokens": "many"}}
    assert completed(body) == Reply("x", True)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("<html>hello</html>", "text/html", "answered, but not as a chat endpoint does"),
        ("<html>hello</html>", "application/json", "answered something that is no chat completion"),
        ("[]", "application/json", "answered, but not as a chat endpoint does"),
        ("null", "application/json", "answered, but not as a chat endpoint does"),
        ('{"data":["m"]}', "application/json", "answered, but not as a chat endpoint does"),
        ('{"data":3}', "application/json", "answered, but not as a chat endpoint does"),
    ],
)
def test_a_list_of_models_that_is_none_is_told(body: str, kind: str, said: str) -> None:
    with serving([Say()], listing=Say(body=body, kind=kind)) as server:
        chat = OpenAIChat(Endpoint(server.url, "k"), retries=0)
        with pytest.raises(ModelServerError, match=said) as caught:
            chat.owners()
    assert "OPENAI_BASE_URL" in str(caught.value.hint)


def test_an_instruction_that_cannot_be_sent_is_not_blamed_on_the_server() -> None:
    with serving([Say()]) as server, pytest.raises(ModelServerError, match="nothing was sent to the model"):
        plan("happy \udcff", {"text": ["x"]}, endpoint=Endpoint(server.url, "k", "m"))
    assert server.requests == []


def test_a_reply_of_json_in_json_without_end_is_handed_back() -> None:
    with serving([Say(DEEP)]) as server, pytest.raises(AskError, match="no query after 2 tries"):
        plan("happy writers", {"text": ["x"]}, endpoint=Endpoint(server.url, "k", "m"))


def test_what_drives_a_terminal_is_shown_and_lines_stay() -> None:
    assert visible("a\r\nb\tc é 🙂\x1b\x7f\u202e\udc80") == "a\nb\tc é 🙂␛\ufffd\ufffd\ufffd"


def test_a_refusal_cannot_drive_the_terminal() -> None:
    with serving([Say(f"cannot: {DRIVING}")]) as server, pytest.raises(AskError) as caught:
        plan("happy writers", {"text": ["x"]}, endpoint=Endpoint(server.url, "k", "m"))
    assert caught.value.message == "this corpus cannot answer that: ␛[31mred␛]0;pwned␇\ufffd\ufffd"
    assert [tried.reply for tried in caught.value.tries] == [f"cannot: {DRIVING}"]


def test_names_of_columns_and_a_server_cannot_drive_the_terminal() -> None:
    with serving([Say("cannot: no")]) as server, pytest.raises(AskError) as refused:
        plan("happy writers", {"text": ["x"], DRIVING: [1]}, endpoint=Endpoint(server.url, "k", "m"))
    assert "\x1b" not in str(refused.value.hint)
    with serving([Say(DRIVING, status=404)]) as server, pytest.raises(ModelServerError) as failed:
        OpenAIChat(Endpoint(server.url, "k", f"m{DRIVING}"), retries=0).complete([], {}, most_tokens=5)
    assert "\x1b" not in f"{failed.value}{failed.value.hint}"


def test_what_was_understood_cannot_drive_the_terminal() -> None:
    query = 'where label("Is it \\u001b[31mred?") and label("Is it \\u001b[31mred?")'
    with serving([Say(query)]) as server:
        answer = plan("red things", {"text": ["x" * 50]}, endpoint=Endpoint(server.url, "k", "m"))
    assert "Is it ␛[31mred?" in answer.understood[0]
    assert not any("\x1b" in line for line in (*answer.understood, *answer.notes))
