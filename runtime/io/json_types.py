"""The type that covers what a JSON field holds in all objects. Pure functions on Arrow types."""

from __future__ import annotations

import pyarrow as pa

# Stands for whole numbers of which some need more than 64 bits; they become Text.
LONG_INTEGER = pa.decimal256(76, 0)


def has_long_integer(type_: pa.DataType) -> bool:
    """Return whether a type is that of long whole numbers, or has a part that is."""
    if pa.types.is_list(type_):
        return has_long_integer(type_.value_type)
    if pa.types.is_struct(type_):
        return any(has_long_integer(field.type) for field in type_)
    return bool(type_ == LONG_INTEGER)


def as_text(type_: pa.DataType) -> pa.DataType:
    """Return a type with Text for long whole numbers."""
    if pa.types.is_list(type_):
        return pa.list_(as_text(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([(field.name, as_text(field.type)) for field in type_])
    return pa.string() if type_ == LONG_INTEGER else type_


def without_nulls(type_: pa.DataType) -> pa.DataType:
    """Return a type with Text for what holds nothing but nulls: it could be anything, and as text it can be read."""
    if pa.types.is_list(type_):
        return pa.list_(without_nulls(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([(field.name, without_nulls(field.type)) for field in type_])
    return pa.string() if pa.types.is_null(type_) else type_


class MixedTypes(Exception):
    """Two values of a field have nothing in common."""


def without_times(type_: pa.DataType) -> pa.DataType:
    """Return a type as the file has it: Arrow takes texts that look like times for times."""
    if pa.types.is_timestamp(type_):
        return pa.string()
    if pa.types.is_list(type_):
        return pa.list_(without_times(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([(field.name, without_times(field.type)) for field in type_])
    return type_


def merge(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """Return the type that covers both.

    Raises:
        MixedTypes: there is none.
    """
    if first == second or pa.types.is_null(second):
        return first
    if pa.types.is_null(first):
        return second
    numbers = (pa.int64(), LONG_INTEGER, pa.float64())
    if first in numbers and second in numbers:
        return max(first, second, key=numbers.index)
    if pa.types.is_list(first) and pa.types.is_list(second):
        return pa.list_(merge(first.value_type, second.value_type))
    if pa.types.is_struct(first) and pa.types.is_struct(second):
        fields = {field.name: field.type for field in first}
        for field in second:
            fields[field.name] = merge(fields.get(field.name, pa.null()), field.type)
        return pa.struct(list(fields.items()))
    raise MixedTypes
