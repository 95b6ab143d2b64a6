"""From a typed query to the logical plan that says the same, clause by clause.

No cleverness: rules make it fast. One thing is settled here because it is what the clauses mean:
values that only ``select`` needs are computed last, above ``where``, ``order by`` and ``limit``.
"""

from __future__ import annotations

from falconql.check.typed import TypedQuery
from falconql.plan.logical import (
    Aggregate,
    Each,
    Filter,
    Limit,
    LogicalNode,
    LogicalPlan,
    Project,
    Scan,
    Sort,
)


def lower(query: TypedQuery) -> LogicalPlan:
    """Return ``Scan -> Each* -> Filter -> Aggregate -> Sort -> Limit -> Project``, as far as written."""
    node: LogicalNode = Scan(query.columns)
    for each in query.each:
        item = each.value.type.item
        assert item is not None, "the checker lets `each` run over lists only"
        node = Each(node, each.name, each.value, item)
    if query.where is not None:
        node = Filter(node, query.where)
    if query.grouping is not None:
        node = Aggregate(node, query.grouping.keys, query.grouping.aggregates)
    if query.order_by:
        node = Sort(node, query.order_by)
    if query.limit is not None:
        node = Limit(node, query.limit)
    return LogicalPlan(Project(node, query.outputs), query.calls, query.proxy, query.source)
