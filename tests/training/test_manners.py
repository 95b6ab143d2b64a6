"""What writers do with words, told by cues."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from falconql.training.manners import CUES, does, manner_examples


@pytest.mark.parametrize(
    ("manner", "text", "answer"),
    [
        ("question", "Are you there?", True),
        ("question", "are you there", None),
        ("question", "I was there.", False),
        ("question", "See example.org/?q=1", None),
        ("thanks", "Thx a lot!", True),
        ("thanks", "He was grateful.", None),
        ("thanks", "It broke.", False),
        ("apology", "I'm so sorry about that.", True),
        ("apology", "A sorry sight.", None),
        ("greeting", "Hello Ada, how are you?", True),
        ("greeting", "She said hello.", None),
        ("greeting", "They left.", False),
        ("request", "Could you call me back", True),
        ("request", "It broke on Monday.", False),
        ("first_person", "It took me an hour", True),
        ("first_person", "We left.", None),
        ("first_person", "The mine was closed.", None),
        ("first_person", "Paris is a city.", False),
        ("advice", "I would recommend the blue one.", True),
        ("warning", "Don't buy this!", True),
        ("warning", "Nice and quiet.", False),
        ("reason", "It fell because it was wet.", True),
        ("reason", "It fell.", False),
        ("comparison", "Better than the old one.", True),
        ("doubt", "Maybe it works.", True),
        ("wish", "I hope you are well", True),
        ("congratulation", "Happy birthday!", True),
        ("future", "See you tomorrow", True),
        ("future", "It was cold.", False),
        ("laughter", "hahaha yes", True),
        ("laughter", "He has a hat.", False),
        ("swearing", "What the fuck", True),
        ("swearing", "The assistant was associated with it.", False),
        ("urgency", "Reply ASAP", True),
        ("number", "It has 3 legs.", True),
        ("number", "It has three legs.", None),
        ("money", "I paid $20", True),
        ("moment", "We meet on Friday.", True),
        ("family", "My wife loves it.", True),
        ("family", "It is blue.", False),
    ],
)
def test_a_cue_says_yes_nothing_like_it_no_and_all_else_is_not_asked(
    manner: str, text: str, answer: bool | None
) -> None:
    assert does(text, manner) is answer


def texts() -> list[str]:
    rng = random.Random(0)
    parts = ("Thanks a lot.", "It is blue.", "Can you help me?", "My wife paid $5.", "Sorry for that.", "They left.")
    return [" ".join(rng.sample(parts, 2)) + f" {'abcdefgh'[rng.randrange(8)]}" for _ in range(600)]


def test_manners_are_answered_yes_as_often_as_no() -> None:
    answers = Counter(e.answer for e in manner_examples(texts(), random.Random(1)))
    assert answers[True] > 200
    assert abs(answers[True] - answers[False]) <= len(CUES)


def test_some_questions_lose_their_mark() -> None:
    pairs = [(f"Is it the blue one, Ada {'x' * (1 + n % 50)}?", "They left.") for n in range(200)]
    made = [e for e in manner_examples([text for pair in pairs for text in pair], random.Random(2)) if e.answer is True]
    marked = [e.text.endswith("?") for e in made]
    assert len(made) > 100
    assert 0.2 < marked.count(False) / len(marked) < 0.6
    assert {e.text.rstrip("?") for e in made} <= {question.rstrip("?") for question, _ in pairs}
