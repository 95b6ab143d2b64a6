"""Texts longer than the model's window: overlapping windows. Pure functions."""

from __future__ import annotations


def window_ranges(tokens: int, room: int, overlap: int) -> list[tuple[int, int]]:
    """Return token ranges that cover ``tokens`` with windows of at most ``room``.

    Neighbours share ``overlap`` tokens (fewer when the room is small); the last window is moved
    back so that it is full. One range when everything fits.
    """
    if tokens <= room:
        return [(0, tokens)]
    step = max(1, room - min(overlap, room // 2))
    starts = [*range(0, tokens - room, step), tokens - room]
    return [(start, start + room) for start in starts]


def centrality(start: int, end: int, left: int, right: int, length: int) -> int:
    """Return how far a stretch ``start:end`` is from the nearer edge of its window ``left:right``.

    An edge of the whole text of ``length`` is no edge: nothing is missing beyond it.
    """
    before = start - left if left > 0 else length
    after = right - end if right < length else length
    return min(before, after)
