"""Plan expressions on frames, with SQL's three-valued logic.

``evaluate`` gives one value per row asked for. ``and`` and ``or`` look at operands with model calls
last, and only for the rows that the others leave open. Texts compare by code point, dates and
instants by time (a timestamp without a zone is in UTC); no comparison with NaN is true but ``!=``.
"""

from __future__ import annotations

from typing import Any, Protocol, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime import functions
from falconql.runtime.expression import (
    And,
    Arithmetic,
    CallRef,
    Cast,
    ColumnRef,
    Comparison,
    Expr,
    Function,
    In,
    IsNull,
    Literal,
    Matches,
    Not,
    Or,
    Score,
    TextTest,
    VariableRef,
    children,
    walk,
)
from falconql.runtime.frame import CallResult, Frame, Rows
from falconql.runtime.functions import booleans, literal_scalar
from falconql.runtime.io.arrow import type_to_arrow
from falconql.runtime.types import FLOAT, LABEL, NULL, SPAN, TEXT, Type

__all__ = ["CallSource", "Frame", "evaluate", "literal_scalar", "true_rows"]

_COMPARE = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


class CallSource(Protocol):
    """What answers model calls."""

    def results(self, index: int, frame: Frame, rows: Rows) -> CallResult:
        """Return the results of call ``index`` for the frame, known at least for ``rows``."""

    def threshold(self, index: int) -> float:
        """Return the score at and above which label call ``index`` is true."""


def evaluate(expr: Expr, frame: Frame, rows: Rows | None = None, calls: CallSource | None = None) -> pa.Array:
    """Return the values of an expression, one per row of ``rows`` (positions; None: all rows).

    A label is its score here (Float); ``Cast`` makes a Bool of it.
    """
    return _Evaluation(frame, rows, calls).value(expr)


def true_rows(expr: Expr, frame: Frame, rows: Rows | None = None, calls: CallSource | None = None) -> Any:
    """Return a boolean numpy array: for which rows a condition is true (not null, not false)."""
    return booleans(evaluate(expr, frame, rows, calls))


class _Evaluation:
    """Evaluates expressions for some rows of one frame; ``rows`` None means all of them."""

    def __init__(self, frame: Frame, rows: Rows | None, calls: CallSource | None) -> None:
        self.frame = frame
        self.rows = rows
        self.calls = calls
        self.count = frame.num_rows if rows is None else len(rows)

    def positions(self) -> Rows:
        return np.arange(self.count) if self.rows is None else self.rows

    def value(self, expr: Expr) -> pa.Array:
        match expr:
            case ColumnRef(name):
                return self.frame.column(name, self.rows)
            case VariableRef(name):
                return self.frame.variable(name, self.rows)
            case Literal():
                return pa.repeat(literal_scalar(expr), self.count)
            case CallRef(index, type_):
                return self.call(index, type_)
            case Score(operand):
                return self.score(operand)
            case Cast(operand, type_):
                return self.cast(operand, type_)
            case IsNull(operand):
                return pc.is_null(self.value(operand))
            case Not(operand):
                return pc.invert(self.condition(operand))
            case And(operands):
                return self.connective(operands, stop=False)
            case Or(operands):
                return self.connective(operands, stop=True)
            case Function("exists", arguments):
                return functions.exists(self.value(arguments[0]))
            case Comparison() | In() | TextTest() | Matches() | Arithmetic() | Function():
                return self.strict(expr)
            case _:
                assert_never(expr)

    def strict(self, expr: Comparison | In | TextTest | Matches | Arithmetic | Function) -> pa.Array:
        """Return the values of an expression that is null wherever its (first) operand is."""
        given = children(expr)[:1] if isinstance(expr, In) else children(expr)
        if any(operand.type == NULL for operand in given):
            return pa.nulls(self.count, type_to_arrow(expr.type))
        match expr:
            case Comparison(op, left, right):
                return _COMPARE[op](*self.pair(left, right))
            case Arithmetic(op, left, right, type_):
                return functions.arithmetic(op, *self.pair(left, right), type_)
            case In(value, options):
                return self.membership(value, options)
            case TextTest(op, value, pattern):
                wanted = literal_scalar(pattern) if isinstance(pattern, Literal) else self.value(pattern)
                if value.type.item is not None:
                    return functions.list_contains(self.value(value), wanted)
                return functions.text_test(op, self.value(value), wanted)
            case Matches(value, pattern, flags):
                return self.matches(value, pattern, flags)
            case Function(name, arguments):
                return functions.FUNCTIONS[name](self.value(arguments[0]))
            case _:
                assert_never(expr)

    def pair(self, left: Expr, right: Expr) -> tuple[Any, Any]:
        """Return both operands, a constant as a scalar; one at least is an array."""
        if isinstance(right, Literal):
            return self.value(left), literal_scalar(right)
        return (literal_scalar(left) if isinstance(left, Literal) else self.value(left)), self.value(right)

    def condition(self, expr: Expr) -> pa.Array:
        values = self.value(expr)
        return pc.cast(values, pa.bool_()) if pa.types.is_null(values.type) else values

    def call(self, index: int, type_: Type) -> pa.Array:
        assert self.calls is not None, "an expression with model calls needs something that answers them"
        positions = self.positions()
        values = self.calls.results(index, self.frame, positions).values[positions]
        return pa.array(values.tolist(), type=type_to_arrow(FLOAT if type_ == LABEL else type_))

    def score(self, operand: Expr) -> pa.Array:
        values = self.value(operand)
        if operand.type == SPAN:
            values = pc.struct_field(values, "score")
        return pc.cast(values, pa.float64())

    def cast(self, operand: Expr, type_: Type) -> pa.Array:
        if operand.type == NULL:
            return pa.nulls(self.count, type_to_arrow(type_))
        values = self.value(operand)
        if isinstance(operand, CallRef) and operand.type == LABEL:
            assert self.calls is not None
            # Scores are 32-bit: the float nearest to 0.7 must reach a threshold of 0.7.
            threshold = pa.scalar(self.calls.threshold(operand.index), pa.float32())
            return pc.greater_equal(pc.cast(values, pa.float32()), threshold)
        if operand.type == SPAN and type_ == TEXT:
            return pc.struct_field(values, "text")
        if type_ == TEXT:
            return functions.as_text(values)
        return pc.cast(values, type_to_arrow(type_), safe=False)

    def membership(self, value: Expr, options: tuple[Expr, ...]) -> pa.Array:
        constants = [option for option in options if isinstance(option, Literal)]
        if len(constants) == len(options):
            return functions.member_of(self.value(value), constants)
        comparisons = tuple(Comparison("=", value, option) for option in options)
        return self.value(comparisons[0] if len(comparisons) == 1 else Or(comparisons))

    def matches(self, value: Expr, pattern: str, flags: str) -> pa.Array:
        modes = "".join(flag for flag in flags if flag in "ms")
        pattern = f"(?{modes}){pattern}" if modes else pattern
        return pc.match_substring_regex(self.value(value), pattern, ignore_case="i" in flags)

    def connective(self, operands: tuple[Expr, ...], *, stop: bool) -> pa.Array:
        """Return a conjunction (``stop`` False) or disjunction (True), model calls last and only where open."""
        join = pc.or_kleene if stop else pc.and_kleene
        first, *others = sorted(operands, key=_asks)
        result = self.condition(first)
        for operand in others:
            if not _asks(operand):
                result = join(result, self.condition(operand))
                continue
            undecided = ~booleans(pc.equal(result, pa.scalar(stop)))
            if not undecided.any():
                break
            narrowed = _Evaluation(self.frame, self.positions()[undecided], self.calls)
            places = np.where(undecided, np.cumsum(undecided) - 1, 0)
            # Where the result is decided, what stands opposite is of no account.
            values = narrowed.condition(operand).take(pa.array(places, mask=~undecided))
            result = join(result, values)
        return result


def _asks(expr: Expr) -> bool:
    """Whether any part of an expression is the result of a model call."""
    return any(isinstance(part, CallRef) for part in walk(expr))
