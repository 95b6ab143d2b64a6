"""The order of predicates by cost and selectivity: the arithmetic alone.

The planner and the run-time orderer both use it, so the two cannot disagree. Pure functions of
numbers and predicate trees; knows nothing of rows, models or where an estimate came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal as OneOf

from falconql.runtime.plan import AllOf, AnyOf, Predicate, Test

Within = OneOf["and", "or"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What deciding a predicate is expected to take per row, and how often it is true."""

    cost: float
    selectivity: float


def rank(cost: float, selectivity: float, *, within: Within) -> float:
    """Return the sort key of a predicate among its siblings; the lowest runs first.

    In a conjunction a predicate ends the work for the rows where it is not true, in a disjunction
    for those where it is true: the rank is the cost for each row it takes away. One that takes
    none away comes last; one that costs nothing comes first. ``cost`` may have any unit as long as
    all siblings share it.

    >>> rank(10.0, 0.5, within="and")
    20.0
    >>> rank(10.0, 0.25, within="or")
    40.0
    """
    decided = 1.0 - selectivity if within == "and" else selectivity
    if cost <= 0.0:
        return 0.0
    return cost / decided if decided > 0.0 else inf


def combine(estimates: tuple[Estimate, ...], *, within: Within) -> Estimate:
    """Return the estimate of siblings decided in this order with short circuit, as if independent."""
    cost = 0.0
    reached = 1.0
    for estimate in estimates:
        cost += reached * estimate.cost
        reached *= estimate.selectivity if within == "and" else 1.0 - estimate.selectivity
    return Estimate(cost, reached if within == "and" else 1.0 - reached)


def estimate(predicate: Predicate) -> Estimate:
    """Return seconds per row and selectivity of a predicate in its present order."""
    if isinstance(predicate, Test):
        return Estimate(predicate.cost_s, predicate.selectivity)
    within: Within = "and" if isinstance(predicate, AllOf) else "or"
    return combine(tuple(estimate(child) for child in predicate.children), within=within)


def order_by_rank(predicate: Predicate) -> Predicate:
    """Return the predicate with the children of every node in ascending rank, from the leaves up.

    Equal ranks keep their order, so that the result is the same on every run.
    """
    if isinstance(predicate, Test):
        return predicate
    within: Within = "and" if isinstance(predicate, AllOf) else "or"
    ordered = [order_by_rank(child) for child in predicate.children]
    ranked = [(child, estimate(child)) for child in ordered]
    ranked.sort(key=lambda pair: rank(pair[1].cost, pair[1].selectivity, within=within))
    children = tuple(child for child, _ in ranked)
    return AllOf(children) if isinstance(predicate, AllOf) else AnyOf(children)
