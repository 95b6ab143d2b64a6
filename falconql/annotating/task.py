"""What is asked about a text, and what an answer is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["label", "spans", "choose"]
Spans = tuple[tuple[int, int], ...]
Annotation = bool | Spans | str
"""Whether a label is true; spans as ``(start, end)`` in characters of the text, in text order, disjoint; an option."""


@dataclass(frozen=True, slots=True)
class Task:
    """An instruction about texts.

    Attributes:
        kind: ``label`` is true or false, ``spans`` all stretches, ``choose`` one of ``options``.
        instruction: the question, or what to extract.
        options: what there is to choose from, empty for the other kinds.
    """

    kind: Kind
    instruction: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A task about one text."""

    task: Task
    text: str


def key_of(question: Question, version: str, again: int = 0) -> str:
    """Return what an answer is kept under: 32 hexadecimal digits.

    Args:
        question: what is asked.
        version: of the prompt; another prompt may be answered otherwise.
        again: 0 the first time, 1 when the same is asked a second time to see whether the answers agree, and so on.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (version, str(again), question.task.kind, question.task.instruction, *question.task.options):
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    digest.update(question.text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def fits(annotation: object, question: Question) -> bool:
    """Return whether a value read from a file can be the answer to a question."""
    match question.task.kind:
        case "label":
            return isinstance(annotation, bool)
        case "choose":
            return isinstance(annotation, str) and annotation in question.task.options
    if not isinstance(annotation, tuple):
        return False
    places = [place for span in annotation for place in span]
    in_order = places == sorted(places) and all(start < end for start, end in annotation)
    return in_order and (not places or (places[0] >= 0 and places[-1] <= len(question.text)))
