"""A proxy without a query: labels and spans for a list of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from falconql.runtime.proxy.base import Proxy as OpenedProxy


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text: ``text`` is what stands from ``start`` to ``end`` (in characters)."""

    text: str
    start: int
    end: int
    score: float


class Proxy:
    """A small model that answers instructions about texts; made by ``falconql.proxy``."""

    def __init__(self, opened: OpenedProxy) -> None:
        self.opened = opened

    @property
    def name(self) -> str:
        """The name it is known under."""
        return self.opened.name

    def label(self, texts: Sequence[str], instruction: str) -> NDArray[np.float32]:
        """Return for each text how well it satisfies the instruction: float32, shape (n,), from 0 to 1."""
        return self.opened.label(list(texts), [instruction] * len(texts))

    def spans(self, texts: Sequence[str], instruction: str) -> list[list[Span]]:
        """Return for each text the stretches that the instruction asks for, in text order."""
        found = self.opened.spans(list(texts), [instruction] * len(texts))
        return [
            [Span(text[span.start : span.end], span.start, span.end, span.score) for span in spans]
            for text, spans in zip(texts, found, strict=True)
        ]

    def __repr__(self) -> str:
        return f"<falconql.Proxy {self.name}>"


def proxy(name: str = "kestrel") -> Proxy:
    """Return a proxy by registered name or folder; ``llm:MODEL`` asks a large language model.

    Raises:
        ConfigError: no language model is set up.
        ProxyError: there is none of that name, it breaks the contract, or ONNX Runtime is missing.

    Example:
        >>> import falconql
        >>> scores = falconql.proxy().label(["I love it.", "It broke at once."], "Is the customer satisfied?")
        >>> scores.shape, bool(scores[0] > scores[1])
        ((2,), True)
    """
    if name == "llm" or name.startswith("llm:"):
        from falconql.annotating.setup import llm_proxy

        return Proxy(llm_proxy(name.partition(":")[2]))
    from falconql.runtime.proxy import open_proxy

    return Proxy(open_proxy(name))
