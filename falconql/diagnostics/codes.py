"""The catalogue of codes: each with a title, an explanation, a wrong query and a right one.

Codes go by stage: ``FQL0xx`` syntax, ``1xx`` names, ``2xx`` types, ``3xx`` planning and running, ``9xx`` errors
of FalconQL itself. A code keeps its meaning for ever; one that is no longer used is not given out again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from falconql.diagnostics import codes_check, codes_run, codes_syntax
from falconql.diagnostics.entry import CodeEntry

__all__ = ["CATALOGUE", "CodeEntry"]

CATALOGUE: Mapping[str, CodeEntry] = MappingProxyType(
    {entry.code: entry for entry in (*codes_syntax.ENTRIES, *codes_check.ENTRIES, *codes_run.ENTRIES)}
)
