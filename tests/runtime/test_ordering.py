"""Ranks: the formula gives the best order of independent predicates, whatever the alternatives."""

from __future__ import annotations

import itertools
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.expression import Literal
from falconql.runtime.ordering import Estimate, combine, estimate, order_by_rank, rank
from falconql.runtime.plan import AllOf, AnyOf, Predicate, Test
from falconql.runtime.plan import tests as leaves_of
from falconql.runtime.types import BOOL

TESTS = st.builds(
    lambda cost, selectivity: Test(Literal(True, BOOL), f"{cost}/{selectivity}", cost, selectivity),
    st.floats(0.0, 10.0),
    st.floats(0.0, 1.0),
)


@given(st.lists(TESTS, min_size=1, max_size=5), st.booleans())
def test_no_permutation_of_independent_siblings_is_cheaper(leaves: list[Test], conjunction: bool) -> None:
    node = AllOf if conjunction else AnyOf
    ordered = estimate(order_by_rank(node(tuple(leaves)))).cost
    assert all(ordered <= estimate(node(order)).cost + 1e-9 for order in itertools.permutations(leaves))


def test_the_formulas() -> None:
    assert rank(10.0, 0.5, within="and") == 20.0
    assert rank(10.0, 0.25, within="or") == 40.0
    assert rank(0.0, 1.0, within="and") == 0.0
    assert rank(10.0, 1.0, within="and") == inf
    assert rank(10.0, 0.0, within="or") == inf


def test_short_circuit_is_in_the_cost() -> None:
    parts = (Estimate(1.0, 0.1), Estimate(10.0, 0.5))
    assert combine(parts, within="and") == Estimate(2.0, 0.1 * 0.5)
    assert combine(parts, within="or") == Estimate(1.0 + 0.9 * 10.0, 1.0 - 0.9 * 0.5)


def test_nested_nodes_are_ranked_as_a_whole_and_inside() -> None:
    def test(name: str, cost: float, selectivity: float) -> Test:
        return Test(Literal(True, BOOL), name, cost, selectivity)

    tree: Predicate = AllOf(
        (
            test("dear", 9.0, 0.5),
            AnyOf((test("seldom", 1.0, 0.1), test("often", 1.0, 0.8))),
            test("cheap", 0.5, 0.5),
        )
    )
    assert [t.text for t in leaves_of(order_by_rank(tree))] == ["cheap", "often", "seldom", "dear"]


def test_equal_ranks_keep_their_order() -> None:
    leaves = tuple(Test(Literal(True, BOOL), str(i), 1.0, 0.5) for i in range(4))
    assert order_by_rank(AllOf(leaves)) == AllOf(leaves)
