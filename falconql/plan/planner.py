"""The one entry of this package: typed query in, physical plan out, with what was decided on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from falconql.check.typed import TypedQuery
from falconql.plan.chooser import Order, Rejected, choose
from falconql.plan.estimates import PlanEstimate, estimate_plan
from falconql.plan.logical import Filter, Limit, LogicalPlan, Scan, nodes
from falconql.plan.lowering import lower
from falconql.plan.optimiser import RULES, Firing, Rule, optimise
from falconql.plan.stats import Stats
from falconql.runtime.plan import Plan


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with its history.

    Attributes:
        plan: what to run.
        logical: the plan after the rules.
        fired: the rules that changed something, in the order they did, for ``explain --rules``.
        rejected: the orders that lost.
        estimated: what is expected of the plan.
        notes: what the user should know about the query, a clause each.
    """

    plan: Plan
    logical: LogicalPlan
    fired: tuple[Firing, ...]
    rejected: tuple[Rejected, ...]
    estimated: PlanEstimate
    notes: tuple[str, ...]


def plan_query(
    query: TypedQuery, *, stats: Stats | None = None, order: Order = "cost", rules: Sequence[Rule] = RULES
) -> Planned:
    """Return the plan of a query.

    Args:
        query: what the checker returned.
        stats: what is known of the corpus; defaults only, if left out.
        order: ``written`` keeps conditions where and in the order in which they stand in the query:
            no rule moves them, and nothing changes while running.
        rules: the rewrites to use; any subset in any order gives the same rows.
    """
    known = stats or Stats()
    firings: list[Firing] = []
    used = rules if order == "cost" else [rule for rule in rules if not rule.moves]
    optimised = optimise(lower(query), rules=used, observer=firings.append)
    choice = choose(optimised, stats=known, order=order)
    return Planned(
        choice.plan,
        optimised,
        tuple(firings),
        choice.rejected,
        estimate_plan(choice.plan, known),
        _notes(query, optimised),
    )


def _notes(query: TypedQuery, plan: LogicalPlan) -> tuple[str, ...]:
    empty = any(isinstance(node, Limit) and node.count == 0 for node in nodes(plan.root))
    if empty and query.limit != 0:
        return ("the condition can never be true: nothing is read",)
    filtered = any(isinstance(node, Filter) or (isinstance(node, Scan) and node.filter) for node in nodes(plan.root))
    if query.where is not None and not filtered and not empty:
        return ("the condition is always true: every row is kept",)
    return ()
