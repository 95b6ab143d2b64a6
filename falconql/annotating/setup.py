"""A model ready to answer, from a name and the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from falconql.annotating.annotator import IN_FLIGHT, Annotator, Limits
from falconql.annotating.budget import Budget, Usage, price_of
from falconql.annotating.proxy import LlmProxy
from falconql.annotating.store import Store
from falconql.errors import ConfigError
from falconql.llm.client import OpenAIChat
from falconql.llm.endpoint import Endpoint
from falconql.runtime.proxy.registry import user_folder


def annotator(
    model: str | None,
    folder: Path,
    *,
    budget: str | None = None,
    in_flight: int = IN_FLIGHT,
    on_progress: Callable[[int, int], None] | None = None,
) -> Annotator:
    """Return a model that annotates.

    Args:
        model: its name; None takes the one that FALCONQL_MODEL names, or the only one that the server has.
        folder: where its answers are kept.
        budget: what it may cost, such as ``2usd``.
        in_flight: requests at once.
        on_progress: called with the questions answered so far and their number.

    Raises:
        ConfigError: no endpoint is set up, the budget is malformed, or it is in dollars and the price is not known.
        ModelServerError: the server does not say which models it has.
    """
    chat, usage, identity = _chat(model)
    most = Budget.parse(budget) if budget else None
    if most is not None and most.unit == "usd" and usage.price is None:
        raise ConfigError(
            f"the price of {chat.model} is not known, so that a budget in dollars cannot be kept",
            hint="give it in tokens or calls, or add the model to the table that FALCONQL_PRICES names",
        )
    limits = Limits(in_flight=in_flight, budget=most)
    return Annotator(chat, Store(folder, identity), limits, usage=usage, on_progress=on_progress)


def llm_proxy(model: str | None = None) -> LlmProxy:
    """Return a model as a proxy; its answers are kept in the user's folder, so that nothing is paid for twice.

    Raises:
        ConfigError: no endpoint is set up.
        ModelServerError: the server does not say which models it has.
    """
    chat, usage, identity = _chat(model)
    # One question in a request: an answer must not depend on what else is asked about the text.
    store = Store(user_folder().parent / "answers", identity)
    return LlmProxy(Annotator(chat, store, Limits(twice=False, together=1), usage=usage), chat.endpoint.url)


def _chat(model: str | None) -> tuple[OpenAIChat, Usage, str]:
    """Return the client, its usage with the price, and what tells this model's answers from another's."""
    chat = OpenAIChat(Endpoint.from_environment(model=model or None))
    return chat, Usage(price=price_of(chat.model)), f"{chat.endpoint.url} {chat.model}"
