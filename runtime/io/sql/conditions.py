"""Conditions as SQL, where a database decides them exactly as FalconQL does, or lets too many rows through.

What does not translate is left out: the scan applies the whole condition again. Constants of a query become literals
of a few harmless kinds; a text with anything unusual in it is not sent.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal as OneOf

from falconql.runtime.expression import And, Cast, ColumnRef, Comparison, Expr, In, IsNull, Literal, Not, Or
from falconql.runtime.types import DATE, FLOAT, INT, TIMESTAMP

Comparable = OneOf["int", "float", "text", "bool", "date", "timestamp"]
_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MOST_CHARACTERS = 200
_INT64 = 1 << 63
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")


@dataclass(frozen=True, slots=True)
class Operand:
    """A column as it stands in a condition.

    Attributes:
        sql: the expression.
        kind: what it is compared as; None where a database may think otherwise.
        collation: that compares texts by their characters.
    """

    sql: str
    kind: Comparable | None
    collation: str = ""


def condition(expr: Expr, columns: Mapping[str, Operand]) -> str | None:
    """Return a condition that is true for every row for which ``expr`` is; None if that is all rows."""
    match expr:
        case And(operands):
            parts = [part for one in operands if (part := condition(one, columns)) is not None]
            return _joined(parts, "AND")
        case Or(operands):
            each = [condition(one, columns) for one in operands]
            return None if None in each else _joined([part for part in each if part is not None], "OR")
        case ColumnRef(name) if _kind(name, columns) == "bool":
            return columns[name].sql
        case Not(ColumnRef(name)) if _kind(name, columns) == "bool":
            return f"NOT {columns[name].sql}"
        case IsNull(ColumnRef(name)) if _kind(name, columns) not in (None, "float", "date", "timestamp"):
            # A float may be NaN and a time `infinity`, which are read as null.
            return f"{columns[name].sql} IS NULL"
        case Not(IsNull(ColumnRef(name))) if name in columns:
            return f"{columns[name].sql} IS NOT NULL"
        case Comparison(op, left, right):
            if not isinstance(left, ColumnRef):
                left, right, op = right, left, _FLIPPED[op]  # type: ignore[assignment]
            return _compared(op, left, right, columns)
        case In(ColumnRef() as value, options):
            each = [_compared("=", value, option, columns) for option in options]
            return None if None in each else _joined([part for part in each if part is not None], "OR")
    return None


def _compared(op: str, left: Expr, right: Expr, columns: Mapping[str, Operand]) -> str | None:
    if not isinstance(left, ColumnRef) or left.name not in columns:
        return None
    column = columns[left.name]
    value = _literal(right, column.kind)
    if value is None or (column.kind in ("text", "bool") and op not in ("=", "!=")):
        return None
    return f"{column.sql}{column.collation} {'<>' if op == '!=' else op} {value}"


def _literal(expr: Expr, kind: Comparable | None) -> str | None:
    if isinstance(expr, Cast) and isinstance(expr.operand, Literal) and expr.operand.type == INT and expr.type == FLOAT:
        expr = Literal(expr.operand.value, FLOAT)
    if not isinstance(expr, Literal) or expr.value is None:
        return None
    value = expr.value
    if kind == "bool" and isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if kind == "int" and expr.type == INT and isinstance(value, int):
        return str(value) if -_INT64 < value < _INT64 else None
    if kind == "float" and expr.type == FLOAT and isinstance(value, int | float):
        return f"CAST('{float(value)!r}' AS DOUBLE PRECISION)" if math.isfinite(value) else None
    if kind == "text" and isinstance(value, str):
        return text_literal(value)
    return _time_literal(value, kind, expr)


def text_literal(value: str) -> str | None:
    """Return a text as an SQL literal; None if it holds anything that a database could read in another way."""
    if len(value) > _MOST_CHARACTERS or not value.isprintable() or "\\" in value:
        return None
    return "'" + value.replace("'", "''") + "'"


def _time_literal(value: object, kind: Comparable | None, expr: Literal) -> str | None:
    wanted = {"date": DATE, "timestamp": TIMESTAMP}.get(kind or "")
    if wanted is None or expr.type != wanted or not isinstance(value, str) or not _NAIVE.fullmatch(value):
        return None
    try:
        read = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return f"DATE '{read.date().isoformat()}'" if kind == "date" else f"TIMESTAMP '{read.isoformat(' ')}'"


def _kind(name: str, columns: Mapping[str, Operand]) -> Comparable | None:
    return columns[name].kind if name in columns else None


def _joined(parts: list[str], word: str) -> str | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return f"({f' {word} '.join(parts)})"
