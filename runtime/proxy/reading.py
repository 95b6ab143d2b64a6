"""What a proxy read in a text, in compact form: enough for the spans at any threshold, and no more.

A word that neither begins a span at the lowest threshold nor goes on with one ends every span. Such words
are most of a text, and it does not matter how many stand in a row, so they are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.proxy.base import SpanValue
from falconql.runtime.proxy.decoding import decode

Reading = bytes

LOWEST_THRESHOLD = 0.01
"""From here on upwards one reading serves all thresholds; below it every word is kept."""

_WORD = np.dtype([("start", "<u4"), ("end", "<u4"), ("follows", "u1"), ("p", "<f4", (3,))])


@runtime_checkable
class ReadsSpans(Protocol):
    """A proxy whose spans at one threshold follow from what it read for another."""

    def span_threshold(self, instruction: str) -> float:
        """Return the threshold for an instruction where the caller gives none."""

    def read_spans(self, texts: Sequence[str], instructions: Sequence[str], lowest: float) -> list[Reading]:
        """Return for each text what was read, for thresholds from ``lowest`` upwards."""


def lowest_for(threshold: float) -> float:
    """Return the lowest threshold that a reading should serve when this one is wanted now."""
    return LOWEST_THRESHOLD if threshold >= LOWEST_THRESHOLD else 0.0


def reading_of(
    starts: NDArray[np.int64], ends: NDArray[np.int64], probabilities: NDArray[np.float32], lowest: float
) -> Reading:
    """Return what was read, from the arguments of ``decode``."""
    kept = np.flatnonzero((probabilities[:, 0] >= lowest) | (probabilities[:, 1] > probabilities[:, 2]))
    words = np.empty(kept.size, dtype=_WORD)
    words["start"], words["end"], words["p"] = starts[kept], ends[kept], probabilities[kept]
    words["follows"] = np.diff(kept, prepend=-2) == 1
    return words.tobytes()


def fits(text: str, reading: Reading) -> bool:
    """Return whether a reading can be one of this text."""
    if len(reading) % _WORD.itemsize:
        return False
    words = np.frombuffer(reading, dtype=_WORD)
    return not words.size or int(words["end"].max()) <= len(text)


def spans_in(text: str, reading: Reading, threshold: float) -> list[SpanValue]:
    """Return what ``decode`` gives for the whole text, at any threshold that the reading serves."""
    if not reading:
        return []
    words = np.frombuffer(reading, dtype=_WORD)
    places = np.arange(words.size) + np.cumsum(words["follows"] == 0)
    starts, ends = np.zeros((2, places[-1] + 1), dtype=np.int64)
    # One word that ends every span stands for all that were left out in a row.
    probabilities = np.tile(np.array([-1.0, -1.0, 1.0], dtype=np.float32), (places[-1] + 1, 1))
    starts[places], ends[places], probabilities[places] = words["start"], words["end"], words["p"]
    return decode(text, starts, ends, probabilities, threshold)
