"""Servers that list no models or answer too late, and what their errors tell to set."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from falconql.asking import plan
from falconql.asking.loop import Answer
from falconql.errors import ConfigError, ModelServerError
from falconql.llm.client import OpenAIChat, Unreachable
from falconql.llm.endpoint import Endpoint, Named
from tests.asking.server import Say, serving

GOOD = 'where label("Is the writer happy?")'
OPTIONS = Named("--url", "--model", "--timeout")


def asked(endpoint: Endpoint) -> Answer:
    return plan("texts by happy writers", {"text": ["x"]}, endpoint=endpoint)


@pytest.mark.parametrize("status", [404, 405, 400, 200])
def test_a_server_that_lists_no_models_is_asked_all_the_same(status: int) -> None:
    listing = Say("no", status=status, body="<html>" if status == 200 else None)
    with serving([Say(GOOD)], listing=listing) as server:
        assert asked(Endpoint(server.url, "k", "m")).query.text == f"{GOOD}\n"
        with pytest.raises(ConfigError, match="no model is named, and the server lists none") as told:
            asked(Endpoint(server.url, "k"))
    assert "set FALCONQL_MODEL, and check OPENAI_BASE_URL" in str(told.value.hint)
    assert "None" not in str(told.value.hint)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_the_list_of_models_refuses_is_told(status: int) -> None:
    with (
        serving([Say(GOOD)], listing=Say("no", status=status)) as server,
        pytest.raises(ModelServerError, match="refused the key"),
    ):
        asked(Endpoint(server.url, "k", "m"))
    assert server.requests == []


@pytest.mark.parametrize("listing", [None, Say(after_s=2.0)])
def test_who_waited_once_does_not_wait_again(listing: Say | None) -> None:
    with (
        serving([Say(GOOD, after_s=2.0)], listing=listing) as server,
        pytest.raises(ModelServerError, match="no answer within 1 seconds") as told,
    ):
        asked(Endpoint(server.url, "k", "m", timeout_s=1.0, named=OPTIONS))
    assert (server.listed, len(server.requests)) == (1, listing is None)
    assert told.value.hint == "raise --timeout, or use a smaller or less busy model"


class _Dripping(BaseHTTPRequestHandler):
    """Sends an empty line every now and then, as some servers do while a model thinks."""

    def do_POST(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with suppress(OSError):
            for _ in range(200):
                self.wfile.write(b"\n")
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        pass


class _Halting(_Dripping):
    """Sends its headers late, and then no more."""

    def do_POST(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        time.sleep(0.4)
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        time.sleep(3)


@pytest.mark.parametrize("kind", [_Dripping, _Halting])
@pytest.mark.parametrize("again", [False, True])
def test_an_answer_that_comes_bit_by_bit_has_no_more_time(again: bool, kind: type[_Dripping]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        server.daemon_threads, server.asked = True, []  # type: ignore[attr-defined]
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "k", "m", timeout_s=0.5)
        chat = OpenAIChat(endpoint, retries=1, retries_timeouts=again)
        started = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer within 0\.5 seconds"):
            chat.complete([{"role": "user", "content": "hi"}], {}, most_tokens=5)
        # Between two of them the client waits for a second at most.
        assert again or time.monotonic() - started < 0.85
        chat.close()
        server.shutdown()
        assert len(server.asked) == 1 + again  # type: ignore[attr-defined]


def test_a_chat_of_its_own_waits_again() -> None:
    with serving([Say(GOOD, after_s=0.6), Say(GOOD)]) as server:
        chat = OpenAIChat(Endpoint(server.url, "k", "m", timeout_s=0.3), retries=1)
        assert chat.complete([{"role": "user", "content": "hi"}], {}, most_tokens=5).text == GOOD
        chat.close()


@pytest.mark.parametrize("seconds", [math.inf, math.nan, 1e10, 0.0, -1.0])
def test_a_time_that_is_none_is_refused_by_its_name(seconds: float) -> None:
    with pytest.raises(ConfigError, match="--timeout is ") as told:
        Endpoint.from_environment(url="http://a/v1", timeout_s=seconds, options=OPTIONS, environment={})
    assert "up to 1,000,000" in str(told.value.hint)
    environment = {"OPENAI_BASE_URL": "http://a/v1", "FALCONQL_TIMEOUT": str(seconds)}
    with pytest.raises(ConfigError, match=f"FALCONQL_TIMEOUT is '{seconds}'"):
        Endpoint.from_environment(environment=environment, options=OPTIONS)
    with pytest.raises(ConfigError, match="FALCONQL_TIMEOUT is"):
        Endpoint("http://a/v1", "k", timeout_s=seconds)


def test_messages_name_the_options_that_were_given() -> None:
    environment = {"OPENAI_BASE_URL": "http://b/v1", "FALCONQL_MODEL": "m"}
    with pytest.raises(ConfigError, match=r"--url is '127\.0\.0\.1:1', which is no web address"):
        Endpoint.from_environment(url="127.0.0.1:1", environment=environment, options=OPTIONS)
    with serving([Say("no such model", status=404)]) as server:
        given = Endpoint.from_environment(url=server.url, model="x", environment=environment, options=OPTIONS)
        found = Endpoint.from_environment(environment={**environment, "OPENAI_BASE_URL": server.url}, options=OPTIONS)
        for endpoint, hint in (
            (given, "check --model (now x) and --url"),
            (found, "check FALCONQL_MODEL (now m) and OPENAI_BASE_URL"),
        ):
            with pytest.raises(ModelServerError) as told:
                asked(endpoint)
            assert told.value.hint == hint
