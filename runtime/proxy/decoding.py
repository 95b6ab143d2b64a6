"""From logits to answers: label scores, and spans by BIO over words. Pure functions on arrays."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.proxy.base import SpanValue

_EDGE = 1e-7
_INTERROGATIVE = re.compile(r"\b(who|whom|whose|what|which|when|where|why|how)\b", re.IGNORECASE)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: NDArray[np.float32] = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def surest_begin(probabilities: NDArray[np.float32]) -> float:
    """Return the log odds of the surest B; ``probabilities``: shape (words, 3), may be empty."""
    surest = float(probabilities[:, 0].max(initial=0.0))
    p = min(max(surest, _EDGE), 1 - _EDGE)
    return float(np.log(p / (1 - p)))


def pooled(margins: Sequence[float]) -> float:
    """Return the margin of a text from those of its windows: the logarithm of the mean of their exponentials.

    Between the highest, which one friendly paragraph of a long complaint would decide, and the mean, in which one
    paragraph that has what is asked for is lost (Pinheiro and Collobert, "From image-level to pixel-level labeling
    with convolutional networks", CVPR 2015). docs/kestrel.md compares the three.
    """
    # Sorted, because batches bring windows in any order and sums depend on it in the last digit.
    ordered = np.sort(np.asarray(margins, dtype=np.float64))
    if len(ordered) == 1:
        return float(ordered[0])
    return float(np.logaddexp.reduce(ordered) - np.log(len(ordered)))


def calibrated(margins: NDArray[np.float64], temperature: float, bias: float) -> NDArray[np.float32]:
    """Return ``sigmoid(margin / temperature + bias)``."""
    # Beyond 80 a float32 cannot tell the result from 0 or 1, and exp would overflow.
    scaled = np.clip(margins / temperature + bias, -80.0, 80.0)
    return (1.0 / (1.0 + np.exp(-scaled))).astype(np.float32)


def is_question(instruction: str) -> bool:
    """Return whether a span instruction is a question in words (``Who wrote it?``), not the name of a type.

    A model is surer of a name than of an answer, so that the two take thresholds of their own.
    """
    found = _INTERROGATIVE.search(instruction)
    return found is not None and (found.start() == 0 or instruction.rstrip().endswith("?"))


def decode(
    text: str,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    threshold: float,
) -> list[SpanValue]:
    """Return the spans of a text, in text order, disjoint.

    A span begins at a word whose B reaches the threshold and goes on while I is likelier than O,
    until another span begins; within a span, one begins only where B is at least as likely as I.
    Its score is the mean of P(B) of its first word and P(I) of the others. White space at its ends
    is cut off.

    Args:
        text: what the words stand in.
        starts: first characters of the words, ascending.
        ends: characters after the words.
        probabilities: shape (words, 3): P(B), P(I), P(O) of each word's first token.
        threshold: from 0 to 1.
    """
    begins = probabilities[:, 0] >= threshold
    if not begins.any():
        return []
    begins_anew = begins & (probabilities[:, 0] >= probabilities[:, 1])
    goes_on = ~begins_anew & (probabilities[:, 1] > probabilities[:, 2])
    breaks = np.append(np.flatnonzero(~goes_on), len(begins))
    firsts = np.flatnonzero(begins)
    lasts = breaks[np.searchsorted(breaks, firsts, side="right")] - 1
    found: list[SpanValue] = []
    inside_until = -1
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        if first <= inside_until:
            continue
        inside_until = last
        start, end = _trimmed(text, int(starts[first]), int(ends[last]))
        if start < end and (not found or start >= found[-1].end):
            inside = probabilities[first + 1 : last + 1, 1].sum(dtype=np.float64)
            score = (float(probabilities[first, 0]) + float(inside)) / (last - first + 1)
            found.append(SpanValue(start, end, min(score, 1.0)))
    return found


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
