"""The physical plan: what to execute, as data.

A plan names its corpus and its proxy but holds neither; it can be printed, saved as JSON, shipped
to another process and executed there by the runtime alone. The planner imports this module, never
the other way round. Which column values exist where: a ``Scan`` gives the columns it lists; ``Each``
adds a variable; ``Project`` and ``Aggregate`` replace everything by their outputs. Results of model
calls are computed when an expression first needs them and travel with their rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as OneOf

from falconql.runtime.expression import AggregateName, Expr
from falconql.runtime.types import Type

VERSION = 1

CallKind = OneOf["label", "span", "spans", "choose"]


@dataclass(frozen=True, slots=True)
class Field:
    """A named, typed column of an input or output."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One model call, written once however often the query mentions it.

    ``text`` is what is read (a Text expression). ``instruction`` alternates fixed text and quoted
    values (Text expressions); a null in a quoted value or in the text makes the result null.
    ``options`` are the choices of a ``choose``; ``threshold`` overrides the proxy's own for a
    label or for spans; ``name`` is the ``let`` or ``each`` it was given to, for people.
    """

    kind: CallKind
    text: Expr
    instruction: tuple[str | Expr, ...]
    type: Type
    options: tuple[str, ...] = ()
    threshold: float | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ProxyRef:
    """Which proxy: a registered name or a path, or the model name of an LLM."""

    name: str = "kestrel"
    llm: bool = False


@dataclass(frozen=True, slots=True)
class Test:
    """A condition that is decided as a whole, with what the planner expects of it.

    ``text`` is the condition as people read it; ``cost_s`` seconds per row; ``tokens`` model tokens
    per row; ``selectivity`` the share of rows for which it is true; ``calls`` the indices of the
    model calls that deciding it needs.
    """

    __test__ = False  # pytest would collect a class of this name

    condition: Expr
    text: str
    cost_s: float
    selectivity: float
    tokens: float = 0.0
    calls: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where every child is; children in the order to start with."""

    children: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where some child is; children in the order to start with."""

    children: tuple[Predicate, ...]


Predicate = Test | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Scan:
    """Read ``columns`` of the corpus.

    ``filter`` uses no model and no variable; the source applies it as far as it can, the scan
    operator the rest, so that only rows for which it is true leave the scan: a share of
    ``selectivity``, as the planner expects.
    """

    columns: tuple[Field, ...]
    filter: Expr | None = None
    selectivity: float = 1.0


@dataclass(frozen=True, slots=True)
class Filter:
    """Keep the rows for which the predicate is true (not null, not false).

    A predicate has no negation above its tests, so that "true or not" of the whole follows from
    "true or not" of the tests. ``adaptive``: the order may change between batches by what was
    measured; otherwise it stays as it stands.
    """

    input: Node
    predicate: Predicate
    adaptive: bool = True


@dataclass(frozen=True, slots=True)
class Each:
    """One row per element of ``value`` (a list), none for an empty or null one; adds ``name``."""

    input: Node
    name: str
    value: Expr
    type: Type


@dataclass(frozen=True, slots=True)
class Output:
    """One output column. A name that begins with ``$`` is internal and dropped before the end."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Project:
    """Exactly these columns, in this order."""

    input: Node
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """``function`` over a group; ``operand`` is None for ``count()`` alone."""

    function: AggregateName
    operand: Expr | None
    type: Type


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One row per group with columns ``$key0``, ..., ``$agg0``, ...; without keys exactly one row."""

    input: Node
    keys: tuple[Expr, ...]
    aggregates: tuple[AggregateCall, ...]


@dataclass(frozen=True, slots=True)
class SortKey:
    """A sort key; nulls come last whatever the direction; ties keep their order."""

    value: Expr
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """In key order; with ``limit`` only the first rows, kept in memory as a top-k."""

    input: Node
    keys: tuple[SortKey, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """The first ``count`` rows; stops reading when it has them."""

    input: Node
    count: int


Node = Scan | Filter | Each | Project | Aggregate | Sort | Limit


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. ``source`` is the corpus the query names (None: given from outside)."""

    root: Node
    calls: tuple[ModelCall, ...]
    proxy: ProxyRef
    output: tuple[Field, ...]
    source: str | None = None
    version: int = VERSION

    def to_json(self) -> str:
        """Return the plan as JSON text; ``Plan.from_json`` gives an equal plan back."""
        from falconql.runtime.codec import encode_plan

        return encode_plan(self)

    @staticmethod
    def from_json(text: str) -> Plan:
        """Read a saved plan.

        Raises:
            PlanError: not JSON, another version, or nodes and fields this version does not know.
        """
        from falconql.runtime.codec import decode_plan

        return decode_plan(text)


def input_of(node: Node) -> Node | None:
    """Return the node that feeds this one, None for a scan."""
    return None if isinstance(node, Scan) else node.input


def nodes(root: Node) -> Iterator[Node]:
    """Yield the nodes from the root down to the scan."""
    node: Node | None = root
    while node is not None:
        yield node
        node = input_of(node)


def tests(predicate: Predicate) -> Iterator[Test]:
    """Yield the tests of a predicate in their present order."""
    if isinstance(predicate, Test):
        yield predicate
    else:
        for child in predicate.children:
            yield from tests(child)
