"""What a whole plan is expected to do: rows through every node, seconds, and an LLM's tokens.

Arithmetic on a physical plan and on what the planner knew; for people and ``explain``, nothing depends
on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from falconql.plan.cost import call_requests, call_tokens
from falconql.plan.logical import references
from falconql.plan.prices import ANSWER_TOKENS_PER_QUESTION, REQUEST_TOKENS
from falconql.plan.stats import Stats
from falconql.runtime.expression import ColumnRef, Expr, walk
from falconql.runtime.ordering import estimate
from falconql.runtime.plan import (
    Aggregate,
    AllOf,
    Each,
    Filter,
    Limit,
    Node,
    Plan,
    Predicate,
    Project,
    Scan,
    Sort,
    Test,
    nodes,
    tests,
)

ELEMENTS_PER_LIST = 2.0
# The first batch of a run that may stop early (``falconql.runtime.operators.scan``).
_FIRST_ROWS = 16.0


@dataclass(frozen=True, slots=True)
class NodeEstimate:
    """Rows out of a node and the seconds that it takes for all rows in."""

    rows: float
    seconds: float


@dataclass(frozen=True, slots=True)
class PlanEstimate:
    """What the planner expects of a plan.

    Attributes:
        rows: rows in the corpus, None if unknown.
        call_s: seconds of each model call for one row, by number.
        call_tokens: the tokens that each reads.
        call_requests: what each asks of a language model: more than one request where texts are long.
        llm_tokens_read, llm_tokens_written: for one row, were it sent to a large model with every
            question of the query.
    """

    rows: int | None
    call_s: tuple[float, ...]
    call_tokens: tuple[float, ...]
    call_requests: tuple[float, ...]
    llm_tokens_read: float
    llm_tokens_written: float


def estimate_plan(plan: Plan, stats: Stats) -> PlanEstimate:
    """Return what is expected of a plan with these statistics."""
    tokens = [float(call_tokens(call, plan.calls, stats).mean()) for call in plan.calls]
    texts = {part.name for call in plan.calls for part in walk(call.text) if isinstance(part, ColumnRef)}
    read = sum(float(stats.text_tokens(column).mean()) for column in texts)
    questions = sum(
        float(sum(stats.count_tokens([p for p in c.instruction if isinstance(p, str)]))) for c in plan.calls
    )
    return PlanEstimate(
        stats.rows,
        tuple(count * stats.seconds_per_token for count in tokens),
        tuple(tokens),
        tuple(float(call_requests(call, plan.calls, stats).mean()) for call in plan.calls),
        read + questions + REQUEST_TOKENS if plan.calls else 0.0,
        ANSWER_TOKENS_PER_QUESTION * len(plan.calls),
    )


def estimate_nodes(plan: Plan, estimated: PlanEstimate, rows: float) -> list[NodeEstimate]:
    """Return the estimates of the nodes from the root down, for a corpus of ``rows`` rows."""
    result: list[NodeEstimate] = []
    answered: set[int] = set()
    for node in reversed(list(nodes(plan.root))):
        needed = references(_expressions(node), plan.calls).calls
        if isinstance(node, Filter):
            seconds = rows * estimate(node.predicate).cost
        else:
            seconds = rows * sum(estimated.call_s[index] for index in needed - answered)
        answered |= needed
        rows = _rows_out(node, rows)
        result.append(NodeEstimate(rows, seconds))
    return result[::-1]


def estimate_rows(plan: Plan, rows: float) -> list[float]:
    """Return the rows that come out of the nodes from the root down, for a corpus of ``rows`` rows."""
    result: list[float] = []
    for node in reversed(list(nodes(plan.root))):
        rows = _rows_out(node, rows)
        result.append(rows)
    return result[::-1]


def _rows_out(node: Node, rows: float) -> float:
    match node:
        case Scan(_, _, selectivity):
            return rows * selectivity
        case Filter(_, predicate):
            return rows * estimate(predicate).selectivity
        case Each():
            return rows * ELEMENTS_PER_LIST
        case Aggregate(_, keys):
            return min(rows, 10.0 ** len(keys)) if keys else 1.0
        case Limit(_, count):
            return min(rows, float(count))
        case Sort(_, _, limit):
            return rows if limit is None else min(rows, float(limit))
        case _:
            return rows


def _limit(node: Node) -> int | None:
    if isinstance(node, Limit):
        return node.count
    return node.limit if isinstance(node, Sort) else None


def _expressions(node: Node) -> tuple[Expr, ...]:
    match node:
        case Filter(_, predicate):
            return tuple(test.condition for test in tests(predicate))
        case Each(_, _, value):
            return (value,)
        case Project(_, outputs):
            return tuple(output.value for output in outputs)
        case Aggregate(_, keys, aggregates):
            return (*keys, *(call.operand for call in aggregates if call.operand is not None))
        case Sort(_, sort_keys):
            return tuple(key.value for key in sort_keys)
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class Spending:
    """What a run is expected to ask of a language model: rows read, requests, and tokens both ways."""

    rows: float
    calls: float
    tokens_read: float
    tokens_written: float


def estimate_spending(plan: Plan, estimated: PlanEstimate, rows: float) -> Spending:
    """Return what running a plan over a corpus of ``rows`` rows is expected to ask, each question by itself."""
    rows = rows_read(plan, rows)
    answered: set[int] = set()
    asked = _Asked(0.0, 0.0)
    total = rows
    for node in reversed(list(nodes(plan.root))):
        needed = references(_expressions(node), plan.calls).calls
        if isinstance(node, Filter):
            per_row = _asked_by(node.predicate, frozenset(answered), estimated.call_requests)
        else:
            new = needed - answered
            requests = sum(estimated.call_requests[index] for index in new)
            per_row = _Asked(requests, sum(estimated.call_tokens[index] for index in new))
        asked = asked.plus(per_row, rows)
        answered |= needed
        rows = _rows_out(node, rows)
    return Spending(total, asked.calls, asked.tokens, ANSWER_TOKENS_PER_QUESTION * asked.calls)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Model calls and the tokens that they read."""

    calls: float
    tokens: float

    def plus(self, other: _Asked, times: float) -> _Asked:
        """Return this and the other, so many times."""
        return _Asked(self.calls + other.calls * times, self.tokens + other.tokens * times)


def _asked_by(predicate: Predicate, answered: frozenset[int], requests: Sequence[float]) -> _Asked:
    """Return what deciding a predicate asks about a row that gets to it."""
    if isinstance(predicate, Test):
        new = set(predicate.calls) - answered
        tokens = predicate.tokens * len(new) / max(1, len(predicate.calls))
        return _Asked(sum(requests[index] for index in new), tokens)
    asked, reached = _Asked(0.0, 0.0), 1.0
    for child in predicate.children:
        asked = asked.plus(_asked_by(child, answered, requests), reached)
        answered = answered.union(*(test.calls for test in tests(child)))
        true = estimate(child).selectivity
        reached *= true if isinstance(predicate, AllOf) else 1.0 - true
    return asked


def rows_read(plan: Plan, rows: float) -> float:
    """Return how many rows are read: with a ``limit`` that nothing below needs all rows for, not many more than it."""
    chain = list(nodes(plan.root))
    if any(_limit(node) == 0 for node in chain):
        return 0.0
    for place, node in enumerate(chain):
        if isinstance(node, Sort | Aggregate):
            return rows
        if isinstance(node, Limit):
            if any(isinstance(below, Sort | Aggregate) for below in chain[place:]):
                return rows
            coming = estimate_rows(plan, rows)[place + 1]
            wanted = node.count * rows / coming if coming else rows
            return min(rows, max(2.0 * wanted, 2.0 * node.count, _FIRST_ROWS))
    return rows
