"""The checked query as programs see it."""

from __future__ import annotations

import json

import pytest

from falconql.catalog import Catalog
from falconql.check.describe import describe
from tests.check.support import typed


def test_a_whole_query() -> None:
    described = describe(
        typed(
            """
            from "reviews.parquet"
            text body
            using "laptops"
            let good = label("Is the reviewer satisfied?", threshold: 0.6)
            each who in spans(title, "people")
            where stars >= 4 and (good or not verified) and title contains "x"
            select id, who, job: span("What does {who} of {title} do?"), score(good), mood: choose("?", "a", "b")
            order by score(good) desc, id
            limit 7
            """
        )
    )
    assert described == {
        "from": "reviews.parquet",
        "text": "body",
        "using": {"name": "laptops", "llm": False},
        "calls": [
            {
                "kind": "label",
                "instruction": "Is the reviewer satisfied?",
                "column": "body",
                "name": "good",
                "uses": [],
                "threshold": 0.6,
            },
            {"kind": "spans", "instruction": "people", "column": "title", "name": "who", "uses": []},
            {
                "kind": "span",
                "instruction": "What does {who} of {title} do?",
                "column": "body",
                "name": "job",
                "uses": ["who", "title"],
            },
            {"kind": "choose", "instruction": "?", "column": "body", "name": "mood", "uses": [], "options": ["a", "b"]},
        ],
        "each": [{"name": "who", "call": 1, "value": 'spans(title, "people")'}],
        "where": {
            "and": [
                {"column": "stars", "op": ">=", "value": 4},
                {"or": [{"call": 0}, {"not": {"column": "verified", "op": "=", "value": True}}]},
                {"column": "title", "op": "contains", "value": "x"},
            ]
        },
        "group_by": None,
        "select": [
            {"name": "id", "call": None, "value": "id"},
            {"name": "who", "call": 1, "value": "who"},
            {"name": "job", "call": 2, "value": 'span("What does {who} of {title} do?")'},
            {"name": "score", "call": 0, "value": "score(good)"},
            {"name": "mood", "call": 3, "value": 'choose("?", "a", "b")'},
        ],
        "order_by": [
            {"value": "score(good)", "call": 0, "descending": True},
            {"value": "id", "call": None, "descending": False},
        ],
        "limit": 7,
    }
    assert json.loads(json.dumps(described)) == described


@pytest.mark.parametrize(
    ("condition", "tree"),
    [
        ("3 < stars", {"column": "stars", "op": ">", "value": 3}),
        ("price <= 3", {"column": "price", "op": "<=", "value": 3.0}),
        ("stars in (1, 2)", {"column": "stars", "op": "in", "value": [1, 2]}),
        ('published = "2024-05-31"', {"column": "published", "op": "=", "value": "2024-05-31"}),
        ("title is null", {"column": "title", "op": "is null", "value": None}),
        ("title is not null", {"column": "title", "op": "is not null", "value": None}),
        ("title matches /a b/i", {"column": "title", "op": "matches", "value": "/a b/i"}),
        ('title starts with "a"', {"column": "title", "op": "starts with", "value": "a"}),
        ("not (verified or verified = false)", None),
        ("stars + 1 > price", {"text": "stars + 1 > price"}),
        ('span("x") contains "y"', {"text": 'span("x") contains "y"'}),
        ('label("x") = true', {"text": 'label("x") = true'}),
    ],
)
def test_conditions(condition: str, tree: object) -> None:
    negated = {"column": "verified", "op": "=", "value": True}, {"column": "verified", "op": "=", "value": False}
    expected = tree or {"not": {"or": list(negated)}}
    assert describe(typed(f"text body where {condition}"))["where"] == expected


def test_lets_are_seen_through_in_conditions_and_named_in_instructions() -> None:
    described = describe(
        typed('text body let low = lower(title) let cheap = price < 5 where cheap select x: span("{low}")')
    )
    assert described["where"] == {"column": "price", "op": "<", "value": 5.0}
    assert described["calls"][0]["instruction"] == "{low}"
    assert described["calls"][0]["uses"] == ["low"]


def test_groups() -> None:
    described = describe(
        typed('text body group by section select section, n: count(), bad: share(label("x")) order by n, count() * 2')
    )
    assert described["group_by"] == ["section"]
    assert described["select"] == [
        {"name": "section", "call": None, "value": "section"},
        {"name": "n", "call": None, "value": "count()"},
        {"name": "bad", "call": 0, "value": 'share(label("x"))'},
    ]
    assert [key["value"] for key in described["order_by"]] == ["count()", "count() * 2"]


def test_without_a_corpus() -> None:
    described = describe(typed('where stars >= 4 and label("x") and flag', catalog=Catalog(None)))
    assert described["where"] == {
        "and": [
            {"column": "stars", "op": ">=", "value": 4},
            {"call": 0},
            {"column": "flag", "op": "=", "value": True},
        ]
    }
    assert described["select"] == [{"name": "*", "call": None, "value": "*"}]
