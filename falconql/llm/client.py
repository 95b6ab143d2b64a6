"""Asking a language model: one request, one reply, every way in which that can fail.

Retries, back-off and ``Retry-After`` are the openai client's. Knows nothing of queries.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from falconql.errors import ConfigError, ModelServerError
from falconql.llm.endpoint import Endpoint, Named
from falconql.visible import visible

RETRIES = 3
# What OpenAI says of a model that spent its tokens on thoughts, and vLLM of a limit, not of the field.
_RAN_OUT = "Could not finish the message because max_tokens"
_TOO_LARGE = "too large"
_HALVES = re.compile("[\ud800-\udfff]")
Message = Mapping[str, str]


class Refused(ModelServerError):
    """The server takes requests, but not this one (HTTP 400, 404 of a field, 422, 501)."""


class WrongSettings(ModelServerError):
    """The key, the model's name or the address is wrong: no other request will fare better."""


class WrongKey(WrongSettings):
    """The server wants another key."""


class Unreachable(ModelServerError):
    """Nobody answers at the address, or not in time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the text, whether the model had finished it, the tokens both ways, and why it does not answer."""

    text: str
    finished: bool
    prompt_tokens: int = 0
    completion_tokens: int = 0
    refusal: str = ""


class ChatClient(Protocol):
    """What a planner asks."""

    def complete(
        self, messages: Sequence[Message], extra: Mapping[str, Any], *, most_tokens: int, temperature: float = 0.0
    ) -> Reply:
        """Return the model's reply; ``extra`` are further fields of the request.

        Raises:
            Refused: the server does not take these fields.
            WrongSettings: the server takes no request with this key, model and address.
            ModelServerError: no answer can be had.
        """

    def owners(self) -> tuple[str, ...]:
        """Return who the server says its models belong to: it tells one kind of server from another."""


class OpenAIChat:
    """A chat model behind an OpenAI-compatible endpoint.

    Args:
        endpoint: where it is.
        retries: how often a request is repeated when the server fails, is busy or cannot be reached.
        retries_timeouts: whether one that got no answer in time is repeated, too.
    """

    def __init__(self, endpoint: Endpoint, *, retries: int = RETRIES, retries_timeouts: bool = True) -> None:
        self.endpoint = endpoint
        self._client = _openai().OpenAI(
            base_url=endpoint.url,
            api_key=endpoint.key,
            timeout=endpoint.timeout_s,
            max_retries=retries,
            http_client=_http_client(endpoint.timeout_s, retries_timeouts=retries_timeouts),
        )
        # Newer OpenAI models refuse a temperature and want the limit under another name.
        self._refused: set[str] = set()

    def close(self) -> None:
        """End requests that are under way in other threads."""
        self._client.close()

    @cached_property
    def model(self) -> str:
        """The model's name; asked for when the settings name none."""
        if self.endpoint.model is not None:
            return self.endpoint.model
        named = self.endpoint.named
        try:
            names = [name for name, _ in self._models]
        except (Unreachable, WrongKey):
            raise
        except ModelServerError as error:
            hint = f"set {named.model}, and check {named.url}: {error.message}"
            raise ConfigError("no model is named, and the server lists none", hint=hint) from error
        if len(names) == 1:
            return names[0]
        offered = visible(", ".join(names[:8])) or "none"
        raise ConfigError("no model is named", hint=f"set {named.model}: {self.endpoint.shown} offers {offered}")

    def owners(self) -> tuple[str, ...]:
        return tuple(owner for _, owner in self._models)

    @cached_property
    def _models(self) -> list[tuple[str, str]]:
        with _explained(self):
            try:
                listed = self._client.models.list().data or []
                return [(str(model.id), str(getattr(model, "owned_by", "") or "")) for model in listed]
            except (AttributeError, TypeError) as error:
                # The client trusts that a page of models is one.
                raise _no_chat_endpoint(self.endpoint) from error

    def complete(
        self, messages: Sequence[Message], extra: Mapping[str, Any], *, most_tokens: int, temperature: float = 0.0
    ) -> Reply:
        fields: dict[str, Any] = {"temperature": temperature, "max_tokens": most_tokens}
        while True:
            asked = {name: value for name, value in fields.items() if name not in self._refused}
            if "max_tokens" in self._refused:
                asked["max_completion_tokens"] = most_tokens
            try:
                return self._once(messages, {**asked, **extra})
            except Refused as error:
                if _RAN_OUT in str(error):
                    return Reply("", finished=False, completion_tokens=most_tokens)
                refused = next((name for name in asked if name in fields and f"'{name}'" in str(error)), None)
                if refused is None or _TOO_LARGE in str(error):
                    raise
                self._refused.add(refused)

    def _once(self, messages: Sequence[Message], fields: Mapping[str, Any]) -> Reply:
        with _explained(self):
            answer = self._client.chat.completions.create(model=self.model, messages=list(messages), **fields)
        # The client checks nothing: whatever JSON came is in the fields of the answer.
        choices = getattr(answer, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(choice, "message", None)
        text = _text(message)
        if text is None:
            raise _no_chat_endpoint(self.endpoint)
        refusal = getattr(message, "refusal", None)
        why = whole(refusal) if isinstance(refusal, str) else ""
        usage = getattr(answer, "usage", None)
        finished = getattr(choice, "finish_reason", None) != "length"
        return Reply(whole(text), finished, _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"), why)


def _text(message: Any) -> str | None:
    """Return what a model wrote, None if this is no message of one."""
    calls = getattr(message, "tool_calls", None)
    for call in calls if isinstance(calls, list) else ():
        written = getattr(getattr(call, "custom", None), "input", None)
        if isinstance(written, str):
            return written
        # Servers without custom tools make functions of them, or models call one of their own making.
        arguments = getattr(getattr(call, "function", None), "arguments", None)
        if isinstance(arguments, str) and arguments.strip(" {}"):
            return arguments
    match getattr(message, "content", ...):
        case str(content):
            return content
        case None:
            return ""
        case list(parts):
            texts = [part.get("text") for part in parts if isinstance(part, dict)]
            return "".join(text for text in texts if isinstance(text, str))
    return None


def whole(text: str) -> str:
    """Return a text without halves of characters that were cut in two: one that has them cannot be sent again."""
    return _HALVES.sub("\ufffd", text)


def _count(usage: Any, name: str) -> int:
    tokens = getattr(usage, name, None)
    return tokens if isinstance(tokens, int) else 0


def _no_chat_endpoint(endpoint: Endpoint) -> ModelServerError:
    return ModelServerError(
        f"{endpoint.shown} answered, but not as a chat endpoint does",
        hint=f"{endpoint.named.url} must end where /chat/completions begins, usually in /v1",
    )


class _explained:
    """Turns the client's exceptions into messages that say what to set."""

    def __init__(self, chat: OpenAIChat) -> None:
        self.chat = chat

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        openai = _openai()
        if isinstance(error, UnicodeEncodeError):
            # A ValueError, too, but no answer came: nothing was sent.
            raise ModelServerError(
                "nothing was sent to the model: what is asked is not valid Unicode", hint="write it as UTF-8"
            ) from error
        if isinstance(error, ValueError | RecursionError):
            # An answer that is not JSON, or not of the documented shape, or JSON in JSON without end.
            raise ModelServerError(
                f"{self.chat.endpoint.shown} answered something that is no chat completion",
                hint=f"check {self.chat.endpoint.named.url}; it usually ends in /v1",
            ) from error
        if isinstance(error, openai.OpenAIError):
            raise _understood(error, self.chat.endpoint) from error


def _understood(error: Any, endpoint: Endpoint) -> ModelServerError:
    openai, url, named = _openai(), endpoint.shown, endpoint.named
    said = _short(endpoint.without_secrets(_said(error)))
    match error:
        case openai.APITimeoutError():
            return Unreachable(
                f"{url} gave no answer within {endpoint.timeout_s:g} seconds",
                hint=f"raise {named.timeout}, or use a smaller or less busy model",
            )
        case openai.APIConnectionError():
            return Unreachable(
                f"cannot reach {url}: {endpoint.without_secrets(_reason(error))}",
                hint=f"start the server, or set {named.url} to another",
            )
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return WrongKey(
                f"{url} refused the key (HTTP {error.status_code})",
                hint="set OPENAI_API_KEY to one that is valid there",
            )
        case openai.RateLimitError():
            return ModelServerError(f"{url} takes no more requests for now: {said}", hint=_wait(error, named))
        case openai.NotFoundError():
            return WrongSettings(
                f"{url} has no such model or address: {said}",
                hint=f"check {named.model} ({_now(endpoint)}) and {named.url}",
            )
        case openai.APIStatusError() if error.status_code in (400, 422, 501) or _is_validation(error):
            return Refused(f"{url} refused the request: {said}", hint="the server's log says more")
        case openai.APIStatusError():
            return ModelServerError(
                f"{url} failed (HTTP {error.status_code}): {said}",
                hint="try again; the server's log says more",
            )
    return ModelServerError(f"{url}: {said}", hint=f"check {named.url}")


def _now(endpoint: Endpoint) -> str:
    return "not set" if endpoint.model is None else f"now {endpoint.model}"


def _is_validation(error: Any) -> bool:
    """Return whether a server that knows no HTTP 400 complains of the request all the same."""
    return "validation error" in _said(error)


def _reason(error: Any) -> str:
    cause: BaseException | None = error
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    return str(cause) or type(cause).__name__


def _said(error: Any) -> str:
    body = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(said or getattr(error, "message", error)).split())


def _short(text: str) -> str:
    return text if len(text) <= 300 else text[:297] + "..."


def _wait(error: Any, named: Named) -> str:
    seconds = error.response.headers.get("retry-after")
    when = f"it asks to wait {seconds} seconds" if seconds else "wait a minute"
    return f"{when}, then try again; a plan with a higher limit, or another {named.model}, helps for good"


def _http_client(timeout_s: float, *, retries_timeouts: bool) -> Any:
    """Return an HTTP client for which an answer has come in time when its end has.

    By itself it would wait that long for every next byte, and some servers send empty lines while a model thinks.
    ``retries_timeouts`` leaves a timeout to the openai client, which tries again then as after other failures.
    """
    from openai import APITimeoutError, DefaultHttpxClient

    # The openai client is built on httpx or on httpx2.
    httpx = sys.modules[DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]

    class InTime(httpx.SyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, stream: Any, request: Any, end: float) -> None:
            self.stream, self.request, self.end = stream, request, end

        def __iter__(self) -> Iterator[bytes]:
            for part in self.stream:
                if time.monotonic() > self.end:
                    raise httpx.ReadTimeout("the answer did not end in time", request=self.request)
                yield part

        def close(self) -> None:
            self.stream.close()

    class Client(DefaultHttpxClient):
        def send(self, request: Any, *, stream: bool = False, **how: Any) -> Any:
            end = time.monotonic() + timeout_s
            try:
                response = super().send(request, stream=True, **how)
                response.request.extensions["timeout"]["read"] = max(end - time.monotonic(), 0.001)
                response.stream = InTime(response.stream, request, end)
                if not stream:
                    try:
                        response.read()
                    finally:
                        response.close()
            except httpx.TimeoutException as error:
                if retries_timeouts:
                    raise
                raise APITimeoutError(request=request) from error
            return response

    return Client()


def _openai() -> Any:
    try:
        import openai
    except ImportError as error:
        raise ConfigError(
            "the openai client is not installed", hint='install it with `pip install "falconql[ask]"`'
        ) from error
    return openai
