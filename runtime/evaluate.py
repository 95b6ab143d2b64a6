"""Plan expressions on frames, with SQL's three-valued logic.

``evaluate`` gives one value per row asked for. ``and`` and ``or`` look at their later operands only
for the rows that the earlier ones leave open, so that model calls in them are made only where they
matter. Floating-point comparison with NaN is false but for ``!=``, as in IEEE 754.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime import readings
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
    walk,
)
from falconql.runtime.frame import CallResult, Frame, Rows
from falconql.runtime.io.arrow import type_to_arrow
from falconql.runtime.types import LABEL, SPAN, TEXT, Type

__all__ = ["CallSource", "Frame", "evaluate", "true_rows"]

_COMPARE = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_UNCHECKED = {"+": pc.add, "-": pc.subtract, "*": pc.multiply}
_CHECKED = {"+": pc.add_checked, "-": pc.subtract_checked, "*": pc.multiply_checked}
_INT64 = range(-(2**63), 2**63)


class CallSource(Protocol):
    """What answers model calls."""

    def results(self, index: int, frame: Frame, rows: Rows) -> CallResult:
        """Return the results of call ``index`` for the frame, known at least for ``rows``."""

    def threshold(self, index: int) -> float:
        """Return the score at and above which label call ``index`` is true."""


def evaluate(expr: Expr, frame: Frame, rows: Rows | None = None, calls: CallSource | None = None) -> pa.Array:
    """Return the values of an expression, one per row of ``rows`` (positions; None: all rows)."""
    positions = np.arange(frame.num_rows) if rows is None else rows
    return _Evaluation(frame, positions, rows is None, calls).value(expr)


def true_rows(expr: Expr, frame: Frame, rows: Rows | None = None, calls: CallSource | None = None) -> Any:
    """Return a boolean numpy array: for which rows a condition is true (not null, not false)."""
    return _booleans(evaluate(expr, frame, rows, calls))


def _booleans(values: pa.Array) -> Any:
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)


class _Evaluation:
    def __init__(self, frame: Frame, rows: Rows, everything: bool, calls: CallSource | None) -> None:
        self.frame = frame
        self.rows = rows
        self.everything = everything
        self.calls = calls

    def narrowed(self, keep: Any) -> _Evaluation:
        return _Evaluation(self.frame, self.rows[keep], False, self.calls)

    def pick(self, values: pa.Array) -> pa.Array:
        return values if self.everything else values.take(pa.array(self.rows))

    def value(self, expr: Expr) -> pa.Array:
        match expr:
            case ColumnRef(name):
                return self.pick(self.frame.column(name))
            case VariableRef(name):
                return self.pick(self.frame.variables[name])
            case Literal():
                return self.literal(expr)
            case CallRef(index, type_):
                return self.call(index, type_)
            case Score(operand):
                return self.score(operand)
            case Cast(operand, type_):
                return self.cast(operand, type_)
            case Comparison(op, left, right):
                return _COMPARE[op](self.value(left), self.value(right))
            case In(value, options):
                return self.membership(value, options)
            case TextTest():
                return self.text_test(expr)
            case Matches(value, pattern, flags):
                prefix = "".join(f for f in flags if f in "ms")
                text = f"(?{prefix}){pattern}" if prefix else pattern
                return pc.match_substring_regex(self.value(value), text, ignore_case="i" in flags)
            case IsNull(operand):
                return pc.is_null(self.value(operand))
            case Not(operand):
                return pc.invert(self.value(operand))
            case And(operands):
                return self.connective(operands, stop=False)
            case Or(operands):
                return self.connective(operands, stop=True)
            case Arithmetic(op, left, right, type_):
                return self.arithmetic(op, self.value(left), self.value(right), type_)
            case Function(name, arguments, type_):
                return self.function(name, arguments[0], type_)
            case _:
                assert_never(expr)

    def literal(self, literal: Literal) -> pa.Array:
        return pa.repeat(literal_scalar(literal), len(self.rows))

    def call(self, index: int, type_: Type) -> pa.Array:
        """Return results; a label as its score."""
        assert self.calls is not None, "an expression with model calls needs something that answers them"
        values = self.calls.results(index, self.frame, self.rows).values[self.rows]
        arrow = pa.float64() if type_ == LABEL else type_to_arrow(type_)
        return pa.array(values, type=arrow, from_pandas=False)

    def score(self, operand: Expr) -> pa.Array:
        values = self.value(operand)
        if operand.type == LABEL:
            return values
        return pc.cast(pc.struct_field(values, "score"), pa.float64())

    def cast(self, operand: Expr, type_: Type) -> pa.Array:
        values = self.value(operand)
        if operand.type == LABEL:
            assert self.calls is not None
            assert isinstance(operand, CallRef)
            # Scores are float32: a threshold of 0.9 must be met by the float32 nearest to 0.9.
            threshold = float(np.float32(self.calls.threshold(operand.index)))
            return pc.greater_equal(values, pa.scalar(threshold, pa.float64()))
        if operand.type == SPAN:
            return pc.struct_field(values, "text")
        return pc.cast(values, type_to_arrow(type_), safe=False)

    def membership(self, value: Expr, options: tuple[Expr, ...]) -> pa.Array:
        if all(isinstance(option, Literal) for option in options):
            constants = [option for option in options if isinstance(option, Literal)]
            scalars = [literal_scalar(c) for c in constants if c.value is not None]
            values = self.value(value)
            given = pa.array([s.as_py() for s in scalars], type=values.type)
            found = pc.if_else(pc.is_null(values), pa.scalar(None, pa.bool_()), pc.is_in(values, value_set=given))
            if len(scalars) == len(constants):
                return found
            return pc.if_else(found, True, pa.scalar(None, pa.bool_()))
        comparisons = tuple(Comparison("=", value, option) for option in options)
        return self.value(comparisons[0] if len(comparisons) == 1 else Or(comparisons))

    def text_test(self, expr: TextTest) -> pa.Array:
        values = self.value(expr.value)
        if expr.value.type.item is not None:
            return self.list_contains(values, expr)
        if isinstance(expr.pattern, Literal) and isinstance(expr.pattern.value, str):
            test = pc.match_substring if expr.op == "contains" else pc.starts_with
            return test(values, expr.pattern.value)
        patterns = self.value(expr.pattern).to_pylist()
        return pa.array(
            [
                None if v is None or p is None else (p in v if expr.op == "contains" else v.startswith(p))
                for v, p in zip(values.to_pylist(), patterns, strict=True)
            ],
            type=pa.bool_(),
        )

    def list_contains(self, values: pa.Array, expr: TextTest) -> pa.Array:
        found: list[bool | None] = []
        for items, wanted in zip(values.to_pylist(), self.value(expr.pattern).to_pylist(), strict=True):
            if items is None or wanted is None:
                found.append(None)
                continue
            plain = [item["text"] if isinstance(item, dict) else item for item in items]
            found.append(True if wanted in plain else None if None in plain else False)
        return pa.array(found, type=pa.bool_())

    def connective(self, operands: tuple[Expr, ...], *, stop: bool) -> pa.Array:
        """Return a conjunction (``stop`` False) or disjunction (True), later operands only where open."""
        join: Callable[[pa.Array, pa.Array], pa.Array] = pc.or_kleene if stop else pc.and_kleene
        result = self.value(operands[0])
        for operand in operands[1:]:
            if not any(isinstance(below, CallRef) for below in walk(operand)):
                result = join(result, self.value(operand))
                continue
            decided = _booleans(pc.equal(result, pa.scalar(stop)))
            open_rows = ~decided
            if not open_rows.any():
                break
            values = self.narrowed(open_rows).value(operand)
            positions = np.where(open_rows, np.cumsum(open_rows) - 1, -1)
            spread = values.take(pa.array(positions, mask=~open_rows))
            result = pc.if_else(pa.array(decided), pa.scalar(stop), join(result, spread))
        return result

    def arithmetic(self, op: str, left: pa.Array, right: pa.Array, type_: Type) -> pa.Array:
        if op == "/":
            zero = pc.equal(right, pa.scalar(0.0))
            return pc.divide(left, pc.if_else(zero, pa.scalar(None, pa.float64()), right))
        if type_.name == "Float":
            return _UNCHECKED[op](left, right)
        try:
            return _CHECKED[op](left, right)
        except pa.ArrowInvalid:
            return _overflow_to_null(op, left, right)

    def function(self, name: str, argument: Expr, type_: Type) -> pa.Array:
        values = self.value(argument)
        if name == "exists":
            if argument.type.item is None:
                return pc.is_valid(values)
            return pc.fill_null(pc.greater(pc.list_value_length(values), 0), False)
        if name == "first":
            return _first(values, type_)
        if name == "length":
            is_text = argument.type == TEXT
            lengths = pc.utf8_length(values) if is_text else pc.list_value_length(values)
            return pc.cast(lengths, pa.int64())
        if name == "lower":
            return pc.utf8_lower(values)
        read = readings.read_number if name == "number" else readings.read_date
        return _read_each(values, read, type_)


def literal_scalar(literal: Literal) -> pa.Scalar:
    """Return a constant as an Arrow scalar of its type."""
    type_ = type_to_arrow(literal.type)
    if isinstance(literal.value, str) and literal.type != TEXT:
        return pc.cast(pa.scalar(literal.value), type_)
    return pa.scalar(literal.value, type_)


def _overflow_to_null(op: str, left: pa.Array, right: pa.Array) -> pa.Array:
    work = {"+": operator.add, "-": operator.sub, "*": operator.mul}[op]
    values = [
        None if a is None or b is None else work(a, b) for a, b in zip(left.to_pylist(), right.to_pylist(), strict=True)
    ]
    return pa.array([v if v is not None and v in _INT64 else None for v in values], type=pa.int64())


def _first(values: pa.Array, type_: Type) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    starts = values.offsets.to_numpy()[:-1]
    positions = pa.array(starts, mask=lengths == 0, type=pa.int64())
    return values.values.take(positions)


def _read_each(values: pa.Array, read: Callable[[str], Any], type_: Type) -> pa.Array:
    """Apply a reader to each distinct text once."""
    encoded = pc.dictionary_encode(values)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    readings_ = [read(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(readings_, type=type_to_arrow(type_)).take(encoded.indices)
