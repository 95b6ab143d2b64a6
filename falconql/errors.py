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
from falconql.visible import visible

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
]


class QueryError(FalconQLError):
    """A query cannot be used; ``str()`` is the diagnostics as people read them."""

    def __init__(self, diagnostics: Sequence[Diagnostic], source: Source) -> None:
        from falconql.diagnostics.render import render

        super().__init__(render(diagnostics, source))
        self.diagnostics = tuple(diagnostics)
        self.source = source

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics, self.source)


class ConfigError(FalconQLError):
    """An extra is not installed, or a setting is wrong."""


class ModelServerError(FalconQLError):
    """A language model cannot be reached, refuses, or gives no usable answer."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(visible(message), hint=None if hint is None else visible(hint))


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
        super().__init__(visible(message), hint=None if hint is None else visible(hint))
        self.tries = tuple(tries)
        self.left = tuple(left)
