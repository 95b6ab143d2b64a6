"""Which parts of an instruction say what to show, which describe rows, and how much of that only the text answers."""

from __future__ import annotations

import datetime as dt
import random
import re

import pytest

from falconql.asking.corpus import Column, Corpus
from falconql.asking.decoding import corpus_grammar
from falconql.asking.frame.asked import asked_bounds as asked
from falconql.asking.frame.asked import asked_parts, told_words
from falconql.asking.frame.halves import cut_in_halves as halves
from falconql.asking.frame.intent import intent
from falconql.asking.frame.outputs import outputs
from falconql.asking.frame.stems import root
from falconql.asking.library import examples
from falconql.syntax.decoding import gbnf
from falconql.types import BOOL, DATE, INT, TEXT

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


@pytest.mark.parametrize(
    ("instruction", "shown", "described"),
    [
        ("for paid orders: branch and loaves", "branch and loaves", "paid orders"),
        ("for orders with nuts give the allergy", "give the allergy", "orders with nuts"),
        ("orders about weddings; give the flavour", "give the flavour", "orders about weddings"),
        ("branch only: unpaid orders with a complaint", "branch only", "unpaid orders with a complaint"),
        ("flavour and filling of orders from Graz", "flavour and filling", "orders from Graz"),
        ("orders that mention a birthday, and list the flavour", "list the flavour", "orders that mention a birthday"),
        ("longest orders, biggest first, branch and loaves", "branch and loaves", "longest orders, biggest first"),
        ("the flavour if the cake is for a child", "the flavour", "the cake is for a child"),
        ("for each order: is it late?", "is it late?", ""),
        ("mark for each order whether it is late", "whether it is late", ""),
    ],
)
def test_outputs_are_told_from_the_description(instruction: str, shown: str, described: str) -> None:
    found = halves(CORPUS, instruction)
    assert found is not None
    assert (found.outputs.strip(), found.description.strip()) == (shown, described)


@pytest.mark.parametrize(
    "instruction",
    [
        "orders that mention a cake",
        "not Graz; somebody wants something for free",
        "from paid customers: complaints about the crust or the filling, but not delays",
        "cake size, place of pickup, and date",
        "",
        "???",
    ],
)
def test_what_is_open_is_left_open(instruction: str) -> None:
    found = halves(CORPUS, instruction)
    assert found is None or not found.description or not outputs(CORPUS, found.outputs)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("branch, the flavour and the names of the guests", [("column", None), ("found", False), ("found", None)]),
        ("is the order late, and was a discount given?", [("label", None), ("label", None)]),
        ("whether it is a gift and who pays", [("label", None), ("found", None)]),
        ("all allergies and every filling", [("found", True), ("found", True)]),
        ("children named", [("found", True)]),
    ],
)
def test_outputs_by_kind(text: str, kinds: list[tuple[str, bool | None]]) -> None:
    found = outputs(CORPUS, text)
    assert [each.kind for each in found] == [kind for kind, _ in kinds]
    wanted = [several for kind, several in kinds if kind == "found" and several is not None]
    assert [each.several for each in found if each.kind == "found"][: len(wanted)] == wanted


def test_an_output_is_about_its_own_words() -> None:
    one, other = outputs(CORPUS, "the flavour, whether the crust is burnt")
    assert any("flavour".startswith(start) for start in one.about)
    assert any("crust".startswith(start) for start in other.about)
    assert not any("flavour".startswith(start) for start in other.about)


@pytest.mark.parametrize(
    "text", ["cake or bread", "with", "branch loaves paid and something that has gone on for far too long now"]
)
def test_lists_that_are_not_understood_have_no_outputs(text: str) -> None:
    assert outputs(CORPUS, text) == ()


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("orders in Graz with more than 20 loaves", (0, 0)),
        ("unpaid orders since 2021", (0, 0)),
        ("orders that mention a birthday", (1, 1)),
        ("paid orders in Graz that mention a birthday", (1, 1)),
        ("angry customers who ask for a refund", (1, 2)),
        ("orders with nuts and a late delivery", (2, 2)),
        ("orders with nuts or raisins", (1, 2)),
        ("nuts, but no raisins", (2, 2)),
        ("", (0, 0)),
    ],
)
def test_how_much_only_the_text_answers(text: str, questions: tuple[int, int]) -> None:
    told = told_words(CORPUS, text, {"branch", "loaves", "paid", "baked"})
    assert asked(CORPUS, text, told) == questions


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("orders with nuts and a late delivery", [("nuts", False, False), ("delivery", False, False)]),
        ("orders with nuts or raisins", [("nuts", False, False), ("raisins", False, True)]),
        ("nuts or raisins, but no sugar", [("nuts", False, False), ("raisins", False, True), ("sugar", True, False)]),
        ("neither nuts nor sugar", [("nuts", True, False), ("sugar", True, False)]),
        ("orders that do not mention a party", [("party", True, False)]),
        ("orders without sugar", [("sugar", True, False)]),
        ("angry customers with children", []),  # one question or two
        ("no nuts or raisins", []),  # none of the two, or only one of them
        ("orders that are not only burnt", [("burnt", None, False)]),
    ],
)
def test_conditions_that_only_the_text_answers(text: str, wanted: list[tuple[str, bool | None, bool]]) -> None:
    found = asked_parts(CORPUS, text, told_words(CORPUS, text, ()), columns_deny=False)
    assert [(each.denied, each.joined) for each in found] == [(denied, joined) for _, denied, joined in wanted]
    for each, (word, _, _) in zip(found, wanted, strict=True):
        assert any(word.startswith(start) for start in each.about)


@pytest.mark.parametrize(("one", "other"), [("citations", "cited"), ("upvotes", "upvoted"), ("payments", "paying")])
def test_words_of_one_root(one: str, other: str) -> None:
    assert root(one) == root(other)


def test_roots_keep_three_letters() -> None:
    assert root("station") != root("star")
    assert root("is") == "is"


@pytest.mark.parametrize(
    "instruction",
    [
        "share of orders per branch with a complaint",
        "loaves",
        "paid",
        "",
        "or",
        "not not not",
        "Is it late? Is it burnt? answer both per branch",
        "orders in Graz or Linz, two or four loaves, unless unpaid",
        "for each cake its filling, sorted by baked, top 5",
        "average loaves by branch",
        "what" * 400,
    ],
)
def test_every_frame_makes_a_grammar(instruction: str) -> None:
    assert gbnf(corpus_grammar(CORPUS, intent(CORPUS, instruction))).startswith("root ::=")


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_every_worked_example_makes_a_grammar(example: object) -> None:
    corpus, instruction = example.corpus, example.instruction  # type: ignore[attr-defined]
    assert gbnf(corpus_grammar(corpus, intent(corpus, instruction))).startswith("root ::=")


PIECES = re.findall(
    r"\S+",
    "for each every all the of in Graz or Linz and but not no without unless either neither nor orders remarks paid "
    "unpaid loaves more than 20 at least two between 5 10 since 2021 2023-04-01 branch baked how many average share "
    "per by what which who is does whether if ? , ; : . sorted newest first top 3 cake cakes about that mention with a "
    "for then that its name please give list extract classify as positive negative open still customers who number of "
    '\u00e9clair \u7f8e "quoted" 1e9 $5 50% () \' \\',
)


BARE = (
    CORPUS,
    Corpus("notes", (Column("note", TEXT, mean_length=90.0),), "note"),
    Corpus("flags", (Column("paid", BOOL), Column("open", BOOL)), None),
    Corpus("counts", (Column("loaves", INT), Column("baked", DATE)), None),
    Corpus("empty", (Column("remark", TEXT), Column("branch", TEXT, (), closed=True)), "remark"),
)


@pytest.mark.parametrize("corpus", BARE, ids=lambda corpus: corpus.name)
@pytest.mark.parametrize("seed", range(10))
def test_no_words_break_it(seed: int, corpus: Corpus) -> None:
    dice = random.Random(seed)
    for _ in range(25):
        instruction = " ".join(dice.choices(PIECES, k=dice.randint(0, 14)))
        gbnf(corpus_grammar(corpus, intent(corpus, instruction)))
