"""The worst disagreements: those that teach most about what a proxy gets wrong."""

from __future__ import annotations

from dataclasses import dataclass

from falconql.evaluating.quality import Compared, spans_of, word_f1
from falconql.evaluating.sides import Reply


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A question that both sides answer differently.

    Attributes:
        call: the number of the call.
        text, instruction: the question.
        here, there: both answers.
        badness: from 0 to 1: how sure a wrong label is, or the share of words that are wrong.
    """

    call: int
    text: str
    instruction: str
    here: Reply
    there: Reply
    badness: float


def disagreements(compared: Compared) -> list[Disagreement]:
    """Return all of one call, the worst first."""
    found = []
    for text, instruction, here, there in zip(
        compared.texts, compared.instructions, compared.here, compared.there, strict=True
    ):
        if here.value != there.value:
            found.append(Disagreement(compared.index, text, instruction, here, there, _badness(text, here, there)))
    return sorted(found, key=lambda one: -one.badness)


def _badness(text: str, here: Reply, there: Reply) -> float:
    if isinstance(here.value, tuple):
        return 1.0 - word_f1(text, spans_of(here), spans_of(there))
    return here.sure * there.sure
