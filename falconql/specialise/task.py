"""A question that is annotated, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from falconql.runtime.plan import ModelCall

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


def question_and_option(call: ModelCall, instruction: str) -> tuple[str, str]:
    """Return what a question of ``choose`` asks and the option that it ends in, which is empty where it ends in none.

    Where the call quotes values, an option may be a part of another or of a value: the longest is taken.
    """
    fitting = [option for option in call.options if instruction.endswith(f" {option}")]
    fixed = [part for part in call.instruction if isinstance(part, str)]
    if len(fixed) == len(call.instruction):
        fitting = [option for option in fitting if instruction == f"{''.join(fixed)} {option}"]
    if not fitting:
        return instruction, ""
    option = max(fitting, key=len)
    return instruction.removesuffix(f" {option}"), option
