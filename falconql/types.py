"""Types and what may stand for what.

The types themselves live in ``falconql.runtime.types``, because a plan carries them; the coercions
are the checker's alone, which writes each one out as a ``Cast``.
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
    "stands_for",
]

_COERCIONS = {(LABEL, BOOL), (SPAN, TEXT), (INT, FLOAT), (DATE, TIMESTAMP)}


def is_number(type_: Type) -> bool:
    """Return whether values of a type can be added."""
    return type_ in (INT, FLOAT)


def stands_for(given: Type, wanted: Type) -> bool:
    """Return whether a value of type ``given`` may be used where ``wanted`` is needed."""
    return given in (wanted, NULL) or UNKNOWN in (given, wanted) or (given, wanted) in _COERCIONS
