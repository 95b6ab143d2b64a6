"""Plans to JSON and back, driven by the dataclasses themselves.

Every node becomes an object with its class name under ``node`` and one member per field. Reading
checks names, fields and value types, so that a plan from elsewhere cannot put an unexpected object
into the runtime. Nothing is imported or called by name: only the classes listed here can appear.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from falconql.runtime import expression, plan
from falconql.runtime.errors import PlanError
from falconql.runtime.types import Type, type_from_json, type_to_json
from falconql.runtime.verify import verify

_CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        *get_args(expression.Expr),
        *get_args(plan.Node),
        *get_args(plan.Predicate),
        plan.Field,
        plan.ModelCall,
        plan.ProxyRef,
        plan.Output,
        plan.AggregateCall,
        plan.SortKey,
        plan.Plan,
    )
}


def encode_plan(value: plan.Plan) -> str:
    """Return a plan as JSON text."""
    return json.dumps(_encode(value), ensure_ascii=False)


def decode_plan(text: str) -> plan.Plan:
    """Read a plan.

    Raises:
        PlanError: not JSON, another version, a node, field or value that does not belong, or steps that do not fit
            together.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"the plan is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("node") != "Plan":
        raise PlanError("this is not a FalconQL plan")
    if data.get("version") != plan.VERSION:
        raise PlanError(
            f"the plan has version {data.get('version')!r}, this runtime reads version {plan.VERSION}",
            hint="make the plan again with the installed version of FalconQL",
        )
    try:
        decoded = _decode(plan.Plan, data, "plan")
        assert isinstance(decoded, plan.Plan)
        verify(decoded)
    except RecursionError as error:
        raise PlanError("the plan is nested too deeply") from error
    return decoded


def _encode(value: object) -> object:
    if isinstance(value, Type):
        return type_to_json(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"node": type(value).__name__, **members}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _decode(hint: Any, data: object, where: str) -> object:
    if hint is Type:
        if not isinstance(data, str):
            raise PlanError(f"{where}: a type name was expected, found {data!r}")
        return type_from_json(data)
    origin = get_origin(hint)
    if origin is Literal:
        if data not in get_args(hint):
            raise PlanError(f"{where}: {data!r} is none of {', '.join(map(repr, get_args(hint)))}")
        return data
    if origin is tuple:
        if not isinstance(data, list):
            raise PlanError(f"{where}: a list was expected, found {data!r}")
        return tuple(_decode(get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if origin in (Union, UnionType):
        return _decode_union(get_args(hint), data, where)
    if dataclasses.is_dataclass(hint):
        return _decode_node((hint,), data, where)
    return _decode_scalar((hint,), data, where)


def _decode_union(options: tuple[Any, ...], data: object, where: str) -> object:
    classes = tuple(option for option in options if dataclasses.is_dataclass(option))
    if isinstance(data, dict) and classes:
        return _decode_node(classes, data, where)
    return _decode_scalar(options, data, where)


def _decode_scalar(options: tuple[Any, ...], data: object, where: str) -> object:
    if data is None and NoneType in options:
        return None
    if type(data) in options:
        return data
    if type(data) is int and float in options:
        return float(data)
    raise PlanError(f"{where}: unexpected value {data!r}")


def _decode_node(classes: tuple[Any, ...], data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise PlanError(f"{where}: an object was expected, found {data!r}")
    cls = _CLASSES.get(str(data.get("node")))
    if cls is None or cls not in classes:
        raise PlanError(f"{where}: unexpected node {data.get('node')!r}")
    hints = _hints(cls)
    unknown = set(data) - set(hints) - {"node"}
    if unknown:
        raise PlanError(f"{where}: {cls.__name__} has no field {sorted(unknown)[0]!r}")
    values: dict[str, object] = {}
    for field in dataclasses.fields(cls):
        if field.name not in data:
            raise PlanError(f"{where}: {cls.__name__} lacks the field {field.name!r}")
        values[field.name] = _decode(hints[field.name], data[field.name], f"{where}.{field.name}")
    return cls(**values)
