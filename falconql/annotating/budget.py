"""How much annotating may cost: dollars, tokens or calls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from falconql.errors import ConfigError
from falconql.plan.prices import Price, load_prices

_AMOUNT = re.compile(r"\s*\$?\s*([0-9][0-9_,]*(?:\.[0-9]+)?)\s*(usd|dollars?|\$|tokens?|calls?)?\s*", re.IGNORECASE)
_HINT = "write it as 2usd, 50000tokens or 300calls"


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit; ``unit`` is ``usd``, ``tokens`` or ``calls``."""

    most: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Return the budget that a text names.

        Raises:
            ConfigError: it names none.
        """
        found = _AMOUNT.fullmatch(text)
        if found is None or (found[2] is None and "$" not in text):
            raise ConfigError(f"{text!r} is no budget", hint=_HINT)
        unit = (found[2] or "usd").lower()
        amount = float(found[1].replace(",", "").replace("_", ""))
        return cls(amount, "tokens" if unit.startswith("t") else "calls" if unit.startswith("c") else "usd")

    def left(self, used: Usage) -> bool:
        """Return whether another request may be sent."""
        return {"usd": used.usd or 0.0, "tokens": float(used.tokens), "calls": float(used.requests)}[
            self.unit
        ] < self.most


@dataclass(slots=True)
class Usage:
    """What annotating took so far.

    Attributes:
        requests: sent and answered.
        read, written: tokens, as the server counts them.
        known: questions whose answer was on disk.
        failed: questions without a usable answer.
        unasked: questions that the budget left out.
        repaired, rejected: pieces found only in another form, and not at all.
        twice, agreed: questions asked twice in two wordings, and those answered alike.
        price: of the model, None when the table has none.
    """

    requests: int = 0
    read: int = 0
    written: int = 0
    known: int = 0
    failed: int = 0
    unasked: int = 0
    repaired: int = 0
    rejected: int = 0
    twice: int = 0
    agreed: int = 0
    price: Price | None = None

    @property
    def tokens(self) -> int:
        """Tokens both ways."""
        return self.read + self.written

    @property
    def usd(self) -> float | None:
        """US dollars, None when the price is not known."""
        return None if self.price is None else self.price.cost_usd(self.read, self.written)


def price_of(model: str) -> Price | None:
    """Return the price of a model by the table, None if it is not there.

    Raises:
        ConfigError: the user's table cannot be read.
    """
    return next((price for price in load_prices().prices if price.model == model), None)
