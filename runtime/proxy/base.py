"""What the runtime asks of a proxy.

Two operations do all the work; everything else is description. ``falconql.runtime.proxy.onnx`` is
the implementation that ships, ``tests/fakes.py`` has a deterministic one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

HOLE = "{}"
"""In an instruction that a query quotes values in, what stands in the place of each: the texts that fill it differ."""


def with_holes(parts: Sequence[object]) -> str:
    """Return an instruction with ``HOLE`` for each part that is no text."""
    return "".join(part if isinstance(part, str) else HOLE for part in parts)


@dataclass(frozen=True, slots=True)
class SpanValue:
    """A stretch of a text: ``text[start:end]``, with a score from 0 to 1."""

    start: int
    end: int
    score: float


class Proxy(Protocol):
    """A model that answers label and span instructions about texts.

    Both operations take one instruction per text (the same length) and keep the order. The result
    for a pair depends on that pair alone, not on its neighbours in the call.
    """

    @property
    def name(self) -> str:
        """The name it is known under, for people."""

    @property
    def fingerprint(self) -> str:
        """A hash of everything that can change a result (weights, tokenizer, manifest)."""

    @property
    def label_threshold(self) -> float:
        """The calibrated score at and above which a label is true."""

    def label_threshold_of(self, instruction: str) -> float:
        """Return the threshold of one instruction: its own if it was trained for it, else ``label_threshold``.

        An instruction that quotes values of a row is given with ``HOLE`` for each of them: all its answers are cut at
        one threshold, even where a text that fills it was trained for, too.
        """

    @property
    def tokens_run(self) -> int:
        """Model tokens sent through inference since the proxy was opened, padding not counted."""

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        """Return scores from 0 to 1, shape (n,): does the text satisfy the instruction?"""

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        """Return for each text the stretches the instruction asks for, in text order, disjoint."""

    def count_tokens(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.int64]:
        """Return the model tokens (windows and special tokens included) each pair would take."""


@runtime_checkable
class Chooses(Protocol):
    """A proxy that decides a ``choose`` at once, instead of by one label for each option."""

    def choose(self, texts: Sequence[str], instructions: Sequence[str], options: Sequence[str]) -> list[str]:
        """Return for each text the option that answers its instruction best."""


@runtime_checkable
class TakesMany(Protocol):
    """A proxy that says how many rows it is best given at once."""

    @property
    def rows_at_once(self) -> int | None:
        """Rows per batch of a plan; None: as many as any other proxy gets."""
