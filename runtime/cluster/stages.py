"""Which operators of a plan run where, and what has to go from one place to the next.

Scan, filter, ``each`` and select look at one row at a time, so they run block by block, wherever a block is.
Sort, aggregate and limit need everything: what they can do with one block is done there (its first rows, its
groups), and the same operator completes it in one place, over the blocks in the order of the corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from falconql.runtime.expression import CallRef, ColumnRef, Expr, VariableRef, walk
from falconql.runtime.plan import (
    Aggregate,
    AggregateCall,
    Each,
    Filter,
    Limit,
    Node,
    Plan,
    Project,
    Scan,
    Sort,
    nodes,
    tests,
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The operators from ``first`` up to ``last`` (not included), counted from the scan, on every block.

    ``completes``: the operator that is completed in one place after that, if there is one.
    """

    first: int
    last: int
    completes: int | None


@dataclass(frozen=True, slots=True)
class Needed:
    """What later operators look at: columns and variables by name, results of model calls by number.

    ``columns``: None when all of them are in the result.
    """

    columns: frozenset[str] | None
    variables: frozenset[str]
    calls: frozenset[int]


def chain(plan: Plan) -> list[Node]:
    """Return the nodes of a plan, the scan first."""
    return list(reversed(list(nodes(plan.root))))


def stages(plan: Plan) -> list[Stage]:
    """Return the stages of a plan, in order.

    A limit and the select above it may change places: the rows of a block are cut and finished where they are.
    """
    order = chain(plan)
    found: list[Stage] = []
    first = 0
    while first < len(order):
        at = first
        while at < len(order) and not isinstance(order[at], Sort | Aggregate | Limit):
            at += 1
        last = at + 1
        if at < len(order) and isinstance(order[at], Limit):
            while last < len(order) and isinstance(order[last], Project):
                last += 1
        found.append(Stage(first, min(last, len(order)), at if at < len(order) else None))
        first = last
    return found


def asked(plan: Plan, stage: Stage) -> frozenset[int]:
    """Return the model calls that the operators of a stage use themselves."""
    exprs = (expr for node in chain(plan)[stage.first : stage.last] for expr in expressions(node))
    return frozenset(below.index for expr in exprs for below in walk(expr) if isinstance(below, CallRef))


def needed_after(plan: Plan, stage: Stage) -> Needed:
    """Return what the rows of a stage must bring along."""
    sorts = stage.completes is not None and isinstance(chain(plan)[stage.completes], Sort)
    return needed_from(plan, stage.last - 1 if sorts else stage.last)


def needed_from(plan: Plan, first: int) -> Needed:
    """Return what the operators from ``first`` on look at."""
    later = chain(plan)[first:]
    replaced = any(isinstance(node, Project | Aggregate) for node in later)
    waiting = [expr for node in later for expr in expressions(node)]
    columns: set[str] = set()
    variables: set[str] = set()
    calls: set[int] = set()
    while waiting:
        for below in walk(waiting.pop()):
            if isinstance(below, ColumnRef):
                columns.add(below.name)
            elif isinstance(below, VariableRef):
                variables.add(below.name)
            elif isinstance(below, CallRef) and below.index not in calls:
                calls.add(below.index)
                call = plan.calls[below.index]
                waiting += [call.text, *(part for part in call.instruction if not isinstance(part, str))]
    return Needed(frozenset(columns) if replaced else None, frozenset(variables), frozenset(calls))


def expressions(node: Node) -> Iterator[Expr]:
    """Yield the expressions a node evaluates."""
    match node:
        case Scan():
            yield from () if node.filter is None else (node.filter,)
        case Filter():
            yield from (test.condition for test in tests(node.predicate))
        case Each():
            yield node.value
        case Project():
            yield from (output.value for output in node.outputs)
        case Aggregate():
            yield from (*node.keys, *_operands(node.aggregates))
        case Sort():
            yield from (key.value for key in node.keys)
        case Limit():
            yield from ()


def _operands(aggregates: Iterable[AggregateCall]) -> Iterator[Expr]:
    yield from (aggregate.operand for aggregate in aggregates if aggregate.operand is not None)
