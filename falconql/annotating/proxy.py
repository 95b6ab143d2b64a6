"""A large language model behind the proxy contract: ``using llm "model"`` and ``--proxy llm:model``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from falconql.annotating.annotator import Annotator
from falconql.annotating.answers import Answer
from falconql.annotating.prompt import WORDING, Task
from falconql.errors import ModelServerError
from falconql.runtime.proxy.base import SpanValue

CHARACTERS_PER_TOKEN = 4
REQUEST_TOKENS = 140


class LlmProxy:
    """Answers by asking the model about every text. Scores are 0 or 1: a chat model gives no probability.

    Args:
        annotator: what asks; its store keeps answers between runs.
        url: of the server, for the fingerprint.
    """

    label_threshold = 0.5

    def __init__(self, annotator: Annotator, url: str) -> None:
        self.annotator = annotator
        self._host = urlsplit(url).netloc.rpartition("@")[2]

    @property
    def name(self) -> str:
        """The name it is known under."""
        return f"llm:{self.annotator.name}"

    @property
    def fingerprint(self) -> str:
        """A hash of the model's name, its host and the wording of requests."""
        told = f"llm {WORDING} {self._host} {self.annotator.name}"
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    @property
    def tokens_run(self) -> int:
        """Tokens that the server counted, both ways."""
        return self.annotator.usage.tokens

    def label_threshold_of(self, instruction: str) -> float:
        """Return the threshold of any instruction."""
        return self.label_threshold

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        """Return 1 for yes and 0 for no, float32, shape (n,).

        Raises:
            ModelServerError: the model cannot be asked, or gives no usable answer to a question.
        """
        return np.array([float(bool(said)) for said in self._answers("label", texts, instructions)], dtype=np.float32)

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        """Return the pieces the model copied, each with a score of 1, whatever the threshold.

        Raises:
            ModelServerError: the model cannot be asked, or gives no usable answer to a question.
        """
        found = self._answers("spans", texts, instructions)
        return [[] if isinstance(said, bool) else [SpanValue(start, end, 1.0) for start, end in said] for said in found]

    def count_tokens(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.int64]:
        """Return about how many tokens each question takes."""
        return np.array(
            [
                REQUEST_TOKENS + (len(text) + len(asked)) // CHARACTERS_PER_TOKEN
                for text, asked in zip(texts, instructions, strict=True)
            ],
            dtype=np.int64,
        )

    def _answers(self, kind: str, texts: Sequence[str], instructions: Sequence[str]) -> list[Answer]:
        tasks = [Task(kind, text, asked) for text, asked in zip(texts, instructions, strict=True)]
        answers = self.annotator.annotate(tasks)
        missing = [task for task, answer in zip(tasks, answers, strict=True) if answer is None]
        if missing:
            text = missing[0].text
            shown = text if len(text) <= 60 else f"{text[:57]}..."
            raise ModelServerError(
                f"{self.name} gave no usable answer to {missing[0].instruction!r} about {shown!r}"
                + (f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""),
                hint="run it again: answers that arrived are kept; or use a larger model",
            )
        return [answer for answer in answers if answer is not None]
