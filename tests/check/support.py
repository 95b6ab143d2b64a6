"""A corpus schema for tests of the checker, and checking from text to result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from falconql.catalog import Catalog, ParameterValue
from falconql.check import TypedQuery, check_query
from falconql.diagnostics.model import Diagnostic
from falconql.runtime.expression import Expr
from falconql.runtime.plan import Field
from falconql.source import Source
from falconql.syntax import parse
from falconql.types import BOOL, DATE, FLOAT, INT, SPAN, TEXT, TIMESTAMP, Type, list_of, other

COLUMNS: dict[str, Type] = {
    "id": INT,
    "body": TEXT,
    "title": TEXT,
    "section": TEXT,
    "stars": INT,
    "price": FLOAT,
    "published": DATE,
    "sent": TIMESTAMP,
    "verified": BOOL,
    "tags": list_of(TEXT),
    "ratings": list_of(INT),
    "found": SPAN,
    "meta": other("struct<a: int64>"),
}
FIELDS = tuple(Field(name, type_) for name, type_ in COLUMNS.items())
CATALOG = Catalog(FIELDS)


def diagnose(text: str, catalog: Catalog = CATALOG) -> list[Diagnostic]:
    """Return the checker's diagnostics of a query that parses."""
    return check_query(parse(Source("query.fql", text)), catalog)[1]


def codes(text: str, catalog: Catalog = CATALOG) -> list[str]:
    return [diagnostic.code for diagnostic in diagnose(text, catalog)]


def typed(text: str, parameters: Mapping[str, ParameterValue] | None = None, catalog: Catalog = CATALOG) -> TypedQuery:
    """Return the typed query; fail if there is any diagnostic."""
    catalog = replace(catalog, parameters=parameters or {})
    query, found = check_query(parse(Source("query.fql", text)), catalog)
    assert query is not None, found
    assert found == []
    return query


def where(text: str, parameters: Mapping[str, ParameterValue] | None = None) -> Expr:
    """Return the typed condition of ``where text``."""
    condition = typed(f"text body where {text}", parameters).where
    assert condition is not None
    return condition


def value(text: str, parameters: Mapping[str, ParameterValue] | None = None) -> Expr:
    """Return the typed value of one output column."""
    return typed(f"text body select x: {text}", parameters).outputs[0].value
