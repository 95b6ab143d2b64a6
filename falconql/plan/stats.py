"""What the planner knows of a corpus: row count, lengths, and a small sample to try predicates on.

Made once per query from a few hundred rows; without a sample every number has a default. Reads no
file and opens no model: the caller hands over the rows and a way to count tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from falconql.plan.evaluation import true_rows
from falconql.runtime.expression import Expr

CHARACTERS_PER_TOKEN = 4.2
DEFAULT_CHARACTERS = 400.0
DEFAULT_SECONDS_PER_TOKEN = 8e-5
# A request of 400 tokens that takes a second, eight of them in flight. Only the order of magnitude matters.
LLM_SECONDS_PER_TOKEN = 3e-4

Vector = NDArray[np.float64]
TokenCounter = Callable[[Sequence[str]], Sequence[int] | NDArray[np.int64]]


def estimated_tokens(texts: Sequence[str]) -> list[int]:
    """Return a guess at the tokens of each text, for when there is no tokenizer at hand."""
    return [round(len(text) / CHARACTERS_PER_TOKEN) for text in texts]


def one_each(texts: Sequence[str]) -> list[int]:
    """Return that each text is read at once."""
    return [1] * len(texts)


@dataclass(frozen=True, slots=True)
class Stats:
    """What is known of the corpus and of this machine; what is asked twice is computed once.

    Attributes:
        rows: rows in the corpus, None if unknown.
        sample: some of its rows (any columns), None if there are none to look at.
        count_tokens: tokens of texts without special tokens.
        seconds_per_token: of the proxy on this machine.
        special_tokens: added by the proxy to each pair of text and instruction.
        chooses: whether the proxy decides a ``choose`` at once and not by one call for each option.
        count_requests: in how many parts the proxy reads each text, the instruction with every one.
    """

    rows: int | None = None
    sample: pa.RecordBatch | None = None
    count_tokens: TokenCounter = estimated_tokens
    seconds_per_token: float = DEFAULT_SECONDS_PER_TOKEN
    special_tokens: int = 3
    chooses: bool = False
    count_requests: TokenCounter = one_each
    _tokens: dict[str, Vector] = field(default_factory=dict, init=False, repr=False, compare=False)
    _requests: dict[str, Vector] = field(default_factory=dict, init=False, repr=False, compare=False)
    _truth: dict[Expr, Vector | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def sampled_rows(self) -> int:
        """The number of rows to look at, 0 without a sample."""
        return 0 if self.sample is None else int(self.sample.num_rows)

    def characters(self, column: str) -> float:
        """Return the mean length of a text column in characters."""
        texts = self._texts(column)
        return DEFAULT_CHARACTERS if texts is None else float(np.mean([len(text) for text in texts]))

    def text_tokens(self, column: str) -> Vector:
        """Return the tokens of a text column: one number per sampled row, or a single default."""
        if column not in self._tokens:
            texts = self._texts(column)
            self._tokens[column] = (
                np.array([DEFAULT_CHARACTERS / CHARACTERS_PER_TOKEN])
                if texts is None
                else np.asarray(self.count_tokens(texts), dtype=np.float64)
            )
        return self._tokens[column]

    def text_requests(self, column: str) -> Vector:
        """Return the parts of a text column: one number per sampled row, or a single default."""
        if column not in self._requests:
            texts = self._texts(column)
            self._requests[column] = (
                np.ones(1) if texts is None else np.asarray(self.count_requests(texts), dtype=np.float64)
            )
        return self._requests[column]

    def truth(self, condition: Expr, needed: frozenset[str]) -> Vector | None:
        """Return 1 for each sampled row where a condition is true, else 0.

        The condition uses no model call, no variable, and no column but those ``needed``. None
        without a sample, or when it cannot be evaluated there.
        """
        if not self.sampled_rows:
            return None
        if condition not in self._truth:
            found = true_rows(condition, self.sample, needed)
            self._truth[condition] = None if found is None else found.astype(np.float64)
        return self._truth[condition]

    def _texts(self, column: str) -> list[str] | None:
        if self.sample is None or not self.sampled_rows:
            return None
        place = self.sample.schema.get_field_index(column)  # -1 for a name that is not there once
        if place < 0:
            return None
        values = self.sample.column(place).to_pylist()
        return [value if isinstance(value, str) else "" for value in values]
