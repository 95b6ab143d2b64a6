"""The documentation's blocks: which there are, and what running one gives.

A ``console`` block is commands after ``$ `` with their standard output; a ``python`` block with
``>>>`` is a doctest. Both run in ``examples/``, offline, on a terminal of 100 columns without colour.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGES = sorted([ROOT / "README.md", EXAMPLES / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, where its text stands there, language and text."""

    page: Path
    start: int
    language: str
    text: str

    @property
    def id(self) -> str:
        """The page and line, for people."""
        line = self.page.read_text(encoding="utf-8").count("\n", 0, self.start) + 1
        return f"{self.page.relative_to(ROOT)}:{line}"


def blocks(*languages: str) -> list[Block]:
    """Return all blocks in some languages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            if match.group(1) in languages:
                found.append(Block(page, match.start(2), match.group(1), match.group(2)))
    return found


def is_session(block: Block) -> bool:
    """Return whether a console block is commands with their output."""
    return block.text.startswith("$ ")


def run_console(block: Block) -> str:
    """Return a console block with the real output of its commands."""
    shown = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            shown.append(line)
            shown.extend(output_of(line[2:]).splitlines())
    return "\n".join(shown) + "\n"


def output_of(command: str) -> str:
    """Return what a command prints on standard output, and on standard error when that is empty.

    ``< FILE`` at its end gives it a standard input.
    """
    words = shlex.split(command)
    assert words[0] == "falconql", f"not a FalconQL command: {command}"
    stdin = b""
    if "<" in words:
        *words, _, path = words
        stdin = (EXAMPLES / path).read_bytes()
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "falconql", *words[1:]],
        cwd=EXAMPLES,
        env=environment,
        input=stdin,
        capture_output=True,
        check=False,
    )
    return (done.stdout or done.stderr).decode("utf-8")
