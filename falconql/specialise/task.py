"""A question that is annotated, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Spans = tuple[tuple[int, int], ...]
Answer = bool | Spans
"""Whether a label is true; places of spans in characters, in text order, disjoint."""


@dataclass(frozen=True, slots=True)
class Task:
    """A question: ``label`` takes yes or no, ``spans`` the pieces of the text that are asked for.

    An option of ``choose`` is a label whose instruction ends in it.
    """

    kind: Literal["label", "spans"]
    text: str
    instruction: str
