"""Whether a plan means anything: every name given by what is below it, every type as its operator takes it.

Plans of the planner do by construction; one that was read from a file may come from anywhere. Columns and texts of the
corpus are not looked at here: the scan compares them with what the plan says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

import pyarrow as pa

from falconql.runtime.errors import PlanError
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
)
from falconql.runtime.functions import literal_scalar
from falconql.runtime.plan import (
    Aggregate,
    AggregateCall,
    AllOf,
    AnyOf,
    Each,
    Field,
    Filter,
    Limit,
    ModelCall,
    Node,
    Plan,
    Predicate,
    Project,
    Scan,
    Sort,
    Test,
    nodes,
)
from falconql.runtime.types import BOOL, DATE, FLOAT, INT, LABEL, NULL, SPAN, TEXT, TIMESTAMP, UNKNOWN, Type, list_of

_SCALARS = (BOOL, INT, FLOAT, TEXT, DATE, TIMESTAMP)
_NUMBERS = (INT, FLOAT)
_ORDERED = (INT, FLOAT, TEXT, DATE, TIMESTAMP)
_CALL_TYPES = {"label": LABEL, "choose": TEXT, "span": SPAN, "spans": list_of(SPAN)}
_CASTS = {LABEL: (BOOL,), SPAN: (TEXT,), INT: (FLOAT, TEXT), DATE: (TIMESTAMP, TEXT)}
_VALUES: dict[Type, tuple[type, ...]] = {
    BOOL: (bool,),
    INT: (int,),
    FLOAT: (int, float),
    TEXT: (str,),
    DATE: (str,),
    TIMESTAMP: (str,),
    NULL: (),
}


@dataclass(frozen=True, slots=True)
class _Scope:
    """What an expression may refer to: columns and variables with their types, and the plan's calls."""

    columns: Mapping[str, Type]
    variables: Mapping[str, Type]
    calls: tuple[ModelCall, ...]
    models: bool = True
    above: frozenset[int] = frozenset()


def verify(plan: Plan) -> None:
    """Check a plan.

    Raises:
        PlanError: it does not fit together; the message says what does not.
    """
    for call in plan.calls:
        _need(call.type == _CALL_TYPES[call.kind], f"a {call.kind} call gives {call.type}")
        _need(bool(call.options) == (call.kind == "choose"), f"a {call.kind} call has {len(call.options)} options")
        _need(call.threshold is None or 0 <= call.threshold <= 1, "a threshold is not between 0 and 1")
    scope = _Scope({}, {}, plan.calls)
    for node in reversed(list(nodes(plan.root))):
        scope = _above(node, scope)
    given = {name: type_ for name, type_ in scope.columns.items() if not name.startswith("$")}
    _need(_columns(plan.output) == given, "the output is not what the plan's last step gives")


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise PlanError(f"the plan does not fit together: {message}")


def _columns(fields: Iterable[Field]) -> dict[str, Type]:
    found: dict[str, Type] = {}
    for field in fields:
        _need(field.name not in found, f"there are two columns {field.name!r}")
        _need(field.type not in (LABEL, UNKNOWN), f"the column {field.name!r} has the type {field.type}")
        found[field.name] = field.type
    return found


def _above(node: Node, scope: _Scope) -> _Scope:
    """Check one step, and return what it gives to the next."""
    match node:
        case Scan(columns, filter_, selectivity):
            given = replace(scope, columns=_columns(columns))
            _share(selectivity)
            if filter_ is not None:
                _condition(filter_, replace(given, models=False))
            return given
        case Filter(_, predicate):
            _predicate(predicate, scope)
            return scope
        case Each(_, name, value, type_):
            _need(_type(value, scope).item == type_, f"`each` goes through {value.type} for a {type_}")
            return replace(scope, variables={**scope.variables, name: type_})
        case Project(_, outputs):
            for output in outputs:
                type_ = _type(output.value, scope)
                _need(type_.name != "Other" or isinstance(output.value, ColumnRef), f"{type_} is not of the corpus")
            return replace(scope, columns=_columns(Field(o.name, o.value.type) for o in outputs), variables={})
        case Aggregate(_, keys, aggregates):
            for key in keys:
                _need(_type(key, scope) in _SCALARS, f"a group key is {key.type}")
            for call in aggregates:
                _aggregate(call, scope)
            made = {f"$key{place}": key.type for place, key in enumerate(keys)}
            made |= {f"$agg{place}": call.type for place, call in enumerate(aggregates)}
            return replace(scope, columns=made, variables={})
        case Sort(_, sort_keys, limit):
            for sort_key in sort_keys:
                _need(_type(sort_key.value, scope) in (*_SCALARS, NULL), f"a sort key is {sort_key.value.type}")
            _need(limit is None or limit >= 0, "a limit is below 0")
            return scope
        case Limit(_, count):
            _need(count >= 0, "a limit is below 0")
            return scope
        case _:
            assert_never(node)


def _aggregate(call: AggregateCall, scope: _Scope) -> None:
    if call.operand is None:
        _need((call.function, call.type) == ("count", INT), f"`{call.function}` has nothing to work on")
        return
    given = _type(call.operand, scope)
    takes, gives = {
        "count": (given != LABEL, INT),
        "sum": (given in _NUMBERS, given),
        "avg": (given in _NUMBERS, FLOAT),
        "min": (given in _ORDERED, given),
        "max": (given in _ORDERED, given),
        "share": (given in (BOOL, NULL), FLOAT),
        "collect": (given in _SCALARS, list_of(given)),
    }[call.function]
    _need(takes and call.type == gives, f"`{call.function}` of {given} is said to give {call.type}")


def _predicate(predicate: Predicate, scope: _Scope) -> None:
    pending: list[Predicate] = [predicate]
    while pending:
        match pending.pop():
            case Test(condition, _, cost_s, selectivity, tokens, calls):
                _condition(condition, scope)
                _share(selectivity)
                _need(math.isfinite(cost_s) and math.isfinite(tokens), "a test has no finite cost")
                _need(all(0 <= index < len(scope.calls) for index in calls), "a test needs a call that is not there")
            case AllOf(children) | AnyOf(children):
                _need(bool(children), "a conjunction or disjunction is empty")
                pending += children


def _share(selectivity: float) -> None:
    _need(0 <= selectivity <= 1, "a selectivity is not between 0 and 1")


def _condition(expr: Expr, scope: _Scope) -> None:
    _need(_type(expr, scope) in (BOOL, NULL), f"a condition is {expr.type}")


def _type(expr: Expr, scope: _Scope) -> Type:
    """Check an expression, and return its type."""
    match expr:
        case ColumnRef(name, type_):
            _need(scope.columns.get(name) == type_, f"no column {name!r} of type {type_} comes from below")
        case VariableRef(name, type_):
            _need(scope.variables.get(name) == type_, f"no variable {name!r} of type {type_} comes from below")
        case CallRef(index, type_):
            _call(index, type_, scope)
        case Literal(value, type_):
            _literal(expr)
        case Cast(operand, type_):
            given = _type(operand, scope)
            fits = given == NULL or type_ in _CASTS.get(given, (TEXT,) if given in _SCALARS else ())
            _need(fits and type_ not in (LABEL, UNKNOWN), f"{given} cannot become {type_}")
            _need(given != LABEL or isinstance(operand, CallRef), "only the result of a call is a label")
        case Score(operand):
            _need(_type(operand, scope) in (LABEL, SPAN), f"{operand.type} has no score")
        case Comparison(op, left, right):
            types = {_type(left, scope), _type(right, scope)} - {NULL}
            _need(len(types) <= 1 and types <= set(_SCALARS), f"`{op}` compares {left.type} and {right.type}")
        case In(value, options):
            types = {_type(value, scope), *(_type(option, scope) for option in options)} - {NULL}
            _need(bool(options) and len(types) <= 1 and types <= set(_SCALARS), "`in` has options of another type")
        case TextTest(op, value, pattern):
            _text_test(op, _type(value, scope), _type(pattern, scope))
        case Matches(value, pattern, flags):
            _need(_type(value, scope) in (TEXT, NULL), f"{value.type} is matched with a pattern")
            _need(set(flags) <= set("ims"), f"a pattern has the flags {flags!r}")
        case IsNull(operand):
            _type(operand, scope)
        case Not(operand):
            _condition(operand, scope)
        case And(operands) | Or(operands):
            _need(bool(operands), "a conjunction or disjunction is empty")
            for operand in operands:
                _condition(operand, scope)
        case Arithmetic(op, left, right, type_):
            types = {_type(left, scope), _type(right, scope)} - {NULL}
            _need(len(types) <= 1 and types <= set(_NUMBERS), f"`{op}` of {left.type} and {right.type}")
            _need(type_ == FLOAT if op == "/" else type_ in (types or set(_NUMBERS)), f"`{op}` gives {type_}")
        case Function():
            _function(expr, scope)
        case _:
            assert_never(expr)
    return expr.type


def _call(index: int, type_: Type, scope: _Scope) -> None:
    _need(scope.models, "a scan calls a model")
    _need(0 <= index < len(scope.calls), f"there is no call {index}")
    _need(index not in scope.above, "a call needs its own result")
    call = scope.calls[index]
    _need(call.type == type_, f"the result of a {call.kind} call is {call.type}, not {type_}")
    inner = replace(scope, above=scope.above | {index})
    for part in (call.text, *call.instruction):
        if not isinstance(part, str):
            _need(_type(part, inner) in (TEXT, NULL), f"a call reads {part.type}")


def _literal(literal: Literal) -> None:
    kinds = _VALUES.get(literal.type)
    _need(kinds is not None, f"there is no constant of type {literal.type}")
    value = literal.value
    fits = value is None or (kinds is not None and type(value) in kinds)
    _need(fits, f"{value!r} is not {literal.type}")
    if literal.type != NULL:
        try:
            literal_scalar(literal)
        except (ValueError, OverflowError, pa.ArrowException):
            _need(False, f"{value!r} is not {literal.type}")


def _text_test(op: str, value: Type, pattern: Type) -> None:
    if value.item is None:
        _need(value in (TEXT, NULL) and pattern in (TEXT, NULL), f"`{op}` of {value} and {pattern}")
        return
    wanted = TEXT if value.item == SPAN else value.item
    _need(op == "contains" and value.item in (*_SCALARS, SPAN), f"`{op}` of {value}")
    _need(pattern in (wanted, NULL), f"`{op}` of {value} and {pattern}")


def _function(expr: Function, scope: _Scope) -> None:
    _need(len(expr.arguments) == 1, f"`{expr.name}` has {len(expr.arguments)} arguments")
    given = _type(expr.arguments[0], scope)
    _need(given != LABEL or expr.name == "exists", f"`{expr.name}` of a label")
    if given == NULL:
        return
    takes, gives = {
        "exists": (True, BOOL),
        "first": (given.item is not None, given.item),
        "length": (given == TEXT or given.item is not None, INT),
        "lower": (given == TEXT, TEXT),
        "number": (given == TEXT, FLOAT),
        "date": (given == TEXT, DATE),
        **dict.fromkeys(("year", "quarter", "month", "day", "weekday"), (given in (DATE, TIMESTAMP), INT)),
        "hour": (given == TIMESTAMP, INT),
    }[expr.name]
    _need(takes and expr.type == gives, f"`{expr.name}` of {given} is said to give {expr.type}")
