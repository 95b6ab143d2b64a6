"""What a checked query does, in words: so that a person sees at a glance whether it was understood."""

from __future__ import annotations

from typing import Any

from falconql.check.describe import describe
from falconql.check.typed import TypedQuery
from falconql.visible import visible

_OPS = {"=": "is", "!=": "is not", "<": "is under", "<=": "is at most", ">": "is over", ">=": "is at least"}


def understanding(typed: TypedQuery) -> tuple[str, ...]:
    """Return a line for the rows that are kept, and one for what is shown of them."""
    said = describe(typed)
    lines = []
    each = "; ".join(f"one row for each {e['name']}" for e in said["each"])
    kept = _condition(said["where"], said["calls"]) if said["where"] else "every text"
    lines.append(f"keeps: {kept}" + (f"; {each}" if each else ""))
    lines.append("shows: " + ", ".join(_output(output, said["calls"]) for output in said["select"]))
    if said["order_by"] or said["limit"] is not None:
        keys = ", ".join(f"{key['value']}{', highest first' if key['descending'] else ''}" for key in said["order_by"])
        first = f"the first {said['limit']}" if said["limit"] is not None else "all"
        lines.append(f"order: {first}" + (f" by {keys}" if keys else ""))
    return tuple(map(visible, lines))


def _condition(tree: dict[str, Any], calls: list[dict[str, Any]], within: str = "") -> str:
    for word in ("and", "or"):
        if word in tree:
            joined = f" {word} ".join(_condition(below, calls, word) for below in tree[word])
            return f"({joined})" if within else joined
    if "not" in tree:
        return f"not {_condition(tree['not'], calls, 'not')}"
    if "call" in tree:
        return _question(calls[tree["call"]])
    if "text" in tree:
        return str(tree["text"])
    column, op, value = tree["column"], tree["op"], tree["value"]
    if isinstance(value, bool) and op in ("=", "!="):
        return str(column) if value is (op == "=") else f"not {column}"
    if op in ("is null", "is not null"):
        return f"{column} {op}"
    shown = " or ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{column} {_OPS.get(op, op)} {shown}"


def _question(call: dict[str, Any]) -> str:
    return f"“{call['instruction']}” is true of {call['column']}"


def _output(output: dict[str, Any], calls: list[dict[str, Any]]) -> str:
    if output["call"] is None:
        return str(output["name"])
    call = calls[output["call"]]
    return f"{output['name']} (“{call['instruction']}”)"
