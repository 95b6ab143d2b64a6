"""The driver of the rewrite rules: which, in which order, until nothing changes.

A rule is a pure function from plan to plan that returns None where it does not match. The driver
checks after each that the columns of the result are the same, and tells an observer. Knows nothing
of costs: no rule here needs a number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from falconql.plan.logical import LogicalPlan
from falconql.plan.rules import RULES, Rule

__all__ = ["RULES", "Firing", "OptimiserError", "Rule", "optimise"]

_PASSES = 20


class OptimiserError(RuntimeError):
    """A rule broke its promise (FQL901): an error in FalconQL, not in the query."""


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule that changed the plan: its name, what it did in one clause, the plan before and after."""

    rule: str
    summary: str
    before: LogicalPlan
    after: LogicalPlan


def optimise(
    plan: LogicalPlan,
    *,
    rules: Sequence[Rule] = RULES,
    observer: Callable[[Firing], None] | None = None,
) -> LogicalPlan:
    """Apply the rules in order, again and again, until a whole pass changes nothing.

    The number of passes has a limit, because the plan is right after any of them: a pair of rules
    that undo each other shall cost time, not the query. Tests see that the limit is not reached.

    Raises:
        OptimiserError: a rule changed the output columns.
    """
    for _ in range(_PASSES):
        before_pass = plan
        for rule in rules:
            plan = _apply(rule, plan, observer)
        if plan == before_pass:
            return plan
    return plan


def _apply(rule: Rule, plan: LogicalPlan, observer: Callable[[Firing], None] | None) -> LogicalPlan:
    after = rule.apply(plan)
    if after is None or after == plan:
        return plan
    if after.schema != plan.schema:
        raise OptimiserError(f"FQL901: the rule `{rule.name}` changed the columns of the result")
    if observer is not None:
        observer(Firing(rule.name, rule.summary, plan, after))
    return after
