"""Long texts in pieces."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.proxy.manifest import Prompt
from falconql.runtime.proxy.prompts import Prompter
from falconql.training.dataset import B, tokenise
from falconql.training.examples import Example
from falconql.training.pieces import MOST_PIECES, MOST_WINDOWS, in_pieces, items_of
from tests.training.made_model import made_tokenizer

TOKENIZER = made_tokenizer()
MOST = 64


def pieces(text: str, *spans: tuple[int, int]) -> list[Example]:
    return in_pieces(TOKENIZER, [Example("a person", text, spans)], MOST, 0)


def said(found: list[Example]) -> list[str]:
    return [piece.text[a:b] for piece in found if not isinstance(piece.answer, bool) for a, b in piece.answer]


def places(text: str, word: str) -> list[tuple[int, int]]:
    return [(i, i + len(word)) for i in range(len(text)) if text.startswith(word, i)]


@given(st.lists(st.sampled_from(["Ada Lovelace", "Paris", "visited", "🙂", "naïvely", "."]), max_size=400))
def test_every_span_is_in_a_piece_and_no_piece_is_cut_again(words: list[str]) -> None:
    text = " ".join(words)
    spans = places(text, "Ada Lovelace")
    found = pieces(text, *spans)
    assert all(len(item.ids) <= MOST for item in tokenise(TOKENIZER, found, MOST, 0))
    assert all(piece.text in text for piece in found)
    if len(found) < MOST_PIECES:
        assert said(found) == ["Ada Lovelace"] * len(spans)
        wanted = sum(int((item.targets == B).sum()) for item in tokenise(TOKENIZER, found, MOST, 0))
        assert wanted == len(spans)


def test_a_short_text_and_a_label_stay_as_they_are() -> None:
    given_ = [Example("a person", "Ada left", ((0, 3),)), Example("Is it long?", "Paris " * 500, True)]
    assert in_pieces(TOKENIZER, given_, MOST, 0) == given_


def test_of_a_book_there_are_some_pieces_those_with_answers_first() -> None:
    text = "Paris " * 3000 + "Ada " + "Paris " * 3000
    found = pieces(text, (18_000, 18_003))
    assert said(found) == ["Ada"]
    assert len(found) == 2
    everywhere = "Ada Paris " * 3000
    assert len(pieces(everywhere, *places(everywhere, "Ada"))) == MOST_PIECES


def test_where_there_is_nothing_one_piece_says_so() -> None:
    (piece,) = pieces("Paris " * 500)
    assert piece.answer == ()


def test_a_span_longer_than_a_window_is_cut_all_the_same() -> None:
    text = "Paris " * 500 + "Paris"
    found = pieces(text, (0, len(text)))
    assert 1 < len(found) <= MOST_PIECES
    assert all(piece.answer == ((0, len(piece.text)),) for piece in found)


@pytest.mark.parametrize("words", [3, 50, 56, 57, 90, 150, 300])
def test_the_windows_of_a_label_are_those_of_the_runtime(tmp_path: Path, words: int) -> None:
    TOKENIZER.save(str(tmp_path / "tokenizer.json"))
    rng = random.Random(words)
    text = " ".join(rng.choice(["Ada", "Paris", "visited", "naïvely"]) for _ in range(words))
    (prompted,) = Prompter(tmp_path / "tokenizer.json", MOST, 16).prompted(
        Prompt("pair", "{instruction}", "{text}"), [(text, "is the person liked")], [0], words=False
    )
    (items,) = items_of(TOKENIZER, [Example("is the person liked", text, True)], MOST, 16, 0)
    wanted = [window.ids for window in prompted.windows]
    found = [item.ids.tolist() for item in items]
    assert all(item.targets[0] == B for item in items)
    if len(wanted) > MOST_WINDOWS:
        assert len(found) == MOST_WINDOWS
        assert all(window in wanted for window in found)
    else:
        assert found == wanted
