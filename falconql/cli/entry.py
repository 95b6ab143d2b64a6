"""Where the process starts: ``falconql`` and ``python -m falconql``."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
from importlib.abc import MetaPathFinder
from typing import Any

_PLAIN = {"─": "-", "…": "...", "≈": "~", "·": "-", "µ": "u"}


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


def open_missing_streams() -> None:
    """Put something in the place of streams that are closed, or the first files opened would take their numbers.

    Standard input is empty then, messages go nowhere, and writing to standard output fails.
    """
    for number, name, access, mode in (
        (0, "stdin", os.O_RDONLY, "r"),
        (1, "stdout", os.O_RDONLY, "w"),
        (2, "stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is not None:
            continue
        opened = os.open(os.devnull, access)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - open as long as the process


def take_every_character() -> None:
    """Let standard output take what its encoding lacks: lines of a table as hyphens, anything else as `\\u2026`.

    What goes to a file or a pipe is UTF-8, unless the environment says otherwise.
    """
    codecs.register_error("falconql", _plain)
    if isinstance(sys.stdout, io.TextIOWrapper):
        told = sys.stdout.isatty() or bool(os.environ.get("PYTHONIOENCODING"))
        sys.stdout.reconfigure(encoding=None if told else "utf-8", errors="falconql")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    import json

    # As JSON and texts in queries have it, so that nothing is lost.
    return "".join(_PLAIN.get(c) or json.dumps(c)[1:-1] for c in error.object[error.start : error.end]), error.end


def start() -> None:
    """Run the command line in a process of its own."""
    open_missing_streams()
    try:
        take_every_character()
        sys.meta_path.insert(0, WithoutPandas())
        from falconql.cli.ending import end_in_order
        from falconql.cli.main import main

        end_in_order()
    except KeyboardInterrupt:
        # Before there is anybody to say more.
        sys.stderr.write("interrupted\n")
        raise SystemExit(128 + signal.SIGINT) from None
    main()
