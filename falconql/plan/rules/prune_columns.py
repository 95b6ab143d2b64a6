"""Read only the columns that something above needs.

::

    Project[id](Filter[label(body, "laptop?")](Scan[id, body, stars, raw]))
        ->  Project[id](Filter[label(body, "laptop?")](Scan[id, body]))

``select *`` needs them all. One column stays even if nothing needs any, because rows are counted by
their columns: the cheapest to read.
"""

from __future__ import annotations

from dataclasses import replace

from falconql.plan.logical import LogicalNode, LogicalPlan, Scan, expressions, nodes, references
from falconql.plan.rules.base import Rule, rewrite_nodes
from falconql.runtime.plan import Field

_CHEAPEST_FIRST = ("Bool", "Int", "Float", "Date", "Timestamp", "Text")


def apply(plan: LogicalPlan) -> LogicalPlan | None:
    """Drop unused columns from the scan."""
    chain = list(nodes(plan.root))
    # Above the first projection or aggregation, names are those of its outputs; keeping a corpus
    # column of the same name needlessly would cost a read, so only the part below counts.
    lowest = next((i for i in range(len(chain) - 1, -1, -1) if _replaces_columns(chain[i])), 0)
    if not any(_replaces_columns(node) for node in chain):
        return None
    needed = references((e for node in chain[lowest:] for e in expressions(node)), plan.calls).columns

    def prune(node: LogicalNode) -> LogicalNode:
        if not isinstance(node, Scan):
            return node
        kept = tuple(field for field in node.columns if field.name in needed)
        return replace(node, columns=kept or (min(node.columns, key=_width),) if node.columns else ())

    return rewrite_nodes(plan, prune)


def _replaces_columns(node: LogicalNode) -> bool:
    return type(node).__name__ in ("Project", "Aggregate")


def _width(field: Field) -> int:
    name = field.type.name
    return _CHEAPEST_FIRST.index(name) if name in _CHEAPEST_FIRST else len(_CHEAPEST_FIRST)


RULE = Rule("prune_columns", apply, "read fewer columns", "after all that can make a column superfluous")
