"""How well a model in training answers what is held out, whatever its thresholds will be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from falconql.training.dataset import IGNORE, B, O
from falconql.training.scoring import Counts, ranking


@dataclass(slots=True)
class HeldOut:
    """Answers to examples, taken batch by batch."""

    margins: dict[str, list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))
    span_examples: int = 0
    tokens: Counts = field(default_factory=Counts)

    def take(self, instructions: Sequence[str], logits: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Take a batch: logits [examples, tokens, 3], targets [examples, tokens]."""
        for asked, given, target in zip(instructions, logits, targets, strict=True):
            if target[0] != IGNORE:
                self.margins[asked].append((float(given[0, B] - given[0, O]), bool(target[0] == B)))
                continue
            counts = target != IGNORE
            said, true = given.argmax(axis=-1)[counts] != O, target[counts] != O
            self.span_examples += 1
            self.tokens += Counts(int((said & true).sum()), int(said.sum()), int(true.sum()))

    def score(self) -> float:
        """Return 0 to 1, each kind of answer weighing as much as it has examples."""
        parts = [(len(pairs), _right(pairs)) for pairs in self.margins.values()]
        parts.append((self.span_examples, self.tokens.f1))
        return sum(count * value for count, value in parts) / max(1, sum(count for count, _ in parts))


def _right(pairs: Sequence[tuple[float, bool]]) -> float:
    """Return the area under the ROC curve; where only one answer occurs, the share of margins on its side of 0."""
    margins, truths = np.array([margin for margin, _ in pairs]), np.array([true for _, true in pairs])
    if truths.all() or not truths.any():
        return float(((margins >= 0) == truths).mean())
    return ranking(margins, truths)
