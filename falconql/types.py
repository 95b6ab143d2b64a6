"""The types of FalconQL, as the compiler sees them.

They live in ``falconql.runtime.types``, because a plan carries them; what may stand for what is the
checker's to say, which writes every coercion out as a ``Cast``.
"""

from __future__ import annotations

from falconql.runtime.types import (
    BOOL,
    DATE,
    FLOAT,
    INT,
    LABEL,
    NULL,
    SPAN,
    TEXT,
    TIMESTAMP,
    UNKNOWN,
    Type,
    list_of,
    other,
)

__all__ = [
    "BOOL",
    "DATE",
    "FLOAT",
    "INT",
    "LABEL",
    "NULL",
    "SPAN",
    "TEXT",
    "TIMESTAMP",
    "UNKNOWN",
    "Type",
    "is_number",
    "list_of",
    "other",
]


def is_number(type_: Type) -> bool:
    """Return whether values of a type can be added."""
    return type_ in (INT, FLOAT)
