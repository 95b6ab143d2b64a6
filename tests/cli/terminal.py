"""A real pseudo-terminal with a program in it, and the screen a person would see."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import pyte

PATIENCE_S = 30.0


class Terminal:
    """A program in a terminal of some size; ``screen`` is what it shows now."""

    def __init__(self, pid: int, descriptor: int, columns: int, lines: int) -> None:
        self._pid = pid
        self._descriptor = descriptor
        self._screen = pyte.HistoryScreen(columns, lines, history=2000)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def screen(self) -> str:
        """The lines on the screen, those scrolled away first."""
        away = [
            "".join(line[x].data for x in range(self._screen.columns)).rstrip() for line in self._screen.history.top
        ]
        return "\n".join([*away, *(line.rstrip() for line in self._screen.display)])

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._descriptor, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def until(self, seen: str | Callable[[str], bool], *, patience_s: float = PATIENCE_S) -> str:
        """Wait until a text is on the screen, and return the screen."""
        wanted = (lambda screen: seen in screen) if isinstance(seen, str) else seen
        deadline = time.monotonic() + patience_s
        while not wanted(self.screen):
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"{seen!r} is not on the screen:\n{self.screen}")
        return self.screen

    def until_asked(self, question: str) -> str:
        """Wait until the cursor stands a blank behind a question, and return the screen.

        A question is printed before an answer is read: Ctrl-C between the two is only seen with the next key.
        """

        def asked(_: str) -> bool:
            cursor = self._screen.cursor
            return self._screen.display[cursor.y][: cursor.x].endswith(f"{question} ")

        return self.until(asked)

    def wait(self) -> int:
        """Wait for the end of the program, and return its exit status."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self._read()
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it does not end:\n{self.screen}")

    def close(self) -> None:
        """Kill what still runs."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._descriptor)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], 0.05)
        if not ready:
            return True
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:
            return False
        self._stream.feed(data)
        if b"\x1b[6n" in data:  # where is the cursor?
            self.type(f"\x1b[{self._screen.cursor.y + 1};{self._screen.cursor.x + 1}R")
        return bool(data)


@contextmanager
def terminal(
    *arguments: str, columns: int = 100, lines: int = 40, cwd: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Run ``falconql`` with some arguments in a terminal."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.environ.update({"TERM": "xterm-256color", **(environment or {})})
        os.execv(sys.executable, [sys.executable, "-m", "falconql", *arguments])
    ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    running = Terminal(pid, descriptor, columns, lines)
    try:
        yield running
    finally:
        running.close()
