"""What the words of an instruction decide."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from falconql.asking.corpus import Column, Corpus
from falconql.asking.frame.intent import Intent, intent
from falconql.asking.frame.quantities import date_slots, dates_in, limits_in, number_tests, numbers_in, unit_of
from falconql.types import BOOL, DATE, INT, TEXT, TIMESTAMP

CORPUS = Corpus(
    "bakery orders",
    (
        Column("order_no", INT, (1, 9000)),
        Column("branch", TEXT, ("Graz", "Linz", "Wels"), closed=True),
        Column("loaves", INT, (1, 400)),
        Column("paid", BOOL),
        Column("baked", DATE, (dt.date(2018, 1, 1), dt.date(2025, 1, 1))),
        Column("remark", TEXT, mean_length=120.0),
    ),
    "remark",
)


def decided(instruction: str) -> Intent:
    found = intent(CORPUS, instruction)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("instruction", "shows"),
    [
        ("orders that mention a birthday", "no"),
        ("Which orders complain about mould?", "no"),
        ("please show me all orders in which somebody asks for a discount", "no"),
        ("is the customer angry?", "no"),
        ("extract the street", "must"),
        ("who picked it up", "must"),
        ("branch and loaves of orders that mention a wedding", "must"),
        ("orders about weddings; give the branch", "must"),
        ("Is it a gift? Is it urgent?", "must"),
        ("sort remarks into praise, blame or neither", "must"),
        ("burnt crust", "may"),
    ],
)
def test_whether_outputs_are_named(instruction: str, shows: str) -> None:
    assert decided(instruction).shows == shows


@pytest.mark.parametrize(
    ("instruction", "kind", "name", "said"),
    [
        ("for each ingredient say where it was grown", "each", "ingredient", "ingredients"),
        ("every baker with the age of that baker", "each", "baker", "bakers"),
        ("go through the cakes and keep those that were burnt", "each", "cake", "cakes"),
        ("all suppliers, and for each of them the town", "each", "supplier", "suppliers"),
        ("find the supplier and then the town of that supplier", "let", "supplier", "supplier"),
        ("Which saint is named, and when did that saint live?", "let", "saint", "saint"),
    ],
)
def test_steps(instruction: str, kind: str, name: str, said: str) -> None:
    step = decided(instruction).step
    assert step is not None
    assert (step.kind, step.name, step.said) == (kind, name, said)


@pytest.mark.parametrize(
    "instruction", ["for each order: is it late?", "number of orders per branch", "orders that mention a cake"]
)
def test_no_steps(instruction: str) -> None:
    assert decided(instruction).step is None


def test_conditions_that_are_certain() -> None:
    found = decided("paid orders in Graz with more than 20 loaves since 2021 that mention a birthday")
    assert found.required == ("branch", "paid", "loaves", "baked")
    assert found.values == {"branch": ("Graz",)}
    assert found.dates[0] == ((">=", "2021-01-01"),)
    assert found.numbers["loaves"] == (((">", "20"),),)
    assert found.holds == {"branch": True, "paid": True}
    assert found.either == "no"


def test_or_between_values_is_no_or_between_conditions() -> None:
    found = decided("orders from Graz or Linz about bread")
    assert (found.either, found.values["branch"]) == ("no", ("Graz", "Linz"))
    assert decided("orders about bread or about cake").either == "must"


def test_counting() -> None:
    found = decided("how many orders are there per branch?")
    assert (found.counts, found.grouped) == (True, "must")
    assert not decided("the number of guests they expect").counts


@pytest.mark.parametrize(
    ("instruction", "by"),
    [
        ("how many orders per year?", ("year(baked)",)),
        ("how many orders per month in 2024?", ("month(baked)",)),
        ("how many orders per month between March and May 2024", ("month(baked)",)),
        ("how many orders per month since 2023", ("year(baked)", "month(baked)")),
        ("how many orders per month before 2024", ("year(baked)", "month(baked)")),
        ("how many orders per month in 2023 and 2024", ("year(baked)", "month(baked)")),
        ("how many orders per day of the month", ("day(baked)",)),
        ("how many orders per month of the year", ("month(baked)",)),
        ("how many orders per quarter?", ("year(baked)", "quarter(baked)")),
        ("how many orders per quarter in 2024", ("quarter(baked)",)),
        ("how many orders per day of the week", ("weekday(baked)",)),
        ("how many orders by weekday and branch", ("weekday(baked)", "branch")),
        ("how many orders by day-of-week", ("weekday(baked)",)),
        ("how many orders on each day of a week", ("weekday(baked)",)),
        ("which day of the week had the most orders?", ("weekday(baked)",)),
        ("top 2 days of the month by number of orders", ("day(baked)",)),
        ("on which days of the week are orders baked most often?", ("weekday(baked)",)),
        ("how many orders per quarter of an hour", ()),
        ("how many orders per quarter-hour", ()),
        ("how many orders per hour", ()),
        ("orders with a price per day above 20", ()),
        ("how many orders have a fee per year over 3?", ()),
        ("how many orders per branch, year and month", ("branch", "year(baked)", "month(baked)")),
        ("how many orders per branch, baked since 2020", ("branch",)),
        ("number of orders per branch and average loaves", ("branch",)),
        ("number of orders per year and branch", ("year(baked)", "branch")),
        ("how many orders per year and which branch has most", ("year(baked)",)),
        ("which year had the most orders?", ("year(baked)",)),
        ("top 3 years by number of orders", ("year(baked)",)),
    ],
)
def test_what_rows_are_grouped_by(instruction: str, by: tuple[str, ...]) -> None:
    assert decided(instruction).groups == by


@pytest.mark.parametrize("instruction", ["which hour had the most orders?", "top 3 hours by number of orders"])
def test_dates_without_a_time_of_day_have_no_hours(instruction: str) -> None:
    assert (decided(instruction).grouped, decided(instruction).groups) == ("no", ())
    columns = tuple(replace(column, type=TIMESTAMP) if column.name == "baked" else column for column in CORPUS.columns)
    found = intent(replace(CORPUS, columns=columns), instruction)
    assert found is not None
    assert found.groups == ("hour(baked)",)


def test_the_last_condition_must_not_hold() -> None:
    assert decided("orders about bread but not about rolls").unless
    assert not decided("orders about bread").negated


@pytest.mark.parametrize(
    ("text", "tests"),
    [
        ("at least 70000", [(">=", "70000")]),
        ("over one million dollars", [(">", "1000000")]),
        ("fewer than $1,200", [("<", "1200")]),
        ("4 stars or more", [(">=", "4")]),
        ("between 30 and 40", [(">=", "30"), ("<=", "40")]),
        ("under half an hour", [("<", "0.5"), ("<", "30")]),
        ("one by one", []),
    ],
)
def test_numbers(text: str, tests: list[tuple[str, str]]) -> None:
    assert [test for test in number_tests(text) if test in tests or not tests] == tests
    assert set(numbers_in(text)) == {value for _, value in tests}


@pytest.mark.parametrize(
    ("text", "column", "test"),
    [
        ("under two hours", "playtime_minutes", ("<", "120")),
        ("over 90 minutes", "hours", (">", "1.5")),
        ("at least 3 days", "nights", (">=", "3")),
        ("at least 3 weeks", "days", (">=", "21")),
        ("over 5 stars", "minutes", (">", "5")),
        ("over 5 hours", "stars", (">", "5")),
        ("at least 2 kg", "pack_grams", (">=", "2000")),
        ("under 1.8 m", "height_cm", ("<", "180")),
        ("over 15 m/s", "gust_ms", (">", "15")),
        ("over 15 m", "gust_ms", (">", "15")),
    ],
)
def test_times_are_compared_in_the_unit_of_the_column(text: str, column: str, test: tuple[str, str]) -> None:
    assert number_tests(text, unit_of(column.split("_"))) == (test,)


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("since 2024", [[(">=", "2024-01-01")]]),
        ("before March 2020", [[("<", "2020-03-01")]]),
        ("after 2010-05-01", [[(">", "2010-05-01")]]),
        ("of the 1990s", [[(">=", "1990-01-01")], [("<", "2000-01-01"), ("<=", "1999-12-31")]]),
        ("between 1970 and 1979", [[(">=", "1970-01-01")], [("<=", "1979-12-31"), ("<", "1980-01-01")]]),
        ("on 2021-02-30", []),
    ],
)
def test_times(text: str, slots: list[list[tuple[str, str]]]) -> None:
    assert [list(slot) for slot in date_slots(text)] == slots
    assert set(dates_in(text)) == {day for slot in slots for _, day in slot}


@pytest.mark.parametrize(
    ("text", "limits"), [("the ten newest orders", (10,)), ("top 5", (5,)), ("3 most read", (3,)), ("at least 5", ())]
)
def test_limits(text: str, limits: tuple[int, ...]) -> None:
    assert limits_in(text) == limits


@pytest.mark.parametrize(
    "instruction",
    [
        "Bestellungen mit Geburtstag",
        "commandes avec un anniversaire",
        "pedidos que citan pan",
        "注文で誕生日のもの",
        "заказы",
    ],
)
def test_another_language_decides_nothing(instruction: str) -> None:
    assert intent(CORPUS, instruction) is None


def test_names_and_rare_words_are_no_other_language() -> None:
    assert intent(CORPUS, "orders from Los Angeles whose son met the van driver") is not None


@pytest.mark.parametrize(
    ("instruction", "holds"),
    [
        ("unpaid orders from Graz", {"branch": True, "paid": False}),
        ("orders not from Graz that are paid", {"branch": False, "paid": True}),
        ("neither Graz nor Linz, paid", {"branch": False, "paid": True}),
        ("paid orders except those in Wels", {"branch": False, "paid": True}),
        ("orders from Graz or Linz that were never paid", {"branch": True, "paid": False}),
    ],
)
def test_whether_conditions_are_to_hold(instruction: str, holds: dict[str, bool]) -> None:
    assert decided(instruction).holds == holds


@pytest.mark.parametrize(
    ("instruction", "kinds", "options"),
    [
        ("Classify each remark as praise, blame or neither.", ["choice"], ("praise", "blame", "neither")),
        ("is the customer angry, happy or neutral?", ["choice"], ("angry", "happy", "neutral")),
        ("praise, blame or question? and also the product", ["choice", "found"], ("praise", "blame", "question")),
        ("sort the remarks into urgent or normal", ["choice"], ("urgent", "normal")),
    ],
)
def test_choices(instruction: str, kinds: list[str], options: tuple[str, ...]) -> None:
    found = decided(instruction)
    assert [each.kind for each in found.listed] == kinds
    assert found.listed[0].options == options
    assert found.shows == "must"


@pytest.mark.parametrize(
    "instruction", ["orders in Graz, Linz or Wels", "cakes or bread", "is it about cakes or bread?"]
)
def test_conditions_are_no_choices(instruction: str) -> None:
    assert not any(each.kind == "choice" for each in decided(instruction).listed)


@pytest.mark.parametrize(
    ("instruction", "wanted"),
    [
        ("What share of orders per branch has a complaint?", (True, "must", (0, 0))),
        ("how many orders per branch mention a birthday", (False, "must", (1, 1))),
        ("number of orders by branch", (False, "must", (0, 0))),
    ],
)
def test_counts(instruction: str, wanted: tuple[bool, str, tuple[int, int]]) -> None:
    found = decided(instruction)
    assert found.counts
    assert (found.shares, found.grouped, found.questions) == wanted


@pytest.mark.parametrize(
    ("instruction", "limits", "ordered"),
    [
        ("10 orders", (10,), "no"),
        ("show me five random orders", (5,), "no"),
        ("any 3 orders that mention a cake", (3,), "no"),
        ("the first 5 orders", (5,), "may"),
        ("the 5 newest orders", (5,), "must"),
        ("orders, newest first", (), "must"),
        ("orders of 10 loaves", (), "no"),
        ("10 loaves", (), "no"),
    ],
)
def test_so_many_rows(instruction: str, limits: tuple[int, ...], ordered: str) -> None:
    assert (decided(instruction).limits, decided(instruction).ordered) == (limits, ordered)


@pytest.mark.parametrize(
    ("instruction", "groups", "aggregates", "limits"),
    [
        ("which branch has the most orders?", ("branch",), ("count()",), (1,)),
        ("which branch has the fewest complaints", ("branch",), (), (1,)),
        ("which branch has the highest average loaves?", ("branch",), ("avg(loaves)",), (1,)),
        ("share of paid by branch", ("branch",), ("share(paid)",), ()),
    ],
)
def test_rankings(
    instruction: str, groups: tuple[str, ...], aggregates: tuple[str, ...], limits: tuple[int, ...]
) -> None:
    found = decided(instruction)
    assert found.counts
    assert found.groups == groups
    assert found.aggregates in (aggregates, ())
    assert found.limits == limits


SHOPS = Corpus(
    "shop reviews",
    (
        Column("review_no", INT, (1, 9)),
        Column("shop", TEXT, ("Bo", "Old Mill"), seen=frozenset(("Bo", "Old Mill", "Invoice", "Too hard", "12"))),
        Column("town", TEXT, ("Graz", "Linz"), closed=True),
        Column("closed_on", DATE, (dt.date(2018, 1, 1), dt.date(2025, 1, 1))),
        Column("review", TEXT, mean_length=120.0),
    ),
    "review",
)


@pytest.mark.parametrize(
    ("instruction", "required", "values"),
    [
        ("reviews of Old Mill about bread", True, ("Old Mill",)),
        ("reviews of the old mill about bread", False, ("Old Mill",)),
        ("reviews that say it is too hard", False, ("Too hard",)),
        ("more than 12 loaves", False, None),
        ("Bo reviews about bread", True, ("Bo",)),
        ("reviews of Bo or Old Mill", True, ("Bo", "Old Mill")),
        ("reviews that mention an invoice", False, None),
        ("reviews that mention Crumbs", False, None),
        ("reviews praising Rye in Graz", False, None),
        ("reviews of Crumbs & Co in Graz", False, ("Crumbs", "Co")),
        ("reviews about bread", False, None),
    ],
)
def test_names_in_a_column_of_many(instruction: str, required: bool, values: tuple[str, ...] | None) -> None:
    found = intent(SHOPS, instruction)
    assert found is not None
    assert ("shop" in found.required) == required
    assert found.values.get("shop") == values
    assert ("shop" in found.conditions) == (values is not None)


def test_what_is_still_open_may_be_a_missing_time() -> None:
    found = intent(SHOPS, "shops still open")
    assert found is not None
    assert found.nulls
    assert "closed_on" in found.conditions


def test_long_instructions_are_left_to_the_model() -> None:
    assert intent(CORPUS, "orders about bread " * 20) is not None
    assert intent(CORPUS, "which cakes are mentioned and " * 2_000) is None


@pytest.mark.parametrize(
    "instruction",
    [
        "What annoyed the customers the most?",
        "how often does the customer come",
        "customers who complain most often about mould",
        "orders of people who share that opinion",
        "orders whose costs add up quickly",
    ],
)
def test_what_is_not_counted(instruction: str) -> None:
    assert not decided(instruction).counts


BRANCHES = Corpus(
    "branch reports",
    (
        Column("report_no", INT, (1, 9)),
        Column("branch", TEXT, ("Lyon plant", "The Mill", "Very old"), closed=True),
        Column("report", TEXT, mean_length=120.0),
    ),
    "report",
)


@pytest.mark.parametrize(
    ("instruction", "values"),
    [
        ("reports from Lyon about fire", ("Lyon plant",)),
        ("The reports about fire", None),
        ("reports about a plant", None),
    ],
)
def test_a_name_in_a_value_may_mean_it(instruction: str, values: tuple[str, ...] | None) -> None:
    found = intent(BRANCHES, instruction)
    assert found is not None
    assert found.values.get("branch") == values
    assert "branch" not in found.required
