"""The logical plan: what a query means, as a chain of relational nodes that rules can rewrite.

Unlike the physical plan, a filter holds one condition, not an ordered tree of tests, and nothing
carries a cost. Expressions are those of ``falconql.runtime.expression``. Knows nothing of rules,
costs or execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from falconql.runtime.expression import CallRef, ColumnRef, Expr, VariableRef, walk
from falconql.runtime.plan import AggregateCall, Field, ModelCall, Output, ProxyRef, SortKey
from falconql.runtime.types import Type


@dataclass(frozen=True, slots=True)
class Scan:
    """Read ``columns``; only rows for which ``filter`` (no model, no variable) is true."""

    columns: tuple[Field, ...]
    filter: Expr | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Keep the rows for which ``condition`` is true (not null, not false)."""

    input: LogicalNode
    condition: Expr


@dataclass(frozen=True, slots=True)
class Each:
    """One row per element of ``value``; the element is the variable ``name`` of type ``type``."""

    input: LogicalNode
    name: str
    value: Expr
    type: Type


@dataclass(frozen=True, slots=True)
class Project:
    """Exactly these columns; variables and model results end here."""

    input: LogicalNode
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One row per group with columns ``$key0``, ..., ``$agg0``, ...; without keys exactly one."""

    input: LogicalNode
    keys: tuple[Expr, ...]
    aggregates: tuple[AggregateCall, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """In key order; with ``limit`` only that many rows."""

    input: LogicalNode
    keys: tuple[SortKey, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """The first ``count`` rows."""

    input: LogicalNode
    count: int


LogicalNode = Scan | Filter | Each | Project | Aggregate | Sort | Limit


@dataclass(frozen=True, slots=True)
class References:
    """What an expression needs of its row: columns and variables by name, model calls by index.

    What the model calls read and quote is included.
    """

    columns: frozenset[str]
    variables: frozenset[str]
    calls: frozenset[int]


@dataclass(frozen=True, slots=True)
class LogicalPlan:
    """A query as nodes over one table of model calls; checked when it is made.

    Raises:
        ValueError: an expression refers to a column, variable or call that does not exist where
            it stands: a mistake in a rule, never in a query.
    """

    root: LogicalNode
    calls: tuple[ModelCall, ...]
    proxy: ProxyRef
    source: str | None = None

    def __post_init__(self) -> None:
        for node in nodes(self.root):
            _check(node, self.calls)

    @property
    def schema(self) -> tuple[Field, ...]:
        """The columns that come out at the top."""
        return schema(self.root)


def nodes(root: LogicalNode) -> Iterator[LogicalNode]:
    """Yield the nodes from the root down to the scan."""
    node = root
    while not isinstance(node, Scan):
        yield node
        node = node.input
    yield node


def with_input(node: LogicalNode, below: LogicalNode) -> LogicalNode:
    """Return the node over another input; a scan has none and stays as it is."""
    return node if isinstance(node, Scan) else replace(node, input=below)


def schema(node: LogicalNode) -> tuple[Field, ...]:
    """Return the columns (not the variables) that a node gives."""
    match node:
        case Scan(columns):
            return columns
        case Project(_, outputs):
            return tuple(Field(output.name, output.value.type) for output in outputs)
        case Aggregate(_, keys, aggregates):
            return (
                *(Field(f"$key{i}", key.type) for i, key in enumerate(keys)),
                *(Field(f"$agg{i}", call.type) for i, call in enumerate(aggregates)),
            )
        case Filter() | Each() | Sort() | Limit():
            return schema(node.input)
        case _:
            assert_never(node)


def variables(node: LogicalNode) -> frozenset[str]:
    """Return the ``each`` variables that the rows of a node carry."""
    match node:
        case Scan() | Project() | Aggregate():
            return frozenset()
        case Each(below, name):
            return variables(below) | {name}
        case Filter() | Sort() | Limit():
            return variables(node.input)
        case _:
            assert_never(node)


def expressions(node: LogicalNode) -> tuple[Expr, ...]:
    """Return the expressions of one node, evaluated on the rows of its input."""
    match node:
        case Scan(_, condition):
            return () if condition is None else (condition,)
        case Filter(_, condition):
            return (condition,)
        case Each(_, _, value):
            return (value,)
        case Project(_, outputs):
            return tuple(output.value for output in outputs)
        case Aggregate(_, keys, aggregates):
            return (*keys, *(call.operand for call in aggregates if call.operand is not None))
        case Sort(_, keys_):
            return tuple(key.value for key in keys_)
        case Limit():
            return ()
        case _:
            assert_never(node)


def references(exprs: Iterable[Expr], calls: tuple[ModelCall, ...]) -> References:
    """Return what the expressions together need, through the model calls they mention."""
    columns: set[str] = set()
    names: set[str] = set()
    seen: set[int] = set()
    pending = list(exprs)
    while pending:
        for part in walk(pending.pop()):
            match part:
                case ColumnRef(name):
                    columns.add(name)
                case VariableRef(name):
                    names.add(name)
                case CallRef(index) if index not in seen:
                    seen.add(index)
                    pending += inputs_of(calls[index])
                case _:
                    pass
    return References(frozenset(columns), frozenset(names), frozenset(seen))


def inputs_of(call: ModelCall) -> tuple[Expr, ...]:
    """Return what a model call reads: its text and the values quoted in its instruction."""
    return (call.text, *(part for part in call.instruction if not isinstance(part, str)))


def uses_model(expr: Expr) -> bool:
    """Whether any part of the expression is the result of a model call."""
    return any(isinstance(part, CallRef) for part in walk(expr))


def _check(node: LogicalNode, calls: tuple[ModelCall, ...]) -> None:
    below = node if isinstance(node, Scan) else node.input
    needed = references(expressions(node), calls)
    missing = sorted(needed.columns - {field.name for field in schema(below)})
    missing += sorted(needed.variables - variables(below))
    if missing:
        raise ValueError(f"{type(node).__name__} refers to {missing[0]}, which its input does not give")
    if isinstance(node, Scan) and needed.calls:
        raise ValueError("a scan cannot call a model")
