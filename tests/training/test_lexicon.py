"""What a dictionary supervises."""

from __future__ import annotations

import random
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.training.lexicon import Lexicon, lexicon_examples
from falconql.training.typed import kind_of, typed_examples
from falconql.training.wordnet import FOLDER, WordNet
from tests.training.made_wordnet import write_wordnet


@pytest.fixture(scope="module")
def wordnet(tmp_path_factory: pytest.TempPathFactory) -> WordNet:
    return WordNet(write_wordnet(tmp_path_factory.mktemp("wordnet")))


@pytest.fixture(scope="module")
def lexicon(wordnet: WordNet, tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "nouns.txt").write_text("bird: bird#1\nmachine: machine#1\nanimal: animal#1\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resources, "files", lambda _: folder)
        return Lexicon(wordnet)


def said(text: str, spans: dict[str, list[tuple[int, int]]], kind: str) -> list[str]:
    return [text[start:end] for start, end in spans.get(kind, [])]


def test_words_are_of_a_kind_by_how_they_are_mostly_used(wordnet: WordNet) -> None:
    machines = wordnet.words(wordnet.below([wordnet.synset("machine#1")]))
    birds = wordnet.words(wordnet.below([wordnet.synset("bird#1")]))
    assert machines["crane"] > 0.8 > 0.3 > birds["crane"] > 0.12
    assert birds["pigeon"] == 1.0
    assert wordnet.is_noun("cities")
    assert not wordnet.is_noun("fish")
    assert wordnet.singular("Geese") == "goose"


def test_a_sense_that_does_not_exist_is_an_error(wordnet: WordNet) -> None:
    for name in ("bird#2", "unicorn#1", "bird", "bird#0"):
        with pytest.raises(KeyError):
            wordnet.synset(name)


def test_without_wordnet_the_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not hold WordNet; Debian has it as the package wordnet-base"):
        WordNet(tmp_path)


def test_the_words_of_a_kind_are_found_as_they_stand_in_the_text(lexicon: Lexicon) -> None:
    text = "Two pigeons and a house sparrow sat on the crane."
    found = lexicon.find(text)
    assert said(text, found.spans, "bird") == ["pigeons", "house sparrow"]
    assert said(text, found.spans, "machine") == ["crane"]
    # A crane may be a bird after all.
    assert found.doubtful == {"bird", "animal"}


def test_a_name_is_not_taken_for_the_word_it_is_made_of(lexicon: Lexicon) -> None:
    found = lexicon.find("She flew with Pigeon Air.")
    assert not found.spans
    assert "bird" in found.doubtful


def test_examples_ask_for_what_is_there_and_for_what_is_not(lexicon: Lexicon) -> None:
    texts = ["A pigeon flew by.", "The crane stood still.", "Nothing at all."] * 60
    made = list(lexicon_examples(texts, lexicon, random.Random(1)))
    assert {example.text for example in made} == {"A pigeon flew by.", "The crane stood still."}
    for example in made:
        if example.answer is True or (example.answer and not isinstance(example.answer, bool)):
            assert any(kind in example.instruction.lower() for kind in ("bird", "animal", "machine"))
        if isinstance(example.answer, tuple) and example.answer:
            assert [example.text[start:end] for start, end in example.answer] in (["pigeon"], ["crane"])
    # Whether the crane is a bird is not known, so that nobody is asked.
    assert not [e for e in made if "crane" in e.text and any(k in e.instruction.lower() for k in ("bird", "animal"))]
    assert {type(example.answer) for example in made} == {bool, tuple}


@given(st.text(max_size=120))
def test_any_text_is_looked_up(text: str) -> None:
    found = Lexicon.find(_shared(), text)
    assert all(text[start:end].strip() for spans in found.spans.values() for start, end in spans)


_made: list[Lexicon] = []


def _shared() -> Lexicon:
    if not _made:
        empty = object.__new__(Lexicon)
        empty.wordnet = object.__new__(WordNet)
        empty.wordnet._plurals, empty.wordnet._nouns = {}, {"pigeon": [(1, 1.0)]}
        empty._of = {"pigeon": [("bird", True)]}
        _made.append(empty)
    return _made[0]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What city hosted the games?", "city"),
        ("In which cities did he live?", "city"),
        ("Which machine was first?", "machine"),
        ("What is the city called?", None),
        ("What kind of bird is it?", None),
        ("Who built the machine?", None),
        ("Which fish are caught?", None),
    ],
)
def test_a_question_may_say_of_what_kind_its_answer_is(wordnet: WordNet, question: str, kind: str | None) -> None:
    assert kind_of(question, wordnet) == kind


def test_a_typed_question_asks_for_the_kind_in_the_sentence_of_its_answer(wordnet: WordNet) -> None:
    context = "The games were old. Oslo and Bergen hosted them in turn. Rome did not."
    rows: list[dict[str, Any]] = [
        {"question": "What city hosted first?", "context": context, "answers": [{"start": 20, "text": "Oslo"}]},
        {"question": "Which city hosted next?", "context": context, "answers": [{"start": 29, "text": "Bergen"}]},
        {
            "question": "Which machine was used?",
            "context": "A crane lifted it.",
            "answers": [{"start": 2, "text": "crane"}],
        },
        {"question": "Which machine was not used?", "context": "None was.", "answers": []},
    ]
    made = [e for seed in range(30) for e in typed_examples(rows, wordnet, random.Random(seed))]
    cities = [e for e in made if e.text.startswith("Oslo") and e.answer]
    assert cities
    assert {e.text for e in cities} == {"Oslo and Bergen hosted them in turn."}
    assert {e.answer for e in cities} == {((0, 4), (9, 15))}
    assert [e for e in made if not e.answer and "machine" in e.instruction.lower()]


@pytest.mark.skipif(not FOLDER.is_dir(), reason="WordNet is not installed")
def test_every_kind_is_in_the_real_wordnet() -> None:
    lexicon = Lexicon()
    assert len(lexicon.kinds) > 100
    text = "A man with a guitar and a violin ate an apple."
    found = lexicon.find(text)
    assert said(text, found.spans, "musical instrument") == ["guitar", "violin"]
    assert said(text, found.spans, "fruit") == ["apple"]
