"""A plan survives JSON, and nothing else gets in that way."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.errors import PlanError
from falconql.runtime.expression import CallRef, Cast, ColumnRef, Comparison, Literal
from falconql.runtime.plan import (
    AllOf,
    Each,
    Field,
    Filter,
    Limit,
    ModelCall,
    Output,
    Plan,
    Project,
    ProxyRef,
    Scan,
    Test,
)
from falconql.runtime.types import BOOL, FLOAT, INT, LABEL, SPAN, TEXT, list_of, other

BODY = ColumnRef("body", TEXT)


def _plan(literal: Literal) -> Plan:
    is_laptop = Cast(CallRef(0, LABEL), BOOL)
    predicate = AllOf(
        (
            Test(Comparison(">=", ColumnRef("stars", literal.type), literal), "stars >= 4", 1e-8, 0.5),
            Test(is_laptop, "laptop", 0.002, 0.3, 41.5, (0,)),
        )
    )
    scan = Scan((Field("body", TEXT), Field("stars", literal.type), Field("raw", other("struct<a: int64>"))))
    each = Each(Filter(scan, predicate), "price", CallRef(1, list_of(SPAN)), SPAN)
    return Plan(
        root=Limit(Project(each, (Output("body", BODY),)), 10),
        calls=(
            ModelCall("label", BODY, ("Is this a laptop?",), LABEL, name="laptop"),
            ModelCall("spans", BODY, ("price of ", BODY, "?"), list_of(SPAN), threshold=0.25),
        ),
        proxy=ProxyRef("kestrel"),
        output=(Field("body", TEXT),),
        source="reviews.parquet",
    )


PLAN = _plan(Literal(4, INT))

LITERALS = st.one_of(
    st.builds(Literal, st.integers(-(2**63), 2**63 - 1), st.just(INT)),
    st.builds(Literal, st.floats(allow_nan=False), st.just(FLOAT)),
    st.builds(Literal, st.text(), st.just(TEXT)),
    st.builds(Literal, st.booleans(), st.just(BOOL)),
    st.builds(Literal, st.none(), st.just(INT)),
)


@given(LITERALS)
def test_a_plan_read_back_equals_the_plan_saved(literal: Literal) -> None:
    plan = _plan(literal)
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert repr(again) == repr(plan)  # 1, 1.0 and True are equal in Python


def _changed(path: tuple[str | int, ...], value: object) -> str:
    data: Any = json.loads(PLAN.to_json())
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[1]", "not a FalconQL plan"),
        ('{"node": "Scan"}', "not a FalconQL plan"),
        ("[" * 100_000, "not JSON"),
        (_changed(("version",), 99), "version 99"),
        (_changed(("root", "count"), "10"), "plan.root.count: unexpected value '10'"),
        (_changed(("root", "count"), True), "plan.root.count: unexpected value True"),
        (_changed(("root", "node"), "System"), "unexpected node 'System'"),
        (_changed(("root", "input"), {"node": "Field"}), "unexpected node 'Field'"),
        (_changed(("root", "extra"), 1), "Limit has no field 'extra'"),
        (_changed(("calls", 0, "kind"), "shell"), "plan.calls[0].kind: 'shell' is none of"),
        (_changed(("calls", 0, "type"), "Pickle"), "unknown type 'Pickle'"),
        (_changed(("calls", 0, "type"), 7), "a type name was expected"),
        (_changed(("output",), {}), "plan.output: a list was expected"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        Plan.from_json(text)
    assert message in str(caught.value)


def test_a_missing_field_is_named() -> None:
    data = json.loads(PLAN.to_json())
    del data["root"]["input"]["outputs"]
    with pytest.raises(PlanError, match="Project lacks the field 'outputs'"):
        Plan.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("root", "input", "outputs", 0, "value", "name"), "title", "no column 'title' of type Text comes from below"),
        (("root", "input", "input", "value", "index"), 7, "there is no call 7"),
        (("root", "input", "input", "value", "index"), 0, "the result of a label call is Label, not [Span]"),
        (("root", "input", "input", "type"), "Text", "`each` goes through [Span] for a Text"),
        (("root", "count"), -1, "a limit is below 0"),
        (("calls", 1, "instruction", 1, "type"), "Int", "no column 'body' of type Int comes from below"),
        (("calls", 0, "threshold"), 1.5, "a threshold is not between 0 and 1"),
        (("calls", 0, "options"), ["a"], "a label call has 1 options"),
        (("calls", 0, "text"), {"node": "CallRef", "index": 0, "type": "Label"}, "a call needs its own result"),
        (("output", 0, "type"), "Int", "the output is not what the plan's last step gives"),
        (
            ("root", "input", "outputs", 0, "value"),
            {"node": "Literal", "value": True, "type": "Int"},
            "True is not Int",
        ),
        (
            ("root", "input", "outputs", 0, "value"),
            {"node": "Cast", "operand": {"node": "Literal", "value": None, "type": "Null"}, "type": "Other:binary"},
            "binary is not of the corpus",
        ),
    ],
)
def test_a_plan_that_does_not_fit_together_is_refused(path: tuple[str | int, ...], value: object, message: str) -> None:
    with pytest.raises(PlanError, match=f"the plan does not fit together: {re.escape(message)}"):
        Plan.from_json(_changed(path, value))
