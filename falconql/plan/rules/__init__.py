"""The rewrite rules, one per module, in the order in which a pass applies them."""

from __future__ import annotations

from falconql.plan.rules.base import Rule

__all__ = ["RULES", "Rule"]

RULES: tuple[Rule, ...] = ()
