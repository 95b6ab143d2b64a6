"""Texts longer than the model's window: overlapping windows. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def window_ranges(tokens: int, room: int, overlap: int) -> list[tuple[int, int]]:
    """Return token ranges that cover ``tokens`` with as few windows of at most ``room`` as there can be.

    Neighbours share at least ``overlap`` tokens, but never more than half the room. All are of one size, as small as
    that allows: full ones would read a text just longer than a window twice. One range when everything fits.
    """
    if tokens <= room:
        return [(0, tokens)]
    shared = min(overlap, room // 2)
    count = -(-(tokens - shared) // (room - shared))
    size = -(-(tokens + (count - 1) * shared) // count)
    starts = [number * (tokens - size) // (count - 1) for number in range(count)]
    return [(start, start + size) for start in starts]


def centrality(tokens: NDArray[np.int64], window: tuple[int, int], text: tuple[int, int]) -> NDArray[np.int64]:
    """Return how far each token is from the nearer edge of its window.

    All are places in the same sequence, ``window`` and ``text`` half-open ranges. Where the window ends
    with the text there is no edge: nothing is missing beyond it.
    """
    length = text[1] - text[0]
    before = tokens - window[0] if window[0] > text[0] else np.full(len(tokens), length)
    after = window[1] - 1 - tokens if window[1] < text[1] else np.full(len(tokens), length)
    nearer: NDArray[np.int64] = np.minimum(before, after)
    return nearer
