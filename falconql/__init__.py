"""FalconQL: a declarative language for mining structured facts out of many texts.

>>> import falconql
>>> falconql.query('select n: count()').run({"text": ["one", "two"]}).to_arrow()["n"].to_pylist()
[2]
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# From 1.29 on ONNX Runtime's packages tell their maker about every session, unless this says otherwise before they are
# imported. What is read here is nobody else's business; who has set it decides.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

if TYPE_CHECKING:
    from falconql.api import Proxy, Query, Span, proxy, query
    from falconql.asking import ask
    from falconql.errors import (
        AskError,
        ClusterError,
        ConfigError,
        DataError,
        ExecutionError,
        FalconQLError,
        ModelServerError,
        PlanError,
        ProxyError,
        QueryError,
    )
    from falconql.result import Result
    from falconql.runtime.cluster.options import Ray
    from falconql.runtime.plan import Plan

__all__ = [
    "AskError",
    "ClusterError",
    "ConfigError",
    "DataError",
    "ExecutionError",
    "FalconQLError",
    "ModelServerError",
    "Plan",
    "PlanError",
    "Proxy",
    "ProxyError",
    "Query",
    "QueryError",
    "Ray",
    "Result",
    "Span",
    "ask",
    "proxy",
    "query",
]

# Importing any part of FalconQL, the runtime alone too, runs this file: it must load nothing.
_HOMES = {
    "falconql.api": ("Proxy", "Query", "Span", "proxy", "query"),
    "falconql.asking": ("ask",),
    "falconql.errors": (
        "AskError",
        "ClusterError",
        "ConfigError",
        "DataError",
        "ExecutionError",
        "FalconQLError",
        "ModelServerError",
        "PlanError",
        "ProxyError",
        "QueryError",
    ),
    "falconql.result": ("Result",),
    "falconql.runtime.cluster.options": ("Ray",),
    "falconql.runtime.plan": ("Plan",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value: object = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
