"""The types of FalconQL, shared by the checker and the runtime.

Plain values without Arrow: the mapping from and to Arrow is ``falconql.runtime.io.arrow``.
"""

from __future__ import annotations

from dataclasses import dataclass

from falconql.runtime.errors import PlanError


@dataclass(frozen=True, slots=True)
class Type:
    """A scalar type by name, a list (``item`` set), or an Arrow type FalconQL only passes through.

    ``name`` is one of Bool, Int, Float, Text, Date, Timestamp, Label, Span, Null (the type of the
    bare ``null``), List, Other and Unknown. ``Other`` carries the Arrow type's own name in ``arrow``;
    such a value can be selected, grouped by nothing and tested for null, no more. ``Unknown`` is the
    type of an expression that already has a diagnostic and silences what follows from it; it never
    reaches a plan.
    """

    name: str
    item: Type | None = None
    arrow: str | None = None

    def __str__(self) -> str:
        if self.item is not None:
            return f"[{self.item}]"
        return self.arrow or self.name


BOOL = Type("Bool")
INT = Type("Int")
FLOAT = Type("Float")
TEXT = Type("Text")
DATE = Type("Date")
TIMESTAMP = Type("Timestamp")
LABEL = Type("Label")
SPAN = Type("Span")
NULL = Type("Null")
UNKNOWN = Type("Unknown")

SCALARS = {t.name: t for t in (BOOL, INT, FLOAT, TEXT, DATE, TIMESTAMP, LABEL, SPAN, NULL)}


def list_of(item: Type) -> Type:
    """Return the type of lists of ``item``."""
    return Type("List", item=item)


def other(arrow: str) -> Type:
    """Return the type of values that are only passed through, named like their Arrow type."""
    return Type("Other", arrow=arrow)


def type_to_json(type_: Type) -> str:
    """Return the textual form used in saved plans: ``Int``, ``[Span]``, ``Other:struct<a: int64>``."""
    if type_.item is not None:
        return f"[{type_to_json(type_.item)}]"
    return f"Other:{type_.arrow}" if type_.name == "Other" else type_.name


def type_from_json(text: str) -> Type:
    """Read what ``type_to_json`` wrote.

    Raises:
        PlanError: the text names no type.
    """
    if text.startswith("[") and text.endswith("]"):
        return list_of(type_from_json(text[1:-1]))
    if text.startswith("Other:"):
        return other(text.removeprefix("Other:"))
    if text not in SCALARS:
        raise PlanError(f"the plan names an unknown type {text!r}")
    return SCALARS[text]
