"""A checked query as the JSON object that ``check --format json`` shows."""

from __future__ import annotations

from typing import Any

from falconql.check.typed import TypedQuery
from falconql.runtime.display import expr_text
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
        "each": [{"name": e.name, "call": _call_index(e.value), "value": describer.text(e.value)} for e in typed.each],
        "where": None if typed.where is None else describer.condition(typed.where),
        "group_by": [describer.text(key) for key in typed.grouping.keys] if typed.grouping else [],
        "select": [describer.output(output.name, output.value) for output in typed.outputs],
        "order_by": [
            {"value": describer.text(key.value), "call": _call_index(key.value), "descending": key.descending}
            for key in typed.order_by
        ],
        "limit": typed.limit,
    }


class _Describer:
    def __init__(self, typed: TypedQuery) -> None:
        self.typed = typed

    def text(self, expr: Expr) -> str:
        return expr_text(self._shown(expr), self.typed.calls)

    def _shown(self, expr: Expr) -> Expr:
        """Return a key column as the expression it stands for."""
        grouping = self.typed.grouping
        if grouping and isinstance(expr, ColumnRef) and expr.name.startswith("$key"):
            return grouping.keys[int(expr.name.removeprefix("$key"))]
        return expr

    def output(self, name: str, value: Expr) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "name": name,
            "call": _call_index(self._shown(value)),
            "value": self.text(value),
        }
        grouping = self.typed.grouping
        if grouping and isinstance(value, ColumnRef) and value.name.startswith("$agg"):
            aggregate = grouping.aggregates[int(value.name.removeprefix("$agg"))]
            operand = "" if aggregate.operand is None else self.text(aggregate.operand)
            shown["value"] = f"{aggregate.function}({operand})"
            shown["aggregate"] = aggregate.function
            shown["call"] = None if aggregate.operand is None else _call_index(aggregate.operand)
        return shown

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
            case In(value, options) if all(isinstance(_uncast(o), Literal) for o in options):
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
        if not isinstance(inner, (ColumnRef, VariableRef)):
            return None
        return {"column": inner.name, "op": op, "value": value}


def _uncast(expr: Expr) -> Expr:
    while isinstance(expr, Cast):
        expr = expr.operand
    return expr


def _value(expr: Expr) -> Any:
    inner = _uncast(expr)
    return inner.value if isinstance(inner, Literal) else None


def _call_index(expr: Expr) -> int | None:
    """Return the index of the only call an expression is about, None for none or several."""
    found = {below.index for below in walk(expr) if isinstance(below, CallRef)}
    return found.pop() if len(found) == 1 else None
