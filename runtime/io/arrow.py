"""Arrow types to FalconQL types and back.

``large_string``, dictionaries of text and so on are read as the type they stand for; the scan
normalises the arrays to ``arrow_type`` of that. What has no counterpart (structs, maps, binary,
times of day, ...) passes through untouched as ``Other``.
"""

from __future__ import annotations

import pyarrow as pa

from falconql.runtime.plan import Field
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
    Type,
    list_of,
    other,
)

SPAN_TYPE = pa.struct([("text", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("score", pa.float32())])

_ARROW = {
    BOOL: pa.bool_(),
    LABEL: pa.bool_(),
    INT: pa.int64(),
    FLOAT: pa.float64(),
    TEXT: pa.string(),
    DATE: pa.date32(),
    TIMESTAMP: pa.timestamp("us"),
    SPAN: SPAN_TYPE,
    NULL: pa.null(),
}


def type_from_arrow(type_: pa.DataType) -> Type:
    """Return the FalconQL type of an Arrow type; ``Other`` when there is none."""
    kinds = pa.types
    if kinds.is_boolean(type_):
        return BOOL
    if kinds.is_integer(type_):
        return INT
    if kinds.is_floating(type_) or kinds.is_decimal(type_):
        return FLOAT
    if is_text(type_):
        return TEXT
    if kinds.is_date(type_):
        return DATE
    if kinds.is_timestamp(type_):
        return TIMESTAMP
    if type_.equals(SPAN_TYPE):
        return SPAN
    if kinds.is_dictionary(type_) or kinds.is_run_end_encoded(type_):
        return type_from_arrow(type_.value_type)
    if is_list(type_):
        item = type_from_arrow(type_.value_type)
        return other(str(type_)) if item.name == "Other" else list_of(item)
    return other(str(type_))


def is_text(type_: pa.DataType) -> bool:
    """Return whether an Arrow type holds text in any layout."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def is_list(type_: pa.DataType) -> bool:
    """Return whether an Arrow type is a list in any layout."""
    kinds = pa.types
    return bool(
        kinds.is_list(type_)
        or kinds.is_large_list(type_)
        or kinds.is_fixed_size_list(type_)
        or kinds.is_list_view(type_)
        or kinds.is_large_list_view(type_)
    )


def type_to_arrow(type_: Type) -> pa.DataType:
    """Return the Arrow type that values of a FalconQL type have while running and in results.

    Raises:
        ValueError: ``Other`` and ``Unknown`` have none of their own.
    """
    if type_.item is not None:
        return pa.list_(type_to_arrow(type_.item))
    if type_ not in _ARROW:
        raise ValueError(f"no Arrow type for {type_}")
    return _ARROW[type_]


def own_type(type_: pa.DataType) -> pa.DataType:
    """Return the type FalconQL computes with; an unusual one as it is, but for runs."""
    if pa.types.is_run_end_encoded(type_):
        type_ = type_.value_type
    known = type_from_arrow(type_)
    return type_ if known.name == "Other" else type_to_arrow(known)


def without_views(type_: pa.DataType) -> pa.DataType:
    """Return an unusual type in the layout of which Arrow can take rows, and write Parquet."""
    kinds = pa.types
    if kinds.is_binary_view(type_):
        return pa.binary()
    if kinds.is_string_view(type_):
        return pa.string()
    if kinds.is_struct(type_):
        return pa.struct([field.with_type(without_views(field.type)) for field in type_])
    if kinds.is_fixed_size_list(type_):
        return pa.list_(type_.value_field.with_type(without_views(type_.value_type)), type_.list_size)
    for is_kind, kind in ((kinds.is_list, pa.list_), (kinds.is_large_list, pa.large_list)):
        if is_kind(type_):
            return kind(type_.value_field.with_type(without_views(type_.value_type)))
    if kinds.is_map(type_):
        return pa.map_(without_views(type_.key_type), type_.item_field.with_type(without_views(type_.item_type)))
    return type_


def fields_from_schema(schema: pa.Schema) -> tuple[Field, ...]:
    """Return the columns of an Arrow schema, duplicate names included, in order."""
    return tuple(Field(field.name, type_from_arrow(field.type)) for field in schema)
