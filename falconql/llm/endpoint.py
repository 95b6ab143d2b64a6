"""Where the language model is: three settings, from the caller or from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from falconql.errors import ConfigError

OPENAI_URL = "https://api.openai.com/v1"
TIMEOUT_S = 120.0
GETTING_STARTED = (
    "set OPENAI_API_KEY and FALCONQL_MODEL for OpenAI, or OPENAI_BASE_URL for a server of your own: "
    "http://localhost:8000/v1 (vLLM), http://localhost:8080/v1 (llama.cpp), http://localhost:11434/v1 (Ollama)"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server.

    Attributes:
        url: the base URL, up to and with ``/v1``.
        key: what it wants as a bearer token; servers at home take anything.
        model: the model's name; None asks the server, which must then offer just one.
        timeout_s: how long one answer may take.
    """

    url: str
    key: str
    model: str | None = None
    timeout_s: float = TIMEOUT_S

    @classmethod
    def from_environment(
        cls,
        *,
        url: str | None = None,
        model: str | None = None,
        timeout_s: float | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> Endpoint:
        """Return the endpoint that OPENAI_BASE_URL, OPENAI_API_KEY, FALCONQL_MODEL and FALCONQL_TIMEOUT describe.

        Raises:
            ConfigError: there is neither a URL nor a key, or a setting is malformed.
        """
        url = url or environment.get("OPENAI_BASE_URL") or None
        key = environment.get("OPENAI_API_KEY") or None
        if url is None and key is None:
            raise ConfigError("no language model is set up to ask", hint=GETTING_STARTED)
        url = (url or OPENAI_URL).rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"OPENAI_BASE_URL is {url!r}, which is no web address", hint=GETTING_STARTED)
        model = model or environment.get("FALCONQL_MODEL") or None
        if model is None and url == OPENAI_URL:
            raise ConfigError("no model is named", hint="set FALCONQL_MODEL, for example to gpt-5.2-mini")
        return cls(url, key or "none", model, timeout_s or _timeout(environment))


def _timeout(environment: Mapping[str, str]) -> float:
    text = environment.get("FALCONQL_TIMEOUT")
    if not text:
        return TIMEOUT_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"FALCONQL_TIMEOUT is {text!r}", hint="give a number of seconds, for example 120")
    return seconds
