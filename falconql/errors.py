"""How FalconQL fails, the compiler's part.

::

    FalconQLError
    ├── PlanError, ProxyError, DataError, ExecutionError, ClusterError     see falconql.runtime.errors
    ├── QueryError       the query has errors; carries its diagnostics
    ├── ModelServerError a language model cannot be asked, or gives no usable answer
    ├── AskError         an instruction in plain words leads to no query
    └── ConfigError      something outside the query and the data is missing or wrong
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from falconql.diagnostics.model import Diagnostic
from falconql.runtime.errors import ClusterError, DataError, ExecutionError, FalconQLError, PlanError, ProxyError
from falconql.source import Source

__all__ = [
    "AskError",
    "ClusterError",
    "ConfigError",
    "DataError",
    "ExecutionError",
    "FalconQLError",
    "ModelServerError",
    "PlanError",
    "ProxyError",
    "QueryError",
    "printable",
]

# Control characters drive a terminal, marks of direction reorder what it shows, surrogates cannot be written.
_ODD = (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000))
_DRIVING = {code: "\ufffd" for code in _ODD}
_DRIVING |= {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"} | {ord("\t"): " "}


def printable(text: str) -> str:
    """Return a text that others wrote without what would drive a terminal; its lines stay lines."""
    return text.replace("\r\n", "\n").translate(_DRIVING)


class QueryError(FalconQLError):
    """A query cannot be used; ``str()`` is the diagnostics as people read them."""

    def __init__(self, diagnostics: Sequence[Diagnostic], source: Source) -> None:
        from falconql.diagnostics.render import render

        super().__init__(render(diagnostics, source))
        self.diagnostics = tuple(diagnostics)
        self.source = source


class ConfigError(FalconQLError):
    """An extra is not installed, or a setting is wrong."""


class ModelServerError(FalconQLError):
    """A language model cannot be reached, refuses, or gives no usable answer."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(printable(message), hint=None if hint is None else printable(hint))


class AskError(FalconQLError):
    """An instruction in plain words leads to no query: the corpus cannot answer it, or no try was right.

    Attributes:
        tries: every reply of the model in order (``asking.loop.Try``).
        left: the ways of constraining that the server refused, and why.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        tries: Sequence[Any] = (),
        left: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(printable(message), hint=None if hint is None else printable(hint))
        self.tries = tuple(tries)
        self.left = tuple(left)
