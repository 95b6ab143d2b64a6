"""Running whole queries over small tables, for the runtime's tests."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from falconql.catalog import Catalog
from falconql.check import check_query
from falconql.plan.optimiser import RULES
from falconql.plan.planner import plan_query
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import execute_to_table
from falconql.runtime.io.arrow import fields_from_schema
from falconql.runtime.plan import Plan
from falconql.source import Source
from falconql.syntax import parse
from tests.fakes import FakeProxy, FakeSource


def plan(text: str, schema: pa.Schema, *, written: bool = False, rules: Any = RULES) -> Plan:
    typed, diagnostics = check_query(parse(Source("test", text)), Catalog(fields_from_schema(schema)))
    assert typed is not None, [diagnostic.message for diagnostic in diagnostics]
    return plan_query(typed, order="written" if written else "cost", rules=rules).plan


class Run:
    """A query that was run: its rows, its metrics, what the proxy was asked, how much was read."""

    def __init__(self, text: str, table: pa.Table, *, written: bool = False, batch_rows: int = 4096) -> None:
        self.proxy = FakeProxy()
        self.source = FakeSource(table)
        self.ctx = ExecContext(self.source, self.proxy, batch_rows=batch_rows)
        self.table = execute_to_table(plan(text, table.schema, written=written), self.ctx)
        self.metrics = self.ctx.metrics

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows

    def column(self, name: str) -> list[Any]:
        values: list[Any] = self.table.column(name).to_pylist()
        return values
