"""How much may be spent, and prices: ``2usd``, ``50000tokens``, ``300calls``."""

from __future__ import annotations

import ipaddress
import re
import threading
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from falconql.annotating.ledger import Ledger, Unit
from falconql.annotating.usage import dollars_text
from falconql.errors import ConfigError, DataError, FalconQLError
from falconql.llm.endpoint import OPENAI_URL
from falconql.plan.prices import LIST_PRICES, Price, PriceTable
from falconql.runtime.io.address import shown

HINT = "write an amount and its unit: 2usd, 50000tokens or 300calls"

_AMOUNT = re.compile(r"(\$?)\s*(\d[\d_]*(?:\.\d+)?|\.\d+)\s*([kKmM]?)\s*([a-zA-Z]*)")
_UNITS: dict[str, Unit] = {
    **dict.fromkeys(("usd", "dollar", "dollars"), "usd"),
    **dict.fromkeys(("token", "tokens"), "tokens"),
    **dict.fromkeys(("call", "calls", "request", "requests"), "calls"),
}
_DATED = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent at most: US dollars, tokens both ways, or requests."""

    amount: float
    unit: Unit

    def __str__(self) -> str:
        return dollars_text(self.amount) if self.unit == "usd" else f"{self.amount:,.0f} {self.unit}"


def parse_budget(text: str) -> Budget:
    """Return the budget that a text describes.

    Raises:
        ConfigError: it is not an amount with one of the three units.

    >>> parse_budget("2usd")
    Budget(amount=2.0, unit='usd')
    >>> str(parse_budget("50k tokens"))
    '50,000 tokens'
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"{text!r} is no budget", hint=HINT)
    sign, number, factor, word = match.groups()
    unit = "usd" if sign and not word else _UNITS.get(word.lower())
    if unit is None or (sign and unit != "usd"):
        what = f"`{word}` is no unit of a budget" if word else f"the budget {text!r} has no unit"
        raise ConfigError(what, hint=HINT)
    amount = float(number.replace("_", "")) * {"": 1, "k": 1e3, "m": 1e6}[factor.lower()]
    if amount <= 0:
        raise ConfigError(f"a budget of {text.strip()} allows nothing", hint=HINT)
    if unit != "usd" and amount != int(amount):
        raise ConfigError(f"{text.strip()} is not a whole number of {unit}", hint=HINT)
    return Budget(amount, unit)


def price_of(model: str, url: str, table: PriceTable) -> Price | None:
    """Return what a model costs, None when that is unknown or the server is one's own.

    A dated name (``gpt-4o-2024-08-06``) has the price of the name without its date. A table of the user's counts for
    every server, the list prices only for those that are not on this machine or its network.
    """
    if table is LIST_PRICES and is_own_server(url):
        return None
    by_name = {price.model: price for price in table.prices}
    return by_name.get(model) or by_name.get(_DATED.sub("", model))


def is_own_server(url: str) -> bool:
    """Return whether a URL names this machine or one on a private network, by its name alone."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".localhost", ".internal"))
    return address.is_private or address.is_loopback or address.is_link_local


class OutOfBudget(FalconQLError):
    """Another request would exceed the budget."""


class Tokens(NamedTuple):
    """Tokens of a request."""

    read: int
    written: int


class Meter:
    """Says whether one more request fits a budget; safe to use from many threads.

    Requests in flight count with what they are expected to take, and where earlier ones took more than that, as models
    do that think before they answer, with so much more. A budget of requests is never exceeded, one of dollars or
    tokens by what those in flight take beyond what the ones before them took: of the very first ones, beyond estimates.

    Args:
        budget: what may be spent; None for as much as it takes.
        price: what a token costs, None when that is not known.
        model, url: who is asked.
        ledger: what earlier runs spent of the same budget, and where to write down what this one spends.

    Raises:
        ConfigError: the budget is in dollars and the model has no price.
        DataError: the ledger cannot be read or written.
    """

    def __init__(
        self, budget: Budget | None, price: Price | None, model: str, url: str, ledger: Ledger | None = None
    ) -> None:
        if budget is not None and budget.unit == "usd" and price is None:
            free = is_own_server(url) and url != OPENAI_URL
            why = f"{shown(url)} is a server of your own" if free else f"the price of {model} is not known"
            hint = "give a budget in tokens or calls, or a price table that has the model (FALCONQL_PRICES)"
            raise ConfigError(f"a budget in dollars cannot be kept: {why}", hint=hint)
        self.budget, self.price = budget, price
        self._ledger = ledger
        self._lock = threading.Lock()
        self.spent_earlier = 0.0 if budget is None or ledger is None else ledger.total(budget.unit)
        self._beyond_earlier = 1.0 if budget is None or ledger is None else ledger.beyond(budget.unit)
        if ledger is not None:
            ledger.check()
        self._spent = self._expected = self._reserved = 0.0
        self.exhausted = False
        self.failure: DataError | None = None

    def cost_usd(self, tokens_read: float, tokens_written: float) -> float | None:
        """Return the price of so many tokens, None when it is not known."""
        return None if self.price is None else self.price.cost_usd(tokens_read, tokens_written)

    def reserve(self, tokens_read: int, tokens_written: int) -> Tokens:
        """Set aside what a request is estimated to take, and return that.

        Raises:
            OutOfBudget: it is more than is left; from then on nothing fits, so that all stops at one point.
            DataError: what an earlier request took could not be written down.
        """
        estimated = Tokens(tokens_read, tokens_written)
        amount = self._amount(estimated)
        with self._lock:
            if self.failure is not None:
                raise self.failure
            if self.budget is not None:
                beyond = self._spent / self._expected if self._expected else self._beyond_earlier
                coming = (self._reserved + amount) * max(1.0, beyond)
                if self.exhausted or self.spent_earlier + self._spent + coming > self.budget.amount:
                    self.exhausted = True
                    raise OutOfBudget(f"the budget of {self.budget} is used up")
            self._reserved += amount
        return estimated

    def release(self, reserved: Tokens) -> None:
        """Give back what was set aside for a request that got no reply."""
        with self._lock:
            self._reserved -= self._amount(reserved)

    def spend(self, tokens_read: int, tokens_written: int, reserved: Tokens) -> None:
        """Count what a request took, in place of what was set aside for it.

        Where that cannot be written down, ``failure`` says so, and nothing more can be reserved: an error here would
        lose a reply that was paid for.
        """
        took = Tokens(tokens_read, tokens_written)
        expected = self._amount(reserved)
        with self._lock:
            self._spent += self._amount(took)
            self._expected += expected
            self._reserved -= expected
            if self._ledger is not None:
                try:
                    self._ledger.add(self._amounts(took), self._amounts(reserved))
                except DataError as error:
                    self.failure = error

    def _amount(self, tokens: Tokens) -> float:
        if self.budget is None or self.budget.unit == "calls":
            return 1.0
        return self._amounts(tokens)[self.budget.unit] or 0.0

    def _amounts(self, tokens: Tokens) -> dict[str, float | None]:
        return {"tokens": sum(tokens), "usd": self.cost_usd(*tokens)}
