"""A large language model behind the proxy contract: what `using llm "model"` runs on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from falconql.annotating.annotator import Annotator, Settings
from falconql.annotating.prompt import VERSION, tokens_read
from falconql.annotating.task import Question, Task
from falconql.annotating.usage import Usage
from falconql.llm.endpoint import Endpoint
from falconql.runtime.proxy.base import SpanValue

PREFIX = "llm"


class LlmProxy:
    """A language model as a proxy.

    A label's score is 1 or 0, since the model says yes or no, and a span's is 1: `threshold:` has nothing to choose
    from, and `order by score(...)` leaves ties. Each question is a request of its own, so that its answer depends on
    text and instruction alone; ``choose`` puts all options into one. An answer that cannot be had after retries is an
    error: a row left out would be a wrong result. Answers are on disk when they have come, so that running again after
    an error or Ctrl-C asks only for the rest.

    Args:
        endpoint: where the model is.
        folder: where answers are kept; by default a folder of the user's.
        settings: how to ask.

    Raises:
        ConfigError: no model is set up, or the client is not installed.
    """

    label_threshold = 0.5
    keeps_answers = True

    def __init__(
        self, endpoint: Endpoint | None = None, *, folder: Path | None = None, settings: Settings | None = None
    ) -> None:
        self.annotator = Annotator(
            endpoint, folder=folder, settings=settings or Settings.from_environment(together=1, asks_failed_again=True)
        )

    @property
    def name(self) -> str:
        """``llm:`` and the model's name."""
        return f"{PREFIX}:{self.annotator.name}"

    @property
    def fingerprint(self) -> str:
        """A hash of server, model's name and prompt's version; what is behind a name a server may change unseen."""
        host = urlsplit(self.annotator.endpoint.url).netloc.rpartition("@")[2]
        parts = "\0".join((PREFIX, host, self.annotator.name, VERSION))
        return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def tokens_run(self) -> int:
        """Tokens read and written since the proxy was opened; answers from disk take none."""
        return self.annotator.usage.tokens

    @property
    def spent(self) -> Usage:
        """What was asked since the proxy was opened."""
        return self.annotator.usage

    def label_threshold_of(self, instruction: str) -> float:
        """Return 0.5, whatever the instruction."""
        return self.label_threshold

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        """Return 1 where a text satisfies its instruction, else 0: float32, shape (n,).

        Raises:
            ModelServerError: an answer cannot be had.
            DataError: an answer cannot be kept.
        """
        asked = [Question(Task("label", i), text) for text, i in zip(texts, instructions, strict=True)]
        return np.array([bool(answer) for answer in self.annotator.ask(asked, strict=True)], dtype=np.float32)

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        """Return for each text the stretches the instruction asks for, in text order, disjoint, each with score 1.

        Raises:
            ModelServerError: an answer cannot be had.
            DataError: an answer cannot be kept.
        """
        asked = [Question(Task("spans", i), text) for text, i in zip(texts, instructions, strict=True)]
        answers = self.annotator.ask(asked, strict=True)
        return [
            [SpanValue(start, end, 1.0) for start, end in answer] if isinstance(answer, tuple) else []
            for answer in answers
        ]

    def choose(self, texts: Sequence[str], instructions: Sequence[str], options: Sequence[str]) -> list[str]:
        """Return for each text the option that fits best.

        Raises:
            ModelServerError: an answer cannot be had.
            DataError: an answer cannot be kept.
        """
        asked = [Question(Task("choose", i, tuple(options)), text) for text, i in zip(texts, instructions, strict=True)]
        return [str(answer) for answer in self.annotator.ask(asked, strict=True)]

    def count_tokens(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.int64]:
        """Return an estimate of the tokens that each request reads."""
        counts = [tokens_read(text, [Task("label", i)]) for text, i in zip(texts, instructions, strict=True)]
        return np.array(counts, dtype=np.int64)


def open_llm(model: str, *, url: str | None = None) -> LlmProxy:
    """Return the proxy for a model, the one of the settings for an empty name.

    Raises:
        ConfigError: no model is set up, a setting is wrong, or the client is not installed.
    """
    return LlmProxy(Endpoint.from_environment(url=url, model=model or None))
