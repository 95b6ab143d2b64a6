"""Nothing that is secret of an endpoint stands in a message."""

from __future__ import annotations

import pytest

from falconql.errors import ConfigError, FalconQLError, ModelServerError
from falconql.llm.client import OpenAIChat
from falconql.llm.endpoint import Endpoint
from tests.asking.server import Say, serving

KEY = "sk-topsecret"


def from_settings(**settings: str) -> Endpoint:
    return Endpoint.from_environment(environment={"FALCONQL_MODEL": "m", **settings})


def failure(endpoint: Endpoint) -> FalconQLError:
    with pytest.raises(ModelServerError) as caught:
        OpenAIChat(endpoint, retries=0).complete([{"role": "user", "content": "hi"}], {}, most_tokens=5)
    return caught.value


def test_white_space_around_settings_is_no_part_of_them() -> None:
    endpoint = from_settings(OPENAI_BASE_URL=" http://localhost:1/v1\n", OPENAI_API_KEY=f" {KEY}\n")
    assert (endpoint.url, endpoint.key) == ("http://localhost:1/v1", KEY)
    assert from_settings(OPENAI_BASE_URL="http://localhost:1/v1", OPENAI_API_KEY=" \n").key == "none"


@pytest.mark.parametrize("key", ["sk-top\nsecret", "sk-top\x1bsecret", "sk-töpsecret", "sk-topsecret\u200b"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY has characters that no key has") as caught:
        from_settings(OPENAI_API_KEY=key)
    assert "secret" not in f"{caught.value}{caught.value.hint}"


def test_a_key_is_not_shown_with_its_endpoint() -> None:
    assert KEY not in repr(Endpoint("http://localhost:1/v1", KEY))


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_a_key_in_what_a_server_says_is_hidden(status: int) -> None:
    long = "x" * 285
    for said in (f"who is {KEY}?", f"{long} {KEY}"):
        with serving([Say(said, status=status)]) as server:
            error = failure(Endpoint(server.url, KEY, "m"))
        assert "sk-" not in f"{error}{error.hint}"
    assert "***" in str(error)


def test_a_short_key_of_a_server_at_home_changes_no_words() -> None:
    with serving([Say("none of these", status=500)]) as server:
        assert "none of these" in str(failure(Endpoint(server.url, "none", "m")))


def test_a_password_in_the_address_is_not_shown() -> None:
    there = "http://user:hunter2@127.0.0.1:9/v1"
    assert str(failure(from_settings(OPENAI_BASE_URL=there))).startswith("cannot reach http://***@127.0.0.1:9/v1: ")
    with serving([Say(body="{}")]) as server:
        endpoint = Endpoint(server.url.replace("://", "://user:hunter2@"), KEY, "m")
        assert "http://***@127.0.0.1:" in (said := str(failure(endpoint)))
    assert "hunter2" not in said


def test_a_password_in_a_header_that_a_server_repeats_is_hidden() -> None:
    for user, sent in (("ann:hunter%212", "YW5uOmh1bnRlciEy"), ("token-of-ann", "dG9rZW4tb2YtYW5uOg==")):
        with serving([Say(f"no entry for Basic {sent}", status=400)]) as server:
            error = failure(Endpoint(server.url.replace("://", f"://{user}@"), KEY, "m"))
        assert "no entry for Basic ***" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "user:hunter2@127.0.0.1:9/v1",
        "ftp://user:hunter2@127.0.0.1:9/v1",
        "http://user:hunter2/x@127.0.0.1:9/v1",
        "http://user:hunter2@127.0.0.1:port/v1",
        "http:/user:hunter2@127.0.0.1/v1",
    ],
)
def test_a_password_in_what_is_no_web_address_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="which is no web address") as caught:
        from_settings(OPENAI_BASE_URL=url)
    assert "hunter2" not in str(caught.value)


def test_a_password_is_not_shown_where_one_of_several_models_must_be_named() -> None:
    with serving([Say()], models=[("a", "me"), ("b", "me")]) as server:
        endpoint = Endpoint(server.url.replace("://", "://user:hunter2@"), "k")
        with pytest.raises(ConfigError, match="no model is named") as caught:
            _ = OpenAIChat(endpoint).model
    assert "hunter2" not in str(caught.value.hint)
    assert "offers a, b" in str(caught.value.hint)
