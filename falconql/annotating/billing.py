"""What a run on a language model is going to ask and cost, and from which amount on somebody has to agree."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from falconql.annotating.budget import price_of
from falconql.annotating.prompt import tokens_read, tokens_written
from falconql.annotating.task import Question
from falconql.annotating.usage import dollars_text
from falconql.errors import ConfigError
from falconql.plan.estimates import Spending
from falconql.plan.prices import load_prices

if TYPE_CHECKING:
    from falconql.annotating.annotator import Annotator

CONFIRM = "FALCONQL_CONFIRM_USD"
DEFAULT_CONFIRM_USD = 1.0


@dataclass(frozen=True, slots=True)
class Bill:
    """An estimate, before the first request; answers of earlier runs that are still on disk are not taken off.

    Attributes:
        model: who is asked.
        host: the server.
        rows: how many rows of the corpus are read.
        calls: requests.
        tokens: both ways.
        dollars: by the price table; None for a server of one's own, and where the price is not known.
        as_of: the date of the prices.
        limit_usd: from which amount on somebody has to agree.
    """

    model: str
    host: str
    rows: int
    calls: int
    tokens: int
    dollars: float | None
    as_of: str
    limit_usd: float

    @property
    def needs_consent(self) -> bool:
        """Whether it is more than may be spent without asking."""
        return self.dollars is not None and self.dollars > self.limit_usd

    def __str__(self) -> str:
        calls = f"{self.calls:,} call{'s' * (self.calls != 1)} of {self.model} at {self.host}"
        rows = f"for {self.rows:,} row{'s' * (self.rows != 1)}"
        cost = "" if self.dollars is None else f", {dollars_text(self.dollars)} by the prices of {self.as_of}"
        return f"about {calls} {rows}: {self.tokens:,} tokens{cost}"


def bill_for(spending: Spending, model: str, url: str) -> Bill:
    """Return the bill for what a run is expected to ask.

    Raises:
        ConfigError: the price table or the limit in the environment is wrong.
    """
    table = load_prices()
    price = price_of(model, url, table)
    dollars = None if price is None else price.cost_usd(spending.tokens_read, spending.tokens_written)
    tokens = round(spending.tokens_read + spending.tokens_written)
    host = urlsplit(url).netloc.rpartition("@")[2]
    calls = round(spending.calls)
    return Bill(model, host, round(spending.rows), calls, tokens, dollars, table.as_of, confirm_limit())


def bill_of(annotator: Annotator, questions: Sequence[Question], again: Sequence[Question] = ()) -> Bill:
    """Return the bill for putting these questions to an annotator, some of them ``again``.

    Raises:
        ConfigError: the price table or the limit in the environment is wrong.
        ModelServerError: the server has to be asked for its model and cannot be.
    """
    requests = [*annotator.requests(questions), *annotator.requests(again)]
    read = sum(tokens_read(text, tasks) for text, tasks in requests)
    written = sum(tokens_written(tasks) for _, tasks in requests)
    texts = len({question.text for question in questions})
    spending = Spending(float(texts), float(len(requests)), float(read), float(written))
    return bill_for(spending, annotator.name, annotator.endpoint.url)


def confirm_limit(environment: Mapping[str, str] = os.environ) -> float:
    """Return the amount in dollars from which on somebody has to agree.

    Raises:
        ConfigError: FALCONQL_CONFIRM_USD is no amount.
    """
    text = environment.get(CONFIRM)
    if not text:
        return DEFAULT_CONFIRM_USD
    try:
        amount = float(text.strip().removeprefix("$"))
    except ValueError:
        amount = -1.0
    if not amount >= 0:
        raise ConfigError(f"{CONFIRM} is {text!r}", hint="give an amount in US dollars, for example 5; inf never asks")
    return amount
