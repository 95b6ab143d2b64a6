"""Where the language model is: three settings, from the caller or from the environment."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from falconql.errors import ConfigError
from falconql.runtime.io.address import HIDDEN, scheme_of, shown, without_secrets

OPENAI_URL = "https://api.openai.com/v1"
TIMEOUT_S = 120.0
# Longer waits are mistakes, and from some length on no clock of the system takes them.
MOST_TIMEOUT_S = 1_000_000
# A shorter key is a word that a server at home takes ("none", "EMPTY"), and may well stand in its messages.
_LEAST_KEY = 6
GETTING_STARTED = (
    "set OPENAI_API_KEY and FALCONQL_MODEL for OpenAI, or OPENAI_BASE_URL for a server of your own: "
    "http://localhost:8000/v1 (vLLM), http://localhost:8080/v1 (llama.cpp), http://localhost:11434/v1 (Ollama)"
)


@dataclass(frozen=True, slots=True)
class Named:
    """What sets the URL, the model and the timeout, as messages name it: variables, or options that were given."""

    url: str = "OPENAI_BASE_URL"
    model: str = "FALCONQL_MODEL"
    timeout: str = "FALCONQL_TIMEOUT"


VARIABLES = Named()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server.

    Attributes:
        url: the base URL, up to and with ``/v1``.
        key: what it wants as a bearer token; servers at home take anything.
        model: the model's name; None asks the server, which must then offer just one.
        timeout_s: how long one answer may take.
        named: what sets the others.

    Raises:
        ConfigError: the key cannot be sent, or the time is none.
    """

    url: str
    key: str = field(repr=False)
    model: str | None = None
    timeout_s: float = TIMEOUT_S
    named: Named = field(default=VARIABLES, repr=False, compare=False)

    def __post_init__(self) -> None:
        _seconds(self.timeout_s, self.named.timeout)
        key = self.key.strip()
        if not (key.isascii() and key.isprintable()):
            # An HTTP client would say which key it cannot send.
            raise ConfigError(
                "OPENAI_API_KEY has characters that no key has",
                hint="set it again, without line breaks, control characters and letters beyond ASCII",
            )
        object.__setattr__(self, "key", key or "none")

    @property
    def shown(self) -> str:
        """The URL as anybody may see it."""
        return shown(self.url)

    def without_secrets(self, text: str) -> str:
        """Return a message of others without the key, and without what is secret in the URL."""
        text = text.replace(self.key, HIDDEN) if len(self.key) >= _LEAST_KEY else text
        if user := urlsplit(self.url).netloc.rpartition("@")[0]:
            # As the HTTP client sends the two in a header, which some servers repeat.
            name, _, password = user.partition(":")
            sent = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
            text = text.replace(sent, HIDDEN)
        return without_secrets(text, self.url)

    @classmethod
    def from_environment(
        cls,
        *,
        url: str | None = None,
        model: str | None = None,
        timeout_s: float | None = None,
        environment: Mapping[str, str] = os.environ,
        options: Named = VARIABLES,
    ) -> Endpoint:
        """Return the endpoint that OPENAI_BASE_URL, OPENAI_API_KEY, FALCONQL_MODEL and FALCONQL_TIMEOUT describe.

        Args:
            url: instead of OPENAI_BASE_URL.
            model: instead of FALCONQL_MODEL.
            timeout_s: instead of FALCONQL_TIMEOUT.
            environment: where the variables are.
            options: what messages call the arguments that are given.

        Raises:
            ConfigError: there is neither a URL nor a key, or a setting is malformed.
        """
        named = Named(
            options.url if url else VARIABLES.url,
            options.model if model else VARIABLES.model,
            VARIABLES.timeout if timeout_s is None else options.timeout,
        )
        url = (url or environment.get("OPENAI_BASE_URL") or "").strip() or None
        key = environment.get("OPENAI_API_KEY", "").strip() or None
        if url is None and key is None:
            raise ConfigError("no language model is set up to ask", hint=GETTING_STARTED)
        url = (url or OPENAI_URL).rstrip("/")
        if not _is_web_address(url):
            raise ConfigError(f"{named.url} is {shown_url(url)!r}, which is no web address", hint=GETTING_STARTED)
        model = model or environment.get("FALCONQL_MODEL") or None
        if model is None and url == OPENAI_URL:
            raise ConfigError("no model is named", hint="set FALCONQL_MODEL, for example to gpt-5.2-mini")
        waits = environment.get("FALCONQL_TIMEOUT") or TIMEOUT_S if timeout_s is None else timeout_s
        return cls(url, key or "none", model, _seconds(waits, named.timeout), named)


def _is_web_address(url: str) -> bool:
    try:
        host, port = urlsplit(url).hostname, urlsplit(url).port
    except ValueError:
        return False
    return url.startswith(("http://", "https://")) and url.isprintable() and host is not None and port != 0


def shown_url(url: str) -> str:
    """Return a URL as anybody may see it, whatever is wrong with it: a password may be in one without a scheme, too."""
    return shown(url) if scheme_of(url) else shown(f"http://{url.lstrip('/')}").removeprefix("http://")


def _seconds(said: float | str, named: str) -> float:
    try:
        seconds = float(said)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= MOST_TIMEOUT_S:
        raise ConfigError(
            f"{named} is {said!r}", hint=f"give a number of seconds up to {MOST_TIMEOUT_S:,}, for example 120"
        )
    return seconds
