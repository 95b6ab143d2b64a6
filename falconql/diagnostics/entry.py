"""The shape of the catalogue's entries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """What a code means.

    Attributes:
        code: for example ``FQL203``.
        title: what is wrong, a noun phrase.
        explanation: why it is wrong and what to do, one or more sentences.
        wrong: a query with just this problem; empty where no query can have it.
        right: the same query put right.
    """

    code: str
    title: str
    explanation: str
    wrong: str
    right: str
