"""Parts of a date compared with numbers that no date has: the 13th month, the hour 24, the weekday 0."""

from __future__ import annotations

from falconql.check.context import Context
from falconql.check.problems import Operand, words
from falconql.runtime.expression import Function, Literal
from falconql.syntax import ast

_RANGES = {"quarter": (1, 4), "month": (1, 12), "day": (1, 31), "weekday": (1, 7), "hour": (0, 23)}
_REMEDIES: dict[tuple[str, float], str] = {
    ("weekday", 0): "Monday is 1 and Sunday 7",
    ("hour", 24): "the hour after midnight is 0",
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def warn_if_out_of_range(ctx: Context, node: ast.Expr, part: Operand, number: Operand, op: str, *, left: bool) -> None:
    """Warn where ``part op number`` is the same for every date, since no date has such a part.

    Args:
        node: the whole test.
        op: as written; ``=`` for a value in a list.
        left: the part is written before the number.
    """
    call, other = part.expr, number.expr
    if not isinstance(call, Function) or call.name not in _RANGES or not isinstance(other, Literal):
        return
    value = other.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    least, most = _RANGES[call.name]
    always = truth(op if left else _TURNED.get(op, op), value, least, most)
    if always is None:
        return
    what = "every" if always else "no"
    help_ = _REMEDIES.get((call.name, value)) if op == "=" else None
    ctx.problems.warn(
        "FQL225",
        f"{words(part.node)} goes from {least} to {most}, so this is true of {what} date",
        number.node.span if isinstance(node, ast.In) else node.span,
        help_ or f"compare it with a whole number from {least} to {most}",
    )


def truth(op: str, value: float, least: int, most: int) -> bool | None:
    """Return what a comparison is for every number from least to most, None if that depends on the number."""
    inside = least <= value <= most and value == int(value)
    match op:
        case "=":
            return None if inside else False
        case "!=":
            return None if inside else True
        case "<":
            return False if value <= least else (True if value > most else None)
        case "<=":
            return False if value < least else (True if value >= most else None)
        case ">":
            return False if value >= most else (True if value < least else None)
        case _:
            return False if value > most else (True if value <= least else None)
