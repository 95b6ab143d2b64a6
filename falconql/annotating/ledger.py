"""What was spent on a language model over several runs, on disk: a line for each request.

Appended before a request counts as answered, so that killing the process forgets none; a loss of power may forget the
last ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from falconql.errors import DataError

Unit = Literal["usd", "tokens", "calls"]


class Ledger:
    """A file of requests that were paid for; one process writes it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def total(self, unit: Unit) -> float:
        """Return what all requests took; those of a model without a price took no dollars.

        Raises:
            DataError: the file cannot be read.
        """
        lines = self._lines()
        return float(len(lines)) if unit == "calls" else sum((line.get(unit, 0.0) for line in lines), 0.0)

    def beyond(self) -> float:
        """Return how many times its estimate a request took on average, 1 where nothing is known.

        Raises:
            DataError: the file cannot be read.
        """
        known = [line["beyond"] for line in self._lines() if "beyond" in line]
        return sum(known) / len(known) if known else 1.0

    def add(self, tokens: int, dollars: float | None, beyond: float | None = None) -> None:
        """Write down a request: what it took, and how many times its estimate that was.

        Raises:
            DataError: it cannot be written.
        """
        line = json.dumps({"tokens": tokens, "usd": dollars, "beyond": beyond}).encode()
        try:
            # A line of its own even behind one that a full disk cut off.
            with self.path.open("ab") as file:
                file.write(b"\n" + line)
        except OSError as error:
            hint = "make room; answers so far are kept, so that running again goes on from here"
            raise DataError(f"what was spent cannot be written to {self.path}: {error.strerror}", hint=hint) from error

    def _lines(self) -> list[dict[str, float]]:
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DataError(f"what was spent cannot be read from {self.path}: {error.strerror or error}") from error
        return [_parsed(line) for line in lines if line]


def _parsed(line: bytes) -> dict[str, float]:
    """Return what is known of a request; nothing where the line was torn."""
    try:
        found = json.loads(line)
        return {name: value for name, value in found.items() if isinstance(value, int | float)}
    except (ValueError, AttributeError):
        return {}
