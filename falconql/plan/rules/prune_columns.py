"""Read only the columns that something above needs.

::

    Project[id](Filter[label(body, "laptop?")](Scan[id, body, stars, raw]))
        ->  Project[id](Filter[label(body, "laptop?")](Scan[id, body]))

``select *`` needs them all. If nothing needs any, one stays, the cheapest to read of those that have a name
of their own; where there is none, the rows are counted without reading a column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
        return replace(node, columns=kept or _cheapest(node.columns))

    return rewrite_nodes(plan, prune)


def _replaces_columns(node: LogicalNode) -> bool:
    return type(node).__name__ in ("Project", "Aggregate")


def _cheapest(columns: Sequence[Field]) -> tuple[Field, ...]:
    """Return the column that is cheapest to read, of those that can be told apart by their names; none if none can."""
    count = Counter(field.name for field in columns)
    alone = [field for field in columns if count[field.name] == 1]
    return (min(alone, key=_width),) if alone else ()


def _width(field: Field) -> int:
    name = field.type.name
    return _CHEAPEST_FIRST.index(name) if name in _CHEAPEST_FIRST else len(_CHEAPEST_FIRST)


RULE = Rule("prune_columns", apply, "read fewer columns", "after all that can make a column superfluous")
