"""Texts that must read as something else: dates, timestamps, numbers, booleans."""

from __future__ import annotations

from datetime import UTC, date, datetime

from falconql.runtime.expression import Literal
from falconql.types import BOOL, DATE, FLOAT, INT, TIMESTAMP, Type

FORMS = {
    DATE: "a date such as 2024-03-31",
    TIMESTAMP: "a date or time such as 2024-03-31 or 2024-03-31T18:30:00",
    INT: "a whole number",
    FLOAT: "a number",
    BOOL: "true or false",
}


def read_as(text: str, type_: Type) -> Literal | None:
    """Return a text as a literal of a type, None when it does not read as one."""
    try:
        if type_ == DATE:
            return Literal(date.fromisoformat(text.strip()).isoformat(), DATE)
        if type_ == TIMESTAMP:
            return Literal(_timestamp(text.strip()), TIMESTAMP)
        if type_ == INT:
            value = int(text)
            return Literal(value, INT) if -(2**63) <= value < 2**63 else None
        if type_ == FLOAT:
            return Literal(float(text), FLOAT)
    except ValueError:
        return None
    if type_ == BOOL and text.lower() in ("true", "false"):
        return Literal(text.lower() == "true", BOOL)
    return None


def _timestamp(text: str) -> str:
    value = datetime.fromisoformat(text)
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat()
