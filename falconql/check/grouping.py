"""Queries that group: what is a key, what is aggregated, and what is neither."""

from __future__ import annotations

from dataclasses import dataclass, field

from falconql.check.comparisons import unusable
from falconql.check.context import Context
from falconql.check.literals import scalar
from falconql.check.problems import BROKEN, Operand, spoken, words
from falconql.runtime.expression import (
    CallRef,
    Cast,
    ColumnRef,
    Expr,
    Literal,
    Score,
    VariableRef,
    children,
    replace_children,
)
from falconql.source import Span
from falconql.types import NULL


@dataclass(frozen=True, slots=True)
class Key:
    """A group key: as it was written, and as the single value it is grouped by."""

    written: Expr
    value: Expr


@dataclass(slots=True)
class Groups:
    """The keys of a query that groups; turns expressions over rows into expressions over groups."""

    ctx: Context
    keys: list[Key] = field(default_factory=list)

    def add(self, operand: Operand) -> None:
        """Take a key; one that cannot be grouped by is reported."""
        value = scalar(operand.expr)
        if operand.type.name == "Other":
            value = self.ctx.problems.error("FQL211", *unusable(operand))
        elif value.type.item is not None or value.type == NULL:
            message = f"rows are grouped by single values, and {words(operand.node)} is {spoken(operand.type)}"
            help_ = "go through the list first: `each name in ...`" if value.type.item else None
            value = self.ctx.problems.error("FQL219", message, operand.span, help_)
        self.keys.append(Key(operand.expr, value))

    def regroup(self, operand: Operand) -> Expr:
        """Return an expression over ``$key`` and ``$agg`` columns; report what is neither."""
        return self._regroup(operand.expr, operand.span)

    def _regroup(self, expr: Expr, span: Span) -> Expr:
        span = self.ctx.place_of(expr, span)
        for index, key in enumerate(self.keys):
            if expr == key.value or (expr == key.written and key.value != BROKEN):
                return ColumnRef(f"$key{index}", key.value.type)
        if isinstance(expr, Literal) or (isinstance(expr, ColumnRef) and expr.name.startswith("$")):
            return expr
        if isinstance(expr, (ColumnRef, VariableRef, CallRef)):
            return self._neither(expr, span)
        if isinstance(expr, Score):
            # A key holds a label or span without its score.
            return self._neither(expr.operand, self.ctx.place_of(expr.operand, span))
        below = tuple(self._regroup(child, span) for child in children(expr))
        if any(child == BROKEN for child in below):
            return BROKEN
        if isinstance(expr, Cast) and below[0].type == expr.type:
            return below[0]
        return replace_children(expr, below)

    def _neither(self, expr: Expr, span: Span) -> Expr:
        if any(key.value == BROKEN for key in self.keys):
            return BROKEN
        name = expr.name if isinstance(expr, (ColumnRef, VariableRef)) else None
        named = f"`{name}`" if name else "this value"
        message = f"{named} is neither a group key nor aggregated, so it has no single value for a group"
        shown = name or "..."
        return self.ctx.problems.error(
            "FQL242",
            message,
            span,
            f"add it to `group by`, or aggregate it: `collect({shown})`, `min({shown})`, `count({shown})`",
        )
