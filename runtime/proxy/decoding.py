"""From token probabilities to spans: BIO over words. Pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.proxy.base import SpanValue

Word = tuple[int, int]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: NDArray[np.float32] = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def decode(text: str, words: Sequence[Word], probabilities: NDArray[np.float32], threshold: float) -> list[SpanValue]:
    """Return the spans of a text, in text order, disjoint.

    A span begins at a word whose B reaches the threshold and goes on while I is likelier than O
    (and no new B reaches the threshold). Its score is the mean of P(B) of its first word and P(I)
    of the others. White space at its ends is cut off.

    Args:
        words: character ranges, ascending.
        probabilities: shape (words, 3): P(B), P(I), P(O) of each word's first token.
    """
    found: list[SpanValue] = []
    begins = probabilities[:, 0] >= threshold
    for first in map(int, np.flatnonzero(begins)):
        last = first
        while (
            last + 1 < len(words) and not begins[last + 1] and probabilities[last + 1, 1] > probabilities[last + 1, 2]
        ):
            last += 1
        inside = probabilities[first + 1 : last + 1, 1].sum()
        score = float(probabilities[first, 0] + inside) / (last - first + 1)
        start, end = _trimmed(text, words[first][0], words[last][1])
        if start < end and (not found or start >= found[-1].end):
            found.append(SpanValue(start, end, score))
    return found


def _trimmed(text: str, start: int, end: int) -> Word:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
