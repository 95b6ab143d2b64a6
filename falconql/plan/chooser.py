"""From the logical to the physical plan: which order to start with, and what it is expected to cost.

Every filter becomes a tree of tests whose children stand in ascending rank (``falconql.runtime.ordering``);
the orders that lost are recorded for ``explain``. Rewrites nothing: that is the optimiser's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal as OneOf
from typing import assert_never

import numpy as np

from falconql.plan import logical
from falconql.plan.cost import RowCost, condition_cost
from falconql.plan.logical import LogicalNode, LogicalPlan, references
from falconql.plan.stats import Stats, Vector
from falconql.runtime import plan as physical
from falconql.runtime.display import expr_text
from falconql.runtime.expression import And, Expr, Or
from falconql.runtime.ordering import Within, estimate, rank
from falconql.runtime.plan import AllOf, AnyOf, ModelCall, Predicate, Test, tests

Order = OneOf["cost", "written"]

# Weight of the guess by kind, in rows, against what the sampled rows that get so far show.
_PRIOR_ROWS = 2.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """An order that lost: its tests as people read them and its expected seconds per row."""

    tests: tuple[str, ...]
    cost_s: float
    chosen_cost_s: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The physical plan and what was turned down for it."""

    plan: physical.Plan
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class _Arranged:
    """A predicate in order, with seconds and chance of being true per sampled row."""

    predicate: Predicate
    seconds: Vector
    chance: Vector


def choose(plan: LogicalPlan, *, stats: Stats, order: Order = "cost") -> Choice:
    """Return the plan to run; ``order="written"`` keeps every condition as it stands, for good."""
    rejected: list[Rejected] = []
    scanned = _scanned(plan, stats)

    def filter_of(node: logical.Filter, below: physical.Node) -> physical.Filter:
        costs = _costs(node.condition, plan.calls, stats)
        written = _arrange(_tree(node.condition, plan.calls), costs, scanned, reorder=False)
        if order == "written":
            return physical.Filter(below, written.predicate, adaptive=False)
        chosen = _arrange(written.predicate, costs, scanned, reorder=True)
        if _texts(chosen.predicate) != _texts(written.predicate):
            seconds = estimate(written.predicate).cost, estimate(chosen.predicate).cost
            rejected.append(Rejected(_texts(written.predicate), *seconds))
        return physical.Filter(below, chosen.predicate)

    root = _physical(plan.root, filter_of, share=_share(scanned, np.ones(1)))
    chosen = physical.Plan(root, plan.calls, plan.proxy, plan.schema, plan.source)
    return Choice(chosen, tuple(rejected))


def _physical(
    node: LogicalNode, filter_of: Callable[[logical.Filter, physical.Node], physical.Filter], share: float
) -> physical.Node:
    if isinstance(node, logical.Scan):
        return physical.Scan(node.columns, node.filter, 1.0 if node.filter is None else share)
    below = _physical(node.input, filter_of, share)
    match node:
        case logical.Filter():
            return filter_of(node, below)
        case logical.Each(_, name, value, type_):
            return physical.Each(below, name, value, type_)
        case logical.Project(_, outputs):
            return physical.Project(below, outputs)
        case logical.Aggregate(_, keys, aggregates):
            return physical.Aggregate(below, keys, aggregates)
        case logical.Sort(_, sort_keys, limit):
            return physical.Sort(below, sort_keys, limit)
        case logical.Limit(_, count):
            return physical.Limit(below, count)
        case _:
            assert_never(node)


def _scanned(plan: LogicalPlan, stats: Stats) -> Vector:
    """Return each sampled row's chance to leave the scan."""
    *_, scan = logical.nodes(plan.root)
    assert isinstance(scan, logical.Scan), "every chain of nodes ends in a scan"
    return np.ones(1) if scan.filter is None else condition_cost(scan.filter, plan.calls, stats).chance


def _tree(condition: Expr, calls: tuple[ModelCall, ...]) -> Predicate:
    """Return the condition as tests under and/or; costs are filled in when it is arranged."""
    match condition:
        case And(operands):
            return AllOf(tuple(_tree(operand, calls) for operand in operands))
        case Or(operands):
            return AnyOf(tuple(_tree(operand, calls) for operand in operands))
        case _:
            needed = tuple(sorted(references((condition,), calls).calls))
            return Test(condition, expr_text(condition, calls), 0.0, 0.0, 0.0, needed)


def _costs(condition: Expr, calls: tuple[ModelCall, ...], stats: Stats) -> dict[Expr, RowCost]:
    leaves = {test.condition for test in tests(_tree(condition, calls))}
    return {leaf: condition_cost(leaf, calls, stats) for leaf in leaves}


def _arrange(predicate: Predicate, costs: dict[Expr, RowCost], reach: Vector, *, reorder: bool) -> _Arranged:
    """Order a predicate for the rows that get to it; ``reach`` is each sampled row's chance to.

    The next child is always the one of lowest rank among those rows, so that of two correlated
    conditions the second is judged by what the first leaves over.
    """
    if isinstance(predicate, Test):
        cost = costs[predicate.condition]
        test = replace(
            predicate,
            cost_s=_mean(cost.seconds, reach),
            tokens=_mean(cost.tokens, reach),
            selectivity=_share(cost.chance, reach),
        )
        return _Arranged(test, cost.seconds, cost.chance)
    within: Within = "and" if isinstance(predicate, AllOf) else "or"
    waiting = list(predicate.children)
    placed: list[Predicate] = []
    seconds, inside = np.zeros(1), np.ones(1)
    while waiting:
        considered = waiting if reorder else waiting[:1]
        candidates = [_arrange(child, costs, reach * inside, reorder=reorder) for child in considered]
        best = 0
        if reorder:
            ranks = [_rank(candidate, reach * inside, within) for candidate in candidates]
            best = ranks.index(min(ranks))
        waiting.pop(best)
        placed.append(candidates[best].predicate)
        seconds = seconds + inside * candidates[best].seconds
        chance = candidates[best].chance
        inside = inside * (chance if within == "and" else 1.0 - chance)
    children = tuple(placed)
    whole: Predicate = AllOf(children) if within == "and" else AnyOf(children)
    return _Arranged(whole, seconds, inside if within == "and" else 1.0 - inside)


def _rank(candidate: _Arranged, reach: Vector, within: Within) -> float:
    return rank(_mean(candidate.seconds, reach), _share(candidate.chance, reach), within=within)


def _mean(values: Vector, weights: Vector) -> float:
    values, weights = np.broadcast_arrays(values, weights)
    total = float(weights.sum())
    return float(values.mean()) if total <= 0.0 else float((values * weights).sum() / total)


def _share(chance: Vector, reach: Vector) -> float:
    """Return how often something is true among the rows that get to it, drawn to its overall share."""
    if chance.size == 1:
        return float(chance[0])
    chance, reach = np.broadcast_arrays(chance, reach)
    overall = (float(chance.sum()) + 0.5 * _PRIOR_ROWS) / (chance.size + _PRIOR_ROWS)
    return (float((chance * reach).sum()) + overall * _PRIOR_ROWS) / (float(reach.sum()) + _PRIOR_ROWS)


def _texts(predicate: Predicate) -> tuple[str, ...]:
    return tuple(test.text for test in tests(predicate))
