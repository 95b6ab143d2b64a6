"""The expressions of a plan: data, already resolved and typed, as the checker builds them.

The checker, the optimiser and the runtime share this one family: a typed expression needs exactly
the nodes that the runtime evaluates, and writing them twice would only add a translation. Nodes
have no place in the query; diagnostics are made before they exist. Every node has a ``type``.
Null semantics are SQL's three-valued logic throughout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import assert_never

from falconql.runtime.types import BOOL, FLOAT, Type

ComparisonOp = OneOf["=", "!=", "<", "<=", ">", ">="]
ArithmeticOp = OneOf["+", "-", "*", "/"]
TextTestOp = OneOf["contains", "starts with"]
FunctionName = OneOf[
    "exists", "first", "length", "lower", "number", "date", "year", "quarter", "month", "day", "weekday", "hour"
]
AggregateName = OneOf["count", "sum", "avg", "min", "max", "share", "collect"]


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column of the input by name (after an aggregation: ``$key0``, ``$agg0`` and so on)."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class VariableRef:
    """The value of an ``each`` variable."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class CallRef:
    """The result of the plan's model call number ``index``."""

    index: int
    type: Type


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. Date and Timestamp values are ISO 8601 texts, null is None."""

    value: bool | int | float | str | None
    type: Type


@dataclass(frozen=True, slots=True)
class Cast:
    """``operand`` as another type; the checker writes out every coercion.

    Label to Bool (score against the call's threshold), Span to Text, Int to Float, Date to
    Timestamp (midnight), Null to anything; inside an instruction also numbers, Bools, Dates and
    Timestamps to Text. Nothing else is ever asked for.
    """

    operand: Expr
    type: Type


@dataclass(frozen=True, slots=True)
class Score:
    """The score (0 to 1) of a Label or Span, null for null."""

    operand: Expr

    @property
    def type(self) -> Type:
        return FLOAT


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left op right``; both sides have the same type (checked, coerced with ``Cast``)."""

    op: ComparisonOp
    left: Expr
    right: Expr

    @property
    def type(self) -> Type:
        return BOOL


@dataclass(frozen=True, slots=True)
class In:
    """``value in (options)``; null if undecided because of a null, as in SQL."""

    value: Expr
    options: tuple[Expr, ...]

    @property
    def type(self) -> Type:
        return BOOL


@dataclass(frozen=True, slots=True)
class TextTest:
    """``value contains pattern`` (on a Text: substring; on a list: element) or ``starts with``."""

    op: TextTestOp
    value: Expr
    pattern: Expr

    @property
    def type(self) -> Type:
        return BOOL


@dataclass(frozen=True, slots=True)
class Matches:
    """``value`` has a match of an RE2 ``pattern``; ``flags`` is a subset of ``i``, ``m``, ``s``."""

    value: Expr
    pattern: str
    flags: str

    @property
    def type(self) -> Type:
        return BOOL


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether ``operand`` is null; never null itself."""

    operand: Expr

    @property
    def type(self) -> Type:
        return BOOL


@dataclass(frozen=True, slots=True)
class Not:
    """Three-valued negation of a Bool."""

    operand: Expr

    @property
    def type(self) -> Type:
        return BOOL


@dataclass(frozen=True, slots=True)
class And:
    """Three-valued conjunction of two or more Bools."""

    operands: tuple[Expr, ...]

    @property
    def type(self) -> Type:
        return BOOL


@dataclass(frozen=True, slots=True)
class Or:
    """Three-valued disjunction of two or more Bools."""

    operands: tuple[Expr, ...]

    @property
    def type(self) -> Type:
        return BOOL


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` on two numbers of the same type (``/`` gives Float; by zero gives null).

    ``type`` is Int or Float; an Int result that overflows 64 bits is null.
    """

    op: ArithmeticOp
    left: Expr
    right: Expr
    type: Type


@dataclass(frozen=True, slots=True)
class Function:
    """A built-in function of a row; null in, null out, but for ``exists``.

    ``exists(x)``: not null, and for lists not empty. ``first(xs)``: null for an empty list.
    ``length``: characters (code points) or elements. ``number(text)`` and ``date(text)``: null when
    the text cannot be read.
    """

    name: FunctionName
    arguments: tuple[Expr, ...]
    type: Type


Expr = (
    ColumnRef
    | VariableRef
    | CallRef
    | Literal
    | Cast
    | Score
    | Comparison
    | In
    | TextTest
    | Matches
    | IsNull
    | Not
    | And
    | Or
    | Arithmetic
    | Function
)


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the direct operands of an expression, left to right."""
    match expr:
        case ColumnRef() | VariableRef() | CallRef() | Literal():
            return ()
        case Cast(operand) | Score(operand) | IsNull(operand) | Not(operand):
            return (operand,)
        case Comparison(_, left, right) | Arithmetic(_, left, right):
            return (left, right)
        case In(value, options):
            return (value, *options)
        case TextTest(_, value, pattern):
            return (value, pattern)
        case Matches(value):
            return (value,)
        case And(operands) | Or(operands):
            return operands
        case Function(_, arguments):
            return arguments
        case _:
            assert_never(expr)


def replace_children(expr: Expr, new: tuple[Expr, ...]) -> Expr:
    """Return the expression with its operands replaced; ``new`` is as long as ``children(expr)``."""
    match expr:
        case ColumnRef() | VariableRef() | CallRef() | Literal():
            return expr
        case Cast(_, type_):
            return Cast(new[0], type_)
        case Score():
            return Score(new[0])
        case IsNull():
            return IsNull(new[0])
        case Not():
            return Not(new[0])
        case Comparison(op):
            return Comparison(op, new[0], new[1])
        case Arithmetic(op_, _, _, type_):
            return Arithmetic(op_, new[0], new[1], type_)
        case In():
            return In(new[0], new[1:])
        case TextTest(test):
            return TextTest(test, new[0], new[1])
        case Matches(_, pattern, flags):
            return Matches(new[0], pattern, flags)
        case And():
            return And(new)
        case Or():
            return Or(new)
        case Function(name, _, type_):
            return Function(name, new, type_)
        case _:
            assert_never(expr)


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and everything below it, parents first."""
    yield expr
    for child in children(expr):
        yield from walk(child)
