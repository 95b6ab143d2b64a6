"""The score of what is held out: threshold-free for labels, of tokens for spans."""

from __future__ import annotations

import numpy as np
import pytest

from falconql.training.dataset import IGNORE, B, I, O
from falconql.training.heldout import HeldOut

LABELS = np.array([[B, IGNORE], [B, IGNORE], [O, IGNORE]])


def logits(margins: list[float]) -> np.ndarray:
    found = np.zeros((len(margins), 2, 3), dtype=np.float32)
    found[:, 0, B] = margins
    return found


@pytest.mark.parametrize(
    ("margins", "score"),
    [([-3.0, -4.0, -5.0], 1.0), ([-5.0, -4.0, -3.0], 0.0), ([1.0, -1.0, 0.0], 0.5), ([2.0] * 3, 0.5)],
)
def test_labels_count_by_their_order(margins: list[float], score: float) -> None:
    held = HeldOut()
    held.take(["q"] * 3, logits(margins), LABELS)
    assert held.score() == score


def test_every_instruction_has_an_order_of_its_own() -> None:
    held = HeldOut()
    held.take(["p", "p", "q", "q"], logits([5.0, 4.0, -4.0, -5.0]), np.array([[B, IGNORE], [O, IGNORE]] * 2))
    assert held.score() == 1.0


def test_where_one_answer_occurs_its_side_of_zero_counts() -> None:
    held = HeldOut()
    held.take(["q"] * 4, logits([1.0, 2.0, -1.0, 3.0]), np.array([[B, IGNORE]] * 4))
    assert held.score() == 0.75


def test_spans_count_by_their_tokens_and_each_kind_by_its_examples() -> None:
    held = HeldOut()
    found = np.zeros((1, 4, 3), dtype=np.float32)
    for place, label in enumerate((O, B, I, O)):
        found[0, place, label] = 1.0
    held.take(["find"], found, np.array([[IGNORE, B, O, B]]))
    assert held.score() == 0.5
    held.take(["q"] * 3, logits([3.0, 2.0, 1.0]), LABELS)
    assert held.score() == pytest.approx((0.5 + 3 * 1.0) / 4)


def test_nothing_to_find_and_nothing_found_is_right() -> None:
    held = HeldOut()
    found = np.zeros((1, 2, 3), dtype=np.float32)
    found[..., O] = 1.0
    held.take(["find"], found, np.array([[IGNORE, O]]))
    assert held.score() == 1.0
