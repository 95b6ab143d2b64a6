"""A proxy without a query: labels and spans for a list of texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from falconql.runtime.plan import ProxyRef
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
        """Return for each text how well it satisfies the instruction: float32, shape (n,), from 0 to 1.

        Raises:
            TypeError: ``texts`` is one text, a table, holds something else, or the instruction is no text.
        """
        asked = _listed(texts, instruction)
        return self.opened.label(asked, [instruction] * len(asked))

    def spans(self, texts: Sequence[str], instruction: str) -> list[list[Span]]:
        """Return for each text the stretches that the instruction asks for, in text order.

        Raises:
            TypeError: ``texts`` is one text, a table, holds something else, or the instruction is no text.
        """
        asked = _listed(texts, instruction)
        found = self.opened.spans(asked, [instruction] * len(asked))
        return [
            [Span(text[span.start : span.end], span.start, span.end, span.score) for span in spans]
            for text, spans in zip(asked, found, strict=True)
        ]

    def __repr__(self) -> str:
        return f"<falconql.Proxy {self.name}>"


def _listed(texts: Iterable[object], instruction: object) -> list[str]:
    """Return the texts as a list.

    Raises:
        TypeError: it is one text, a table, holds something else, or the instruction is no text.
    """
    if isinstance(texts, (str, bytes)):
        raise TypeError("this is one text: pass a list of texts: [text]")
    if isinstance(texts, Mapping) or hasattr(texts, "columns"):  # some yield the names of their columns
        raise TypeError(f"a {type(texts).__name__} has columns: pass one of them, with the texts")
    if hasattr(texts, "to_pylist"):  # Arrow's arrays yield scalars
        texts = texts.to_pylist()
    if not isinstance(instruction, str):
        raise TypeError(f"the instruction is a {type(instruction).__name__}: pass one text, which is put to all texts")
    found: list[str] = []
    for text in texts:
        if not isinstance(text, str):
            kind = type(text).__name__
            raise TypeError(f"texts[{len(found)}] is a {kind}, not a text: leave it out, or pass str(text)")
        found.append(text)
    return found


def proxy(name: str = "kestrel") -> Proxy:
    """Return a proxy by registered name or folder, or a language model.

    ``llm:model`` names one, ``llm`` stands for that of the settings; the endpoint is what the environment says.

    Raises:
        ConfigError: no language model is set up.
        ProxyError: there is none of that name, it breaks the contract, or ONNX Runtime is missing.

    Example:
        >>> import falconql
        >>> scores = falconql.proxy().label(["I love it.", "It broke at once."], "Is the customer satisfied?")
        >>> scores.shape, bool(scores[0] > scores[1])
        ((2,), True)
    """
    return Proxy(opened_proxy(name))


def opened_proxy(name: str, *, url: str | None = None) -> OpenedProxy:
    """Return what ``proxy`` does, as the runtime wants it; ``url`` is the endpoint of a language model.

    Raises:
        ProxyError: there is none of that name, it breaks the contract, or ONNX Runtime is missing.
        ConfigError: no language model is set up.
    """
    model = llm_model(name)
    if model is not None:
        from falconql.annotating.proxy import open_llm

        return open_llm(model, url=url)
    from falconql.runtime.proxy import open_proxy

    return open_proxy(name)


def llm_model(name: str) -> str | None:
    """Return the model that a proxy's name asks for, None for a proxy that is no language model.

    Of ``llm:model`` it is the model; ``llm`` alone gives the empty name, which stands for the model of the settings.

    >>> llm_model("llm:gpt-4o"), llm_model("llm"), llm_model("kestrel")
    ('gpt-4o', '', None)
    """
    if name == "llm":
        return ""
    return name.removeprefix("llm:").strip() if name.startswith("llm:") else None


def proxy_ref(name: str) -> ProxyRef:
    """Return what a plan says of a proxy."""
    from falconql.runtime.plan import ProxyRef

    model = llm_model(name)
    return ProxyRef(name) if model is None else ProxyRef(model, llm=True)
