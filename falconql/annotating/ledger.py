"""What was spent on a language model over several runs, on disk: a line for each request.

Appended before a request counts as answered, so that killing the process forgets none; a loss of power may forget the
last ones.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
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

    def beyond(self, unit: Unit) -> float:
        """Return how many times their estimates all requests took, 1 where nothing is known, as in calls.

        Raises:
            DataError: the file cannot be read.
        """
        expected_unit = f"expected {unit}"
        known = [line for line in self._lines() if unit in line and expected_unit in line]
        expected = sum(line[expected_unit] for line in known)
        return sum(line[unit] for line in known) / expected if expected else 1.0

    def check(self) -> None:
        """Make sure that requests can be written down before one is paid for.

        Raises:
            DataError: they cannot.
        """
        self._append(b"")

    def add(self, took: Mapping[str, float | None], expected: Mapping[str, float | None]) -> None:
        """Write down a request: what it took, and what it was expected to take, whatever a budget is in.

        Raises:
            DataError: it cannot be written.
        """
        line = {**took, **{f"expected {unit}": amount for unit, amount in expected.items()}}
        # A line of its own even behind one that a full disk cut off.
        self._append(b"\n" + json.dumps(line).encode())

    def _append(self, data: bytes) -> None:
        try:
            with self.path.open("ab") as file:
                file.write(data)
        except OSError as error:
            full = "make room; answers so far are kept, so that running again goes on from here"
            raise DataError(
                f"what was spent cannot be written to {self.path}: {error.strerror or error}",
                hint=full if error.errno == errno.ENOSPC else None,
            ) from error

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
