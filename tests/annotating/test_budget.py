"""Budgets and prices."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from falconql.annotating.budget import Budget, Meter, OutOfBudget, is_own_server, parse_budget, price_of
from falconql.annotating.ledger import Ledger, Unit
from falconql.errors import ConfigError, DataError
from falconql.llm.endpoint import OPENAI_URL
from falconql.plan.prices import LIST_PRICES, Price, PriceTable

OWN = "http://localhost:8000/v1"


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("2usd", Budget(2.0, "usd")),
        ("$2.50", Budget(2.5, "usd")),
        ("0.5 dollars", Budget(0.5, "usd")),
        ("50000tokens", Budget(50_000, "tokens")),
        ("50_000 Tokens", Budget(50_000, "tokens")),
        ("1.5M tokens", Budget(1_500_000, "tokens")),
        ("300calls", Budget(300, "calls")),
        ("1 call", Budget(1, "calls")),
    ],
)
def test_budgets_that_are_understood(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no budget"),
        ("much", "no budget"),
        ("-3usd", "no budget"),
        ("300", "has no unit"),
        ("3 euros", "`euros` is no unit"),
        ("$3 calls", "`calls` is no unit"),
        ("0usd", "allows nothing"),
        ("1.5calls", "not a whole number of calls"),
    ],
)
def test_others_are_refused_with_a_remedy(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_budget(text)
    assert "2usd" in (caught.value.hint or "")


def test_prices_are_those_of_the_model_with_or_without_its_date() -> None:
    assert price_of("gpt-4o", OPENAI_URL, LIST_PRICES) == Price("gpt-4o", 2.5, 10.0)
    assert price_of("gpt-4o-2024-08-06", OPENAI_URL, LIST_PRICES) == Price("gpt-4o", 2.5, 10.0)
    assert price_of("gpt-4o-mini", OPENAI_URL, LIST_PRICES) == Price("gpt-4o-mini", 0.15, 0.6)
    assert price_of("llama", OPENAI_URL, LIST_PRICES) is None


def test_a_server_of_ones_own_costs_nothing_unless_the_user_says_so() -> None:
    assert price_of("gpt-4o", OWN, LIST_PRICES) is None
    own = PriceTable("2030-01", (Price("gpt-4o", 1.0, 1.0),))
    assert price_of("gpt-4o", OWN, own) == Price("gpt-4o", 1.0, 1.0)


@pytest.mark.parametrize(
    "url", [OWN, "http://127.0.0.1/v1", "http://10.0.0.7:80/v1", "http://[::1]:1/v1", "http://gpu/v1", "http://x.local"]
)
def test_own_servers(url: str) -> None:
    assert is_own_server(url)
    assert not is_own_server(OPENAI_URL)
    assert not is_own_server("http://8.8.8.8/v1")


def test_requests_in_flight_count() -> None:
    meter = Meter(Budget(2, "calls"), None, "m", OWN)
    first = meter.reserve(10, 1)
    meter.reserve(10, 1)
    with pytest.raises(OutOfBudget, match="2 calls"):
        meter.reserve(10, 1)
    meter.spend(10, 1, first)
    with pytest.raises(OutOfBudget):
        meter.reserve(10, 1)
    assert meter.exhausted


def test_money_and_tokens_are_counted_as_they_are_spent() -> None:
    priced = Meter(Budget(1.0, "usd"), Price("m", 1e6, 1e6), "m", OPENAI_URL)  # a dollar a token
    with pytest.raises(OutOfBudget, match=r"\$1\.00"):
        priced.reserve(1, 1)
    tokens = Meter(Budget(100, "tokens"), None, "m", OWN)
    reserved = tokens.reserve(60, 10)
    tokens.spend(20, 5, reserved)
    tokens.release(tokens.reserve(60, 10))  # less was spent than was set aside
    tokens.reserve(60, 15)


def test_requests_that_take_more_than_expected_are_expected_to() -> None:
    meter = Meter(Budget(1000, "tokens"), None, "m", OWN)
    flying = [meter.reserve(10, 10) for _ in range(8)]
    spent = 0
    while flying:
        meter.spend(10, 90, flying.pop())
        spent += 100
        try:
            flying.append(meter.reserve(10, 10))
        except OutOfBudget:
            continue
    assert spent == 1000


def test_what_earlier_runs_spent_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "spent.jsonl")
    price = Price("m", 1e5, 1e5)
    for _ in range(2):
        meter = Meter(None, price, "m", OPENAI_URL, ledger)
        meter.spend(3, 1, meter.reserve(3, 1))
    assert [ledger.total(unit) for unit in ("usd", "tokens", "calls")] == pytest.approx([0.8, 8, 2])
    for budget in (Budget(1.0, "usd"), Budget(10, "tokens"), Budget(2, "calls")):
        with pytest.raises(OutOfBudget):
            Meter(budget, price, "m", OPENAI_URL, ledger).reserve(3, 1)
    Meter(Budget(1.3, "usd"), price, "m", OPENAI_URL, ledger).reserve(3, 1)
    # So does how far they went beyond what was expected of them.
    slow = Ledger(tmp_path / "slow.jsonl")
    meter = Meter(Budget(100, "tokens"), None, "m", OWN, slow)
    meter.spend(10, 40, meter.reserve(10, 0))
    assert slow.beyond("tokens") == 5
    with pytest.raises(OutOfBudget):
        Meter(Budget(99, "tokens"), None, "m", OWN, slow).reserve(10, 0)
    Meter(Budget(100, "tokens"), None, "m", OWN, slow).reserve(10, 0)
    # A line that a full disk tore is a request of which no more is known.
    with ledger.path.open("ab") as file:
        file.write(b'\n{"tok')
    ledger.add({"tokens": 5, "usd": None}, {"tokens": 5, "usd": None})
    assert [ledger.total(unit) for unit in ("usd", "tokens", "calls")] == pytest.approx([0.8, 13, 4])


@pytest.mark.parametrize("earlier", [None, Budget(1000, "calls"), Budget(1e6, "tokens"), Budget(1e6, "usd")])
def test_what_earlier_runs_took_is_known_whatever_their_budget_was_in(tmp_path: Path, earlier: Budget | None) -> None:
    ledger, price = Ledger(tmp_path / "spent.jsonl"), Price("m", 1e6, 2e6)  # a dollar a token read, two if written
    meter = Meter(earlier, price, "m", OPENAI_URL, ledger)
    for _ in range(2):
        meter.spend(600, 5400, meter.reserve(500, 100))
    meter.spend(600, 0, meter.reserve(500, 100))  # a small one counts for what it is
    assert [ledger.beyond(unit) for unit in ("calls", "tokens", "usd")] == [1, 7, 23_400 / 2_100]

    def fits(more: float, unit: Unit) -> int:
        meter, found = Meter(Budget(ledger.total(unit) + more, unit), price, "m", OPENAI_URL, ledger), 0
        with suppress(OutOfBudget):
            while True:
                meter.reserve(500, 100)
                found += 1
        return found

    assert fits(10, "calls") == 10
    assert fits(3 * 600 * 7, "tokens") == 3
    assert fits(3 * 7_800 + 1, "usd") == 3


def test_a_ledger_that_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="what was spent cannot be read"):
        Ledger(tmp_path).total("usd")
    # Before anything is paid for.
    with pytest.raises(DataError, match=r"what was spent cannot be written to .*: No such file or directory") as caught:
        Meter(None, None, "m", OWN, Ledger(tmp_path / "no" / "spent.jsonl"))
    assert caught.value.hint is None


def test_a_full_disk_has_a_remedy_and_nothing_more_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter(None, None, "m", OWN, Ledger(tmp_path / "spent.jsonl"))
    reserved = meter.reserve(1, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    meter.spend(1, 1, reserved)
    with pytest.raises(DataError, match="No space left on device") as caught:
        meter.reserve(1, 1)
    assert "make room" in str(caught.value.hint)


@pytest.mark.parametrize(("url", "why"), [(OWN, "server of your own"), (OPENAI_URL, "price of m is not known")])
def test_dollars_cannot_be_kept_without_a_price(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Meter(Budget(1.0, "usd"), None, "m", url)
