"""A checked query: every name resolved, every expression typed.

Expressions are those of ``falconql.runtime.expression``. ``let`` values are inlined where they are
used (a model call is evaluated once per row however often it is mentioned); an output column or
sort key of an aggregation refers to ``$key0``/``$agg0`` columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from falconql.runtime.expression import Expr
from falconql.runtime.plan import AggregateCall, Field, ModelCall, Output, ProxyRef, SortKey


@dataclass(frozen=True, slots=True)
class Binding:
    """A ``let`` with its value."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class EachBinding:
    """An ``each`` variable and the list it runs over."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Grouping:
    """``keys`` and ``aggregates`` of a query that groups; no keys means one group."""

    keys: tuple[Expr, ...]
    aggregates: tuple[AggregateCall, ...]


@dataclass(frozen=True, slots=True)
class TypedQuery:
    """A query that means something.

    Attributes:
        source: the path after ``from``, None if left out.
        columns: the corpus as it is, every column.
        text: the column model calls read by default, None if there is no call that needs it.
        calls: the model calls in order of first mention; ``CallRef.index`` points here.
        each: in written order; each may use the ones before it.
        outputs: the final columns in order; values over corpus columns and variables, or, when
            ``grouping`` is set, over ``$key``/``$agg`` columns. Their names are distinct.
    """

    source: str | None
    columns: tuple[Field, ...]
    text: str | None
    proxy: ProxyRef
    calls: tuple[ModelCall, ...]
    lets: tuple[Binding, ...]
    each: tuple[EachBinding, ...]
    where: Expr | None
    grouping: Grouping | None
    outputs: tuple[Output, ...]
    order_by: tuple[SortKey, ...]
    limit: int | None
