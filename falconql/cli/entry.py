"""Where the process starts: ``falconql`` and ``python -m falconql``."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class WithoutPandas(MetaPathFinder):
    """Makes ``import pandas`` fail.

    Arrow imports it, where it is installed, when it first converts a Python value: half a second
    for nothing, since no command hands a table to pandas.
    """

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("the command line does without pandas", name="pandas")


def with_pandas() -> None:
    """Let pandas be imported again: torch looks whether it is there, Ray Data needs it."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, WithoutPandas)]


def start() -> None:
    """Run the command line in a process of its own."""
    sys.meta_path.insert(0, WithoutPandas())
    from falconql.cli.main import main

    main()
