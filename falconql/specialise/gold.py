"""Annotated questions: parted into what is learned from, what calibrates, and what is measured on."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from falconql.specialise.task import Answer, Task
from falconql.training.examples import Example

# The stratum of what nobody drew, each of which stands for itself. Among those that were drawn it would hide how few
# these are for all that they stand for.
NOT_DRAWN = -1
# Of every group of twenty texts of a kind.
LEARNED, CALIBRATED, MEASURED = 13, 3, 4


@dataclass(frozen=True, slots=True)
class Gold:
    """An annotated question.

    Attributes:
        call: the number of the model call that asks it.
        task: what was asked.
        answer: what is right.
        weight: rows of the corpus that it stands for.
        stratum: of its call, from which it was drawn.
    """

    call: int
    task: Task
    answer: Answer
    weight: float
    stratum: int

    @property
    def example(self) -> Example:
        """Return it as training takes it."""
        return Example(self.task.instruction, self.task.text, self.answer)


@dataclass(frozen=True, slots=True)
class Parts:
    """Three parts without a text in common."""

    learned: tuple[Gold, ...]
    calibrated: tuple[Gold, ...]
    measured: tuple[Gold, ...]


def parted(rows: Sequence[Gold], seed: int, known: Collection[str] = frozenset()) -> Parts:
    """Part the rows by their texts, so that each part has its share of every call's answers.

    Args:
        rows: the annotated questions.
        seed: of the deal.
        known: texts that an earlier training learned: they are learned, and fewer of the others are.
    """
    by_text: dict[str, list[Gold]] = defaultdict(list)
    for row in rows:
        by_text[row.task.text].append(row)
    kinds: dict[tuple[tuple[int, bool], ...], list[str]] = defaultdict(list)
    for text, own in by_text.items():
        kinds[tuple(sorted({(row.call, bool(row.answer)) for row in own}))].append(text)
    rng = random.Random(seed)
    parts: tuple[list[Gold], list[Gold], list[Gold]] = ([], [], [])
    # One deal for all kinds, the rarest first, so that each is spread over the parts as evenly as it can be.
    dealt = 0
    again = [text for text in by_text if text in known]
    parts[0].extend(row for text in again for row in by_text[text])
    pattern = _pattern(len(by_text), len(again))
    for kind in sorted(kinds, key=lambda kind: (len(kinds[kind]), kind)):
        texts = sorted(text for text in kinds[kind] if text not in known)
        rng.shuffle(texts)
        for text in texts:
            parts[pattern[dealt % len(pattern)]].extend(by_text[text])
            dealt += 1
    return Parts(*(tuple(part) for part in parts))


def _pattern(texts: int, learned: int) -> list[int]:
    """Return the part of each text in turn, those of every part spread evenly; some of all are learned already."""
    counts = (LEARNED, CALIBRATED, MEASURED)
    if learned:
        whole = sum(counts)
        counts = (max(0, texts * LEARNED // whole - learned), texts * CALIBRATED // whole, texts * MEASURED // whole)
        counts = counts if any(counts) else (0, CALIBRATED, MEASURED)
    places = [((number + 0.5) / count, part) for part, count in enumerate(counts) for number in range(count)]
    return [part for _, part in sorted(places)]


def weights_of(rows: Sequence[Gold]) -> NDArray[np.float64]:
    """Return how many rows of the corpus each stands for."""
    return np.array([row.weight for row in rows], dtype=np.float64)


def strata_of(rows: Sequence[Gold]) -> NDArray[np.int64]:
    """Return the stratum of each row of one call."""
    return np.array([row.stratum for row in rows], dtype=np.int64)
