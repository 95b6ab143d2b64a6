"""Random conditions over a small nullable table, and what they mean by a second, plain reading of SQL."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from falconql.check.typed import EachBinding, TypedQuery
from falconql.runtime.expression import (
    And,
    CallRef,
    Cast,
    ColumnRef,
    Comparison,
    Expr,
    Function,
    In,
    IsNull,
    Literal,
    Not,
    Or,
    Score,
    TextTest,
    VariableRef,
)
from falconql.runtime.plan import Field, ModelCall, Output, ProxyRef, SortKey
from falconql.runtime.types import BOOL, FLOAT, INT, LABEL, SPAN, TEXT, list_of
from tests.fakes import FakeProxy

FIELDS = (Field("id", INT), Field("hot", BOOL), Field("stars", INT), Field("price", FLOAT), Field("body", TEXT))
_BODIES = ["Ann met Bob", "an Apple", "no name here", "Bob", "", None]
TABLE = pa.table(
    {
        "id": pa.array(range(60), pa.int64()),
        "hot": pa.array([(True, False, None)[i % 3] for i in range(60)], pa.bool_()),
        "stars": pa.array([(1, 2, 3, 4, 5, None)[(i * 7) % 6] for i in range(60)], pa.int64()),
        "price": pa.array([(0.5, 2.0, float("nan"), None)[(i * 5) % 4] for i in range(60)], pa.float64()),
        "body": pa.array([_BODIES[(i * 11 + i // 6) % 6] for i in range(60)], pa.string()),
    }
)
BODY, STARS, PRICE, HOT = (
    ColumnRef("body", TEXT),
    ColumnRef("stars", INT),
    ColumnRef("price", FLOAT),
    ColumnRef("hot", BOOL),
)
CALLS = (
    *(ModelCall("label", BODY, (f"random {i}",), LABEL, name=f"q{i}") for i in range(4)),
    ModelCall("label", BODY, ("random 0",), LABEL),
    ModelCall("spans", BODY, ("names",), list_of(SPAN), name="who"),
)
NAME = VariableRef("who", SPAN)

_INTS = st.integers(0, 6).map(lambda value: Literal(value, INT))
_FLOATS = st.sampled_from([0.5, 1.0, 2.0]).map(lambda value: Literal(value, FLOAT))
_OPS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_LABELS = st.integers(0, 4).map(lambda index: CallRef(index, LABEL))
_NULL = Literal(None, BOOL)

PLAIN = st.one_of(
    st.just(HOT),
    st.builds(Comparison, _OPS, st.just(STARS), _INTS),
    st.builds(Comparison, _OPS, st.just(PRICE), _FLOATS),
    st.builds(In, st.just(STARS), st.tuples(_INTS, _INTS | st.just(Literal(None, INT)))),
    st.builds(IsNull, st.sampled_from([STARS, HOT, BODY])),
    st.sampled_from(["A", "Bob", "e"]).map(lambda t: TextTest("contains", BODY, Literal(t, TEXT))),
    st.sampled_from([Literal(True, BOOL), Literal(False, BOOL), _NULL]),
)
MODEL = st.one_of(
    _LABELS.map(lambda call: Cast(call, BOOL)),
    st.builds(lambda call, most: Comparison("<", Score(call), most), _LABELS, _FLOATS),
    st.just(Function("exists", (CallRef(5, list_of(SPAN)),), BOOL)),
)
OF_NAME = st.sampled_from(["Ann", "Bob"]).map(lambda text: Comparison("=", Cast(NAME, TEXT), Literal(text, TEXT)))


def conditions(leaves: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Trees of and/or/not over the leaves, duplicates likely."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        ),
        max_leaves=7,
    )


def queries() -> st.SearchStrategy[TypedQuery]:
    """Queries with and without ``each``, ``order by`` and ``limit``; ties in the order cannot occur."""
    plain = conditions(PLAIN | MODEL).map(lambda where: query(where))
    with_each = conditions(PLAIN | MODEL | OF_NAME).map(lambda where: query(where, each=True))
    return st.builds(_finished, plain | with_each, st.booleans(), st.none() | st.integers(0, 12))


def query(where: Expr, *, each: bool = False) -> TypedQuery:
    outputs = [Output("id", ColumnRef("id", INT)), Output("q1", Cast(CallRef(1, LABEL), BOOL))]
    if each:
        outputs.append(Output("who", NAME))
    return TypedQuery(
        source=None,
        columns=FIELDS,
        text="body",
        proxy=ProxyRef(),
        calls=CALLS,
        lets=(),
        each=(EachBinding("who", CallRef(5, list_of(SPAN))),) if each else (),
        where=where,
        grouping=None,
        outputs=tuple(outputs),
        order_by=(),
        limit=None,
    )


def _finished(base: TypedQuery, ordered: bool, limit: int | None) -> TypedQuery:
    keys = (SortKey(Score(CallRef(2, LABEL)), descending=True), SortKey(ColumnRef("id", INT)))
    return replace(base, order_by=keys if ordered else (), limit=limit)


COMPARE: dict[str, Any] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def meaning(expr: Expr, row: dict[str, Any]) -> Any:
    """The value of a condition for one row, None for null, read as SQL says and nothing else."""
    match expr:
        case Literal(value):
            return value
        case ColumnRef(name):
            return row[name]
        case Not(operand):
            value = meaning(operand, row)
            return None if value is None else not value
        case And(operands):
            values = [meaning(operand, row) for operand in operands]
            return False if False in values else None if None in values else True
        case Or(operands):
            values = [meaning(operand, row) for operand in operands]
            return True if True in values else None if None in values else False
        case IsNull(operand):
            return meaning(operand, row) is None
        case Comparison(op, left, right):
            sides = meaning(left, row), meaning(right, row)
            return None if None in sides else COMPARE[op](*sides)
        case In(value, options):
            return meaning(Or(tuple(Comparison("=", value, option) for option in options)), row)
        case TextTest("contains", value, pattern):
            text = meaning(value, row)
            return None if text is None else meaning(pattern, row) in text
        case Cast(CallRef() as call, _):
            score = meaning(call, row)
            return None if score is None else score >= FakeProxy.label_threshold
        case Score(operand):
            return meaning(operand, row)
        case CallRef(index):
            return _answer(CALLS[index], row["body"])
        case Function("exists", (operand,)):
            return bool(meaning(operand, row))
        case _:
            raise AssertionError(expr)


def _answer(call: ModelCall, text: str | None) -> Any:
    if text is None:
        return None
    instruction = str(call.instruction[0])
    if call.kind == "label":
        return float(FakeProxy().label([text], [instruction])[0])
    return FakeProxy().spans([text], [instruction])[0]
