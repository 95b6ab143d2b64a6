"""What comparisons with constants say together about one value; used by ``find_contradictions``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date

from falconql.runtime.expression import Comparison, Expr, In, IsNull, Literal, Matches, TextTest

_COMPARABLE = ("Bool", "Int", "Float", "Text", "Date")
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}

Constant = bool | int | float | str | date


class _Value:
    """The constants that one value is compared with, and whether it has to be null or not null."""

    def __init__(self) -> None:
        self.candidates: set[Constant] | None = None
        self.checks: list[Callable[[Constant], bool]] = []
        self.lowest: tuple[Constant, bool] | None = None
        self.highest: tuple[Constant, bool] | None = None
        self.null = False
        self.not_null = False

    def must_be(self, constants: set[Constant]) -> None:
        self.candidates = constants if self.candidates is None else self.candidates & constants

    def compare(self, op: str, constant: Constant) -> None:
        self.not_null = True
        if op == "=":
            self.must_be({constant})
        elif op == "!=":
            self.checks.append(lambda value: value != constant)
        elif op in (">", ">="):
            self.checks.append(lambda value: _above(value, constant, op == ">="))
            bound = (constant, op == ">=")
            if self.lowest is None or not _above(self.lowest[0], constant, op == ">"):
                self.lowest = bound
        else:
            self.checks.append(lambda value: _above(constant, value, op == "<="))
            bound = (constant, op == "<=")
            if self.highest is None or not _above(constant, self.highest[0], op == "<"):
                self.highest = bound

    @property
    def impossible(self) -> bool:
        if self.null and self.not_null:
            return True
        if self.candidates is not None:
            return not any(all(check(value) for check in self.checks) for value in self.candidates)
        if self.lowest is None or self.highest is None:
            return False
        return not _above(self.highest[0], self.lowest[0], self.lowest[1] and self.highest[1])


def contradict(parts: tuple[Expr, ...]) -> bool:
    """Whether the comparisons with constants among some conjuncts cannot all be true."""
    values: dict[Expr, _Value] = defaultdict(_Value)
    for part in parts:
        _add(part, values)
    return any(value.impossible for value in values.values())


def _add(part: Expr, values: dict[Expr, _Value]) -> None:
    match part:
        case Comparison(op, left, Literal() as right) if (constant := _constant(right)) is not None:
            values[left].compare(op, constant)
        case Comparison(op, Literal() as left, right) if (constant := _constant(left)) is not None:
            values[right].compare(_MIRRORED[op], constant)
        case In(value, options):
            constants = [_constant(o) if isinstance(o, Literal) else None for o in options]
            values[value].not_null = True
            known = {constant for constant in constants if constant is not None}
            if all(isinstance(o, Literal) and (o.value is None or _constant(o) is not None) for o in options):
                values[value].must_be(known)  # a null option makes nothing true
        case IsNull(operand):
            values[operand].null = True
        case Matches(value) | TextTest(_, value):
            values[value].not_null = True
        case _:
            pass


def _constant(literal: Literal) -> Constant | None:
    """Return a constant that compares as it does while running; None if there is none."""
    if literal.type.name not in _COMPARABLE:
        return None
    if literal.type.name == "Date" and isinstance(literal.value, str):
        return date.fromisoformat(literal.value)
    return literal.value


def _above(value: Constant, bound: Constant, or_equal: bool) -> bool:
    # Both have one type: the checker compares no others. Texts compare by code point, as their
    # UTF-8 does.
    return bool(value > bound or (or_equal and value == bound))  # type: ignore[operator]
