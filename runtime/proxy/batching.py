"""Cutting work into chunks and batches of like length. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

# Padding is computed as if it were text. With few texts to choose from, batches that may be half padding
# would cost more than calls of their own; below so many tokens the call itself is what costs.
MOST_PADDING = 0.03
ENOUGH_TOKENS = 512


def chunks(sizes: Sequence[int], most_items: int, most_size: int) -> list[list[int]]:
    """Return positions in chunks, smallest first, of at most ``most_items`` and ``most_size`` in all.

    A single item larger than ``most_size`` is a chunk of its own. Every position occurs exactly once.
    """
    return _cut(sizes, lambda count, total, _: count > most_items or total > most_size)


def token_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Return positions in batches of like length whose padded size stays within ``budget`` tokens.

    A batch also ends where going on would make more than ``MOST_PADDING`` of it padding, once it has
    ``ENOUGH_TOKENS``. Positions are sorted by length, longest last; a single item longer than the budget is
    a batch of its own. Every position occurs exactly once.
    """

    def overfull(count: int, total: int, longest: int) -> bool:
        size = count * longest
        return size > budget or (size > ENOUGH_TOKENS and size - total > MOST_PADDING * size)

    return _cut(lengths, overfull)


def _cut(sizes: Sequence[int], overfull: Callable[[int, int, int], bool]) -> list[list[int]]:
    """Cut the positions, sorted by size, before each item that would make its part overfull.

    ``overfull`` is asked with the number of items, their sum and the largest one.
    """
    parts: list[list[int]] = []
    total = 0
    for position in sorted(range(len(sizes)), key=sizes.__getitem__):
        size = sizes[position]
        if not parts or overfull(len(parts[-1]) + 1, total + size, size):
            parts.append([])
            total = 0
        parts[-1].append(position)
        total += size
    return parts
