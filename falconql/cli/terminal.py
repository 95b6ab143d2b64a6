"""What the terminal can do, and messages to standard error."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

from falconql.diagnostics.model import Diagnostic
from falconql.diagnostics.render import painted, render
from falconql.source import Source
from falconql.visible import visible

if TYPE_CHECKING:
    from falconql.api import Checked

WIDTH_WITHOUT_TERMINAL = 120


def use_color(stream: IO[Any]) -> bool:
    """Return whether to colour what goes to a stream: a terminal, and ``NO_COLOR`` not set."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_terminal(stream: IO[Any]) -> bool:
    """Return whether a stream is a terminal; a closed one, or one that is not there, is none."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def width() -> int:
    """Return the columns of the terminal, ``COLUMNS`` first, a wide page without one."""
    return shutil.get_terminal_size((WIDTH_WITHOUT_TERMINAL, 24)).columns


def columns(stream: IO[Any]) -> int | None:
    """Return the columns of the terminal a stream goes to, ``COLUMNS`` first; None if it goes elsewhere."""
    if not is_terminal(stream):
        return None
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        found = 0
    # A terminal that does not know its size says 0; standard output may be a file.
    return shutil.get_terminal_size((found or 80, 24)).columns


def hanging(text: str, begun: int, room: int) -> str:
    """Return a text that begins in column ``begun`` wrapped at words, later lines beginning there too."""
    indent = " " * begun
    wrapped = textwrap.fill(text, room, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return wrapped[begun:]


def say(message: str) -> None:
    """Print a message for the person, never data.

    Names and values of a corpus in it cannot drive the terminal: of control characters only our own colours pass.
    """
    try:
        print(painted(message) if use_color(sys.stderr) else visible(message), file=sys.stderr, flush=True)
    except OSError:
        # Nobody reads our messages; the exit status still tells.
        return


def say_diagnostics(found: Checked) -> None:
    """Print what checking a query found."""
    say_problems(found.diagnostics, found.source)


def say_problems(diagnostics: Sequence[Diagnostic], source: Source) -> None:
    """Print what is wrong with a query, laid out for the terminal if it goes to one."""
    say(render(diagnostics, source, color=use_color(sys.stderr), width=columns(sys.stderr)))


def say_warning(message: str) -> None:
    """Print what went wrong without stopping anything."""
    message = visible(message)
    say(f"\x1b[1;33mwarning\x1b[0m: {message}" if use_color(sys.stderr) else f"warning: {message}")
