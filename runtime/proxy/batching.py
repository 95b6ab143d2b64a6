"""Cutting work into batches by tokens. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence


def token_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Return positions in batches of like length whose padded size stays within ``budget`` tokens.

    Positions are sorted by length, longest last; a single item longer than the budget is a batch of
    its own. Every position occurs exactly once.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    batches: list[list[int]] = []
    current: list[int] = []
    for position in order:
        if current and lengths[position] * (len(current) + 1) > budget:
            batches.append(current)
            current = []
        current.append(position)
    if current:
        batches.append(current)
    return batches
