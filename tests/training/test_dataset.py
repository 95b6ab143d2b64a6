"""Examples to token arrays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from falconql.training.dataset import IGNORE, B, I, Item, O, collate, tokenise
from falconql.training.examples import Example
from tests.training.made_model import made_tokenizer

TEXT = "Ada Lovelace visited Paris — naïvely 🙂 . Ada left"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return made_tokenizer()


def one(tokenizer: Tokenizer, example: Example, max_tokens: int = 256) -> Item:
    (item,) = tokenise(tokenizer, [example], max_tokens, seed=0)
    return item


def test_a_label_is_read_off_the_first_token_alone(tokenizer: Tokenizer) -> None:
    for answer, wanted in ((True, B), (False, O)):
        item = one(tokenizer, Example("a person", TEXT, answer))
        assert item.targets[0] == wanted
        assert set(item.targets[1:].tolist()) == {IGNORE}


def test_spans_are_marked_on_first_pieces_of_the_text(tokenizer: Tokenizer) -> None:
    item = one(tokenizer, Example("Ada", TEXT, ((0, 12), (21, 26))))
    instruction = item.targets[: item.instruction_tokens].tolist()
    words = [t for t in item.targets[item.instruction_tokens : -1].tolist() if t != IGNORE]
    assert instruction == [IGNORE] * item.instruction_tokens
    assert words == [B, I, O, B, *[O] * (len(words) - 4)]
    assert item.targets[-1] == IGNORE


def test_no_span_marks_every_word_as_outside(tokenizer: Tokenizer) -> None:
    item = one(tokenizer, Example("Ada", TEXT, ()))
    assert set(item.targets.tolist()) == {IGNORE, O}


def test_neighbouring_spans_both_begin(tokenizer: Tokenizer) -> None:
    item = one(tokenizer, Example("a person", "Ada Ada Ada", ((0, 3), (4, 11))))
    assert [t for t in item.targets.tolist() if t != IGNORE] == [B, B, I]


@given(st.integers(0, 300), st.integers(0, 50))
def test_a_long_text_is_cut_to_a_window_with_its_answer(before: int, seed: int) -> None:
    text = "Paris " * before + "Ada " + "Paris " * 300
    start = 6 * before
    example = Example("a person", text, ((start, start + 3),))
    (item,) = tokenise(made_tokenizer(), [example], 64, seed)
    assert len(item.ids) == 64
    assert (item.targets == B).sum() == 1


def test_an_instruction_is_read_whole_as_far_as_it_can_be_asked(tokenizer: Tokenizer) -> None:
    """The options of a choice stand at its end."""
    asked = ["ada " * 90 + place for place in ("paris", "oslo")]
    paris, oslo = tokenise(tokenizer, [Example(each, "grace left", True) for each in asked], 128, 0)
    assert paris.ids.tolist() != oslo.ids.tolist()
    for text in ("grace left", "grace left " * 200):
        (item,) = tokenise(tokenizer, [Example("ada " * 500, text, True)], 128, 0)
        assert len(item.ids) == 128
        assert 128 - item.instruction_tokens - 1 == min(len(text.split()), 32)


def test_spans_are_found_in_the_smallest_window(tokenizer: Tokenizer) -> None:
    (item,) = tokenise(tokenizer, [Example("ada", "paris " * 40 + "ada " + "paris " * 40, ((240, 243),))], 16, 0)
    assert (item.targets == B).sum() == 1


def test_half_a_character_is_one_character(tokenizer: Tokenizer) -> None:
    item = one(tokenizer, Example("ada \ud83d", "\ud83d ada", ((2, 5),)))
    assert [t for t in item.targets.tolist() if t != IGNORE] == [B]


@pytest.mark.parametrize(
    ("spans", "wanted"),
    [
        (((2, 4),), [B, O, O]),
        (((2, 8),), [B, I, O]),
        (((0, 2), (2, 8)), [B, B, O]),
        (((0, 6), (6, 8)), [B, I, O]),
        (((4, 6), (7, 8)), [O, B, O]),
        (((4, 5), (8, 9)), [O, O, O]),
    ],
)
def test_a_part_of_a_word_is_the_word(
    tokenizer: Tokenizer, spans: tuple[tuple[int, int], ...], wanted: list[int]
) -> None:
    """As the runtime reads it, and as scores count it: `GB` of `15GB` would be learned as nothing."""
    item = one(tokenizer, Example("the unit", "15GB RAM ada", spans))
    assert [t for t in item.targets.tolist() if t != IGNORE] == wanted


def test_padding_is_masked_and_carries_no_target(tokenizer: Tokenizer) -> None:
    items = tokenise(tokenizer, [Example("Ada", "Paris", True), Example("Ada", TEXT, ((0, 3),))], 64, 0)
    arrays = collate(items)
    short = len(items[0].ids)
    assert arrays["attention_mask"][0].tolist() == [1] * short + [0] * (len(items[1].ids) - short)
    assert set(arrays["targets"][0, short:].tolist()) == {IGNORE}
    assert arrays["token_type_ids"][0, :short].tolist() == [0, 0, 0, 1, 1][:short]
