"""Arrow values as JSON can hold them: dates in ISO form, bytes in base64, NaN and infinities as null."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.io.arrow import is_list

Converter = Callable[[Any], Any]


def json_values(column: pa.Array) -> list[Any]:
    """Return the values of a column as ``json.dumps`` takes them."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values = python_values(column)
    convert = _converter(column.type)
    return values if convert is None else [None if value is None else convert(value) for value in values]


def python_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return Python values; Python's times have no nanoseconds, and what else they cannot say is None."""
    plain = _without_nanoseconds(column.type)
    try:
        return list((column if plain == column.type else pc.cast(column, plain, safe=False)).to_pylist())
    except (OverflowError, ValueError):
        # Dates beyond the year 9999 in a struct, for example: rare, so one value at a time.
        return [_python_value(scalar) for scalar in column]


def _python_value(scalar: pa.Scalar) -> Any:
    kinds = pa.types
    type_ = scalar.type
    if not scalar.is_valid:
        return None
    if kinds.is_struct(type_):
        return {name: _python_value(value) for name, value in scalar.items()}
    if kinds.is_map(type_):
        return [tuple(_python_value(part) for part in entry.values()) for entry in scalar.values]
    if is_list(type_):
        return [_python_value(value) for value in scalar.values]
    if kinds.is_dictionary(type_):
        return _python_value(scalar.value)
    try:
        return scalar.cast(_without_nanoseconds(type_), safe=False).as_py()
    except (OverflowError, ValueError):
        return None


def _without_nanoseconds(type_: pa.DataType) -> pa.DataType:
    kinds = pa.types
    if kinds.is_timestamp(type_) and type_.unit == "ns":
        return pa.timestamp("us", type_.tz)
    if kinds.is_duration(type_) and type_.unit == "ns":
        return pa.duration("us")
    if kinds.is_time64(type_) and type_.unit == "ns":
        return pa.time64("us")
    if kinds.is_list(type_):
        return pa.list_(_without_nanoseconds(type_.value_type))
    if kinds.is_struct(type_):
        return pa.struct([field.with_type(_without_nanoseconds(field.type)) for field in type_])
    return type_


def _converter(type_: pa.DataType) -> Converter | None:
    """Return what turns a value that is not null into one for JSON; None if it is one already."""
    kinds = pa.types
    if kinds.is_boolean(type_) or kinds.is_integer(type_) or kinds.is_null(type_) or _is_text(type_):
        return None
    if kinds.is_float64(type_):
        return _finite
    if kinds.is_floating(type_):
        return _shortest
    if kinds.is_decimal(type_):
        return lambda value: int(value) if type_.scale <= 0 else _finite(float(value))
    if kinds.is_struct(type_):
        return _object_converter({field.name: _converter(field.type) for field in type_})
    if is_list(type_):
        return _list_converter(_converter(type_.value_type))
    if kinds.is_map(type_):
        return _map_converter(_converter(type_.key_type), _converter(type_.item_type))
    if kinds.is_dictionary(type_):
        return _converter(type_.value_type)
    if kinds.is_temporal(type_):
        return lambda value: value.isoformat() if hasattr(value, "isoformat") else str(value)
    return lambda value: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _shortest(value: float) -> float | None:
    """Return a 32-bit number with the digits it needs: 0.9, not 0.8999999761581421."""
    return float(str(np.float32(value))) if math.isfinite(value) else None


def _applied(convert: Converter | None, value: Any) -> Any:
    return value if convert is None or value is None else convert(value)


def _object_converter(fields: dict[str, Converter | None]) -> Converter:
    return lambda value: {name: _applied(convert, value[name]) for name, convert in fields.items()}


def _list_converter(convert: Converter | None) -> Converter:
    return lambda values: [_applied(convert, value) for value in values]


def _map_converter(key: Converter | None, item: Converter | None) -> Converter:
    return lambda pairs: {str(_applied(key, name)): _applied(item, value) for name, value in pairs}
