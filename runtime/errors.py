"""How running a plan fails.

::

    FalconQLError
    ├── PlanError        a saved plan that cannot be read or does not fit this version
    ├── ProxyError       a proxy directory that breaks the contract, or a missing ONNX Runtime
    ├── DataError        a corpus or an output that cannot be read or written
    ├── ClusterError     a cluster that is missing, fails, or lacks what a run needs
    └── ExecutionError   an operator failed on data that passed the checks

``falconql.errors`` adds what the compiler raises. Every message is for the user: it names the
place and, where there is one, the remedy.
"""

from __future__ import annotations

from functools import partial
from typing import Any


class FalconQLError(Exception):
    """Anything FalconQL reports to its user.

    ``message`` says what is wrong, ``hint`` what to do about it, where there is something to do; ``str()`` is both.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """What is wrong, without the help."""
        return str(self.args[0])

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  help: {self.hint}"


class PlanError(FalconQLError):
    """A saved plan cannot be read, or does not fit this version of the runtime."""


class ProxyError(FalconQLError):
    """A proxy directory breaks the contract, or nothing is installed that could run it."""


class DataError(FalconQLError):
    """A corpus or an output cannot be read or written."""


class ClusterError(FalconQLError):
    """A cluster cannot be reached, fails, or lacks what a run needs; or Ray is not installed."""


class ExecutionError(FalconQLError):
    """An operator failed while running; ``operator`` names it."""

    def __init__(self, message: str, *, operator: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.operator = operator

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), operator=self.operator, hint=self.hint), self.args
