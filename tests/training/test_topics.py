"""What texts are about and what they are not, as an encoder sees it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from falconql.training import topics
from falconql.training.examples import Example

# Directions: trade, money, sport, weather. The name of a wide topic lies between those of its narrow ones.
PLACES = {
    "business": (0.7, 0.7, 0.1, 0.0),
    "prices": (0.2, 1.0, 0.0, 0.0),
    "harbours": (1.0, 0.1, 0.0, 0.1),
    "football": (0.0, 0.1, 1.0, 0.0),
    "snow": (0.0, 0.0, 0.1, 1.0),
}
TEXTS = {
    "Costs went up.": (0.3, 1.0, 0.0, 0.0),
    "The ship left.": (1.0, 0.0, 0.0, 0.1),
    "They scored twice.": (0.0, 0.0, 1.0, 0.2),
    "It was cold.": (0.0, 0.0, 0.1, 1.0),
    "Nothing of interest.": (0.1, 0.1, 0.1, 0.1),
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Example]:
    def embed(texts: Sequence[str], base: Path) -> NDArray[np.float32]:
        known = {**TEXTS, **PLACES, **{f"This text is about {name}.": place for name, place in PLACES.items()}}
        found = np.array([known[text] for text in texts], dtype=np.float32)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))

    monkeypatch.setattr(topics, "embed", embed)
    monkeypatch.setattr(topics, "topic_names", lambda: list(PLACES))
    monkeypatch.setattr(topics, "wide_topics", lambda: {"business": ["prices", "harbours"]})
    rng = random.Random(1)
    return [example for _ in range(60) for example in topics.topic_examples(list(TEXTS), Path(), rng)]


def asked(examples: Sequence[Example], text: str, answer: bool) -> set[str]:
    """Return the topics that a text was said to be about, or not."""
    found = [e.instruction.lower() for e in examples if e.text == text and e.answer is answer]
    return {name for name in PLACES for instruction in found if name in instruction}


def test_a_text_is_about_what_it_is_near(made: list[Example]) -> None:
    assert "prices" in asked(made, "Costs went up.", True)
    assert asked(made, "It was cold.", True) == {"snow"}


def test_what_is_denied_is_far_from_the_text(made: list[Example]) -> None:
    assert asked(made, "Costs went up.", False) == {"football", "snow"}
    assert "prices" in asked(made, "They scored twice.", False)


def test_a_text_is_about_a_wide_topic_by_a_narrower_one(made: list[Example]) -> None:
    assert asked(made, "The ship left.", True) == {"harbours", "business"}
    assert "business" not in asked(made, "They scored twice.", True)


def test_a_wide_topic_is_not_denied_where_a_narrow_one_of_it_holds(made: list[Example]) -> None:
    assert "business" not in asked(made, "The ship left.", False) | asked(made, "Costs went up.", False)
    assert "business" in asked(made, "It was cold.", False)


def test_what_a_text_names_is_not_denied() -> None:
    assert topics._named("house prices", "The price of a flat")
    assert not topics._named("snow", "A sound of thunder")


def test_the_names_of_topics_differ() -> None:
    names = topics.topic_names()
    assert len(names) == len({name.lower() for name in names}) > 600
    assert all(name == name.strip() for name in names)
    assert all(set(narrower) <= set(names) for narrower in topics.wide_topics().values())
