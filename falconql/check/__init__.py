"""A query against a corpus schema: names resolved, types found, or diagnostics."""

from __future__ import annotations

from falconql.check.checker import check_query, columns_of
from falconql.check.typed import TypedQuery

__all__ = ["TypedQuery", "check_query", "columns_of"]
