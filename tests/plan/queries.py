"""Typed queries and plans for the planner's tests, made by the real parser and checker."""

from __future__ import annotations

import pyarrow as pa

from falconql.catalog import Catalog
from falconql.check import TypedQuery, check_query
from falconql.plan.logical import Filter, LogicalPlan, Scan, nodes
from falconql.plan.lowering import lower
from falconql.runtime.display import expr_text
from falconql.runtime.io.arrow import fields_from_schema
from falconql.source import Source
from falconql.syntax import parse

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("body", pa.string()),
        ("brand", pa.string()),
        ("stars", pa.int64()),
        ("price", pa.float64()),
        ("seen", pa.date32()),
        ("hot", pa.bool_()),
        ("raw", pa.struct([("a", pa.int64())])),
    ]
)


def typed(text: str, schema: pa.Schema = SCHEMA) -> TypedQuery:
    """Check a query; ``text body`` is added when it does not name its text column."""
    source = text if "text body" in text or "body" not in schema.names else f"text body {text}"
    query, diagnostics = check_query(parse(Source("test", source)), Catalog(fields_from_schema(schema)))
    assert query is not None, [d.message for d in diagnostics]
    return query


def lowered(text: str) -> LogicalPlan:
    return lower(typed(text))


def shape(plan: LogicalPlan) -> list[str]:
    """The nodes from the scan up, with the conditions of filters and scan as text."""
    lines = []
    for node in reversed(list(nodes(plan.root))):
        condition = node.filter if isinstance(node, Scan) else node.condition if isinstance(node, Filter) else None
        shown = "" if condition is None else f" {expr_text(condition, plan.calls)}"
        lines.append(f"{type(node).__name__}{shown}")
    return lines


def where(plan: LogicalPlan) -> str:
    """The condition of the only filter."""
    (condition,) = [node.condition for node in nodes(plan.root) if isinstance(node, Filter)]
    return expr_text(condition, plan.calls)
