"""The rewrite rules, one per module, in the order in which a pass applies them.

Conditions are brought into shape, then moved down, then the rest of the plan follows suit; the driver
repeats the pass, so the order decides how many passes there are, not where they end.
"""

from __future__ import annotations

from falconql.plan.rules import (
    absorb,
    drop_duplicates,
    drop_trivial,
    factor_common,
    find_contradictions,
    flatten,
    fold_constants,
    imply_scan_filter,
    limit_sort,
    merge_filters,
    project_before_sort,
    prune_columns,
    push_below_each,
    push_into_scan,
    push_negations,
    share_calls,
    years_as_ranges,
)
from falconql.plan.rules.base import Rule

__all__ = ["RULES", "Rule"]

RULES: tuple[Rule, ...] = (
    fold_constants.RULE,
    share_calls.RULE,
    merge_filters.RULE,
    push_negations.RULE,
    years_as_ranges.RULE,
    flatten.RULE,
    drop_duplicates.RULE,
    absorb.RULE,
    factor_common.RULE,
    find_contradictions.RULE,
    push_below_each.RULE,
    push_into_scan.RULE,
    imply_scan_filter.RULE,
    drop_trivial.RULE,
    limit_sort.RULE,
    project_before_sort.RULE,
    prune_columns.RULE,
)
