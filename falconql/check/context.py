"""What checking one expression needs to know of its surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from falconql.check.problems import Operand, Problems
from falconql.check.scope import Scope
from falconql.runtime.expression import CallRef, Expr, Literal
from falconql.runtime.plan import AggregateCall, ModelCall
from falconql.source import Span
from falconql.syntax import ast


class CheckOperand(Protocol):
    """Checks a part of an expression; handed down so that no module needs the one above it."""

    def __call__(self, ctx: Context, node: ast.Expr) -> Operand: ...


class ModelCalls:
    """The model calls of a query; the same call written twice is one."""

    def __init__(self) -> None:
        self._calls: list[ModelCall] = []
        self._index: dict[ModelCall, int] = {}

    def add(self, call: ModelCall) -> CallRef:
        """Return the reference to a call, new or known; ``call.name`` is None."""
        if call not in self._index:
            self._index[call] = len(self._calls)
            self._calls.append(call)
        return CallRef(self._index[call], call.type)

    def give_name(self, expr: Expr, name: str) -> None:
        """Name the call that an expression is, unless it has a name."""
        if isinstance(expr, CallRef):
            call = self._calls[expr.index]
            if call.name is None:
                self._calls[expr.index] = ModelCall(
                    call.kind, call.text, call.instruction, call.type, call.options, call.threshold, name
                )

    def all(self) -> tuple[ModelCall, ...]:
        """Return the calls in order of first mention."""
        return tuple(self._calls)

    def __getitem__(self, index: int) -> ModelCall:
        return self._calls[index]


class DefaultText(Protocol):
    """Gives the column that model calls read by default, reporting once if there is none."""

    def __call__(self, span: Span) -> Expr: ...


@dataclass(slots=True)
class Context:
    """The state of one check.

    Attributes:
        clause: the clause being checked, for messages (``where``, ``let`` and so on).
        aggregates: collected while in a clause that may aggregate; None elsewhere.
        inside: the aggregate or model call around the present expression, which may hold no aggregate.
        before: the operands of ``or`` before the ``and`` that is checked next.
        places: for every expression made, the words it was made from, by identity. Grouping needs
            them to point at what is neither aggregated nor a key.
    """

    problems: Problems
    scope: Scope
    calls: ModelCalls
    default_text: DefaultText
    clause: str = ""
    aggregates: list[AggregateCall] | None = None
    inside: str | None = None
    before: Sequence[Operand] = ()
    places: dict[int, tuple[Expr, Span]] = field(default_factory=dict)

    def place_of(self, expr: Expr, otherwise: Span) -> Span:
        """Return the words an expression was made from, as far as known."""
        found = self.places.get(id(expr))
        return found[1] if found else otherwise

    def add_aggregate(self, call: AggregateCall) -> int:
        """Return the position of an aggregate among those collected; the same one is kept once."""
        assert self.aggregates is not None
        if call not in self.aggregates:
            self.aggregates.append(call)
        return self.aggregates.index(call)

    def open_types(self, expr: Expr) -> bool:
        """Return whether a type is Unknown because there is no corpus, not because of an error."""
        return self.scope.catalog.fields is None and not isinstance(expr, Literal)
