"""A checked query as the JSON object that ``check --format json`` shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from falconql.check.typed import Grouping, TypedQuery
from falconql.runtime.display import call_text, expr_text
from falconql.runtime.expression import (
    And,
    CallRef,
    Cast,
    ColumnRef,
    Comparison,
    Expr,
    In,
    IsNull,
    Literal,
    Matches,
    Not,
    Or,
    TextTest,
    VariableRef,
    walk,
)
from falconql.runtime.plan import ModelCall

_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def describe(typed: TypedQuery) -> dict[str, Any]:
    """Return what a query says: its calls, conditions, outputs and order, by index into ``calls``."""
    describer = _Describer(typed)
    return {
        "from": typed.source,
        "text": typed.text,
        "using": {"name": typed.proxy.name, "llm": typed.proxy.llm},
        "calls": [describer.call(call) for call in typed.calls],
        "each": [
            {"name": each.name, "call": describer.call_index(each.value), "value": describer.value(each.value)}
            for each in typed.each
        ],
        "where": None if typed.where is None else describer.condition(typed.where),
        "group_by": [describer.text(key) for key in typed.grouping.keys] if typed.grouping else None,
        "select": [
            {"name": o.name, "call": describer.call_index(o.value), "value": describer.value(o.value)}
            for o in typed.outputs
        ],
        "order_by": [
            {
                "value": describer.text(key.value),
                "call": describer.call_index(key.value),
                "descending": key.descending,
            }
            for key in typed.order_by
        ],
        "limit": typed.limit,
    }


class _Describer:
    def __init__(self, typed: TypedQuery) -> None:
        self.typed = typed
        # What stands behind names that hide a call: variables, and the columns of a grouped query.
        self._behind: dict[str, Expr] = {each.name: each.value for each in typed.each}
        # Without a corpus nobody knows what `*` is.
        self._internal: dict[str, Expr | str] = {"*": "*"}
        if typed.grouping:
            self._group_columns(typed.grouping)

    def _group_columns(self, grouping: Grouping) -> None:
        for index, key in enumerate(grouping.keys):
            self._behind[f"$key{index}"] = key
            self._internal[f"$key{index}"] = key
        for index, aggregate in enumerate(grouping.aggregates):
            operand = ""
            if aggregate.operand is not None:
                self._behind[f"$agg{index}"] = aggregate.operand
                operand = self.text(aggregate.operand)
            self._internal[f"$agg{index}"] = f"{aggregate.function}({operand})"

    def text(self, expr: Expr) -> str:
        """Return an expression as FalconQL text; model calls that have a name by their name."""
        return expr_text(expr, self.typed.calls, text_column=self.typed.text, internal=self._internal)

    def value(self, expr: Expr) -> str:
        """Return the value of something that has a name itself: a call is written out."""
        inner = _uncast(expr)
        if isinstance(inner, CallRef):
            return call_text(self.typed.calls[inner.index], self.typed.calls, text_column=self.typed.text)
        return self.text(expr)

    def call_index(self, expr: Expr) -> int | None:
        """Return the index of the only call an expression is about, None for none or several."""
        found = set(self._calls_behind(expr))
        return found.pop() if len(found) == 1 else None

    def _calls_behind(self, expr: Expr) -> Iterator[int]:
        for below in walk(expr):
            if isinstance(below, CallRef):
                yield below.index
            elif isinstance(below, (ColumnRef, VariableRef)) and below.name in self._behind:
                yield from self._calls_behind(self._behind[below.name])

    def call(self, call: ModelCall) -> dict[str, Any]:
        instruction, uses = "", []
        for part in call.instruction:
            if isinstance(part, str):
                instruction += part
                continue
            name = self._name(part)
            instruction += "{" + name + "}"
            uses.append(name)
        shown: dict[str, Any] = {
            "kind": call.kind,
            "instruction": instruction,
            "column": self._name(call.text),
            "name": call.name,
            "uses": list(dict.fromkeys(uses)),
        }
        if call.options:
            shown["options"] = list(call.options)
        if call.threshold is not None:
            shown["threshold"] = call.threshold
        return shown

    def _name(self, expr: Expr) -> str:
        inner = _uncast(expr)
        if isinstance(inner, (ColumnRef, VariableRef)):
            return inner.name
        for let in self.typed.lets:
            if _uncast(let.value) == inner:
                return let.name
        return self.text(expr)

    def condition(self, expr: Expr) -> dict[str, Any]:
        expr = _uncast(expr)
        match expr:
            case And(operands):
                return {"and": [self.condition(operand) for operand in operands]}
            case Or(operands):
                return {"or": [self.condition(operand) for operand in operands]}
            case Not(IsNull(operand)):
                return self._column(operand, "is not null", None) or {"text": self.text(expr)}
            case Not(operand):
                return {"not": self.condition(operand)}
            case CallRef(index):
                return {"call": index}
            case ColumnRef(name):
                return {"column": name, "op": "=", "value": True}
        return self._test(expr) or {"text": self.text(expr)}

    def _test(self, expr: Expr) -> dict[str, Any] | None:
        match expr:
            case Comparison(op, left, right) if isinstance(_uncast(right), Literal):
                return self._column(left, op, _value(right))
            case Comparison(op, left, right) if isinstance(_uncast(left), Literal):
                return self._column(right, _FLIPPED[op], _value(left))
            case In(value, options) if all(isinstance(_uncast(option), Literal) for option in options):
                return self._column(value, "in", [_value(option) for option in options])
            case TextTest(op, value, pattern) if isinstance(pattern, Literal):
                return self._column(value, op, pattern.value)
            case Matches(value, pattern_text, flags):
                return self._column(value, "matches", f"/{pattern_text}/{flags}")
            case IsNull(operand):
                return self._column(operand, "is null", None)
        return None

    def _column(self, expr: Expr, op: str, value: Any) -> dict[str, Any] | None:
        inner = _uncast(expr)
        if not isinstance(inner, ColumnRef):
            return None
        return {"column": inner.name, "op": op, "value": value}


def _uncast(expr: Expr) -> Expr:
    while isinstance(expr, Cast):
        expr = expr.operand
    return expr


def _value(expr: Expr) -> Any:
    inner = _uncast(expr)
    return inner.value if isinstance(inner, Literal) else None
