"""What sending every text to a large language model would cost, by a table that the user can change.

The table holds list prices without discounts for batches or cached input. A file in its place:
``FALCONQL_PRICES=prices.json`` with ``{"as_of": "2026-09", "models": {"my-model": [0.10, 0.40]}}``, US
dollars per million tokens read and written. Knows nothing of plans.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from falconql.errors import ConfigError

ENVIRONMENT = "FALCONQL_PRICES"

# One request per text carries all questions of the query; the rest of the request, and the answer.
REQUEST_TOKENS = 60.0
ANSWER_TOKENS_PER_QUESTION = 12.0


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, read and written."""

    model: str
    read_usd: float
    written_usd: float

    def cost_usd(self, tokens_read: float, tokens_written: float) -> float:
        """Return the price of so many tokens in US dollars."""
        return (tokens_read * self.read_usd + tokens_written * self.written_usd) / 1e6


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices and the date from which they are."""

    as_of: str
    prices: tuple[Price, ...]


LIST_PRICES = PriceTable(
    as_of="2026-09",
    prices=(
        Price("gpt-4o", 2.50, 10.00),
        Price("gpt-4o-mini", 0.15, 0.60),
        Price("gpt-5.4", 2.50, 15.00),
        Price("gpt-5.4-mini", 0.75, 4.50),
    ),
)


def load_prices(path: str | None = None) -> PriceTable:
    """Return the table in a file, by default the one that ``FALCONQL_PRICES`` names, else list prices.

    Raises:
        ConfigError: the file cannot be read or is no price table.
    """
    path = path or os.environ.get(ENVIRONMENT)
    if not path:
        return LIST_PRICES
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the price table {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"the price table {path} is not JSON: {error}") from error
    return _table(data, path)


def _table(data: object, path: str) -> PriceTable:
    hint = 'write {"as_of": "2026-09", "models": {"my-model": [0.10, 0.40]}}: US dollars per million tokens'
    if not isinstance(data, Mapping) or not isinstance(data.get("models"), Mapping):
        raise ConfigError(f"the price table {path} has no models", hint=hint)
    prices = []
    for model, pair in data["models"].items():
        numbers = isinstance(pair, list) and len(pair) == 2 and all(type(p) in (int, float) for p in pair)
        if not numbers:
            raise ConfigError(f"the price table {path} has no pair of numbers for {model!r}", hint=hint)
        prices.append(Price(str(model), float(pair[0]), float(pair[1])))
    return PriceTable(str(data.get("as_of", "an unknown date")), tuple(prices))
