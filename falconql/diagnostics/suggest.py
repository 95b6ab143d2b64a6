"""Near names: what the user may have meant."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 4


def near_names(word: str, candidates: Iterable[str]) -> list[str]:
    """Return at most four candidates that are near ``word``, nearest first.

    Near means a case-insensitive Damerau-Levenshtein distance of at most a third of the longer
    word (at least one), or that one begins with the other (three letters or more).
    """
    lower = word.casefold()
    letters = set(lower)
    ranked = []
    for order, candidate in enumerate(dict.fromkeys(candidates)):
        other = candidate.casefold()
        apart = abs(len(lower) - len(other))
        if min(len(lower), len(other)) >= 3 and (other.startswith(lower) or lower.startswith(other)):
            ranked.append((apart, order, candidate))
            continue
        most = max(1, max(len(lower), len(other)) // 3)
        # Each letter of one alone is an edit. A corpus may have thousands of columns, most of them far away.
        if apart > most or len(letters.difference(other)) > most or len(set(other).difference(letters)) > most:
            continue
        distance = edit_distance(lower, other)
        if distance <= most:
            ranked.append((distance, order, candidate))
    return [candidate for _, _, candidate in sorted(ranked)[:MOST]]


def edit_distance(left: str, right: str) -> int:
    """Return the number of insertions, deletions, substitutions and swaps of neighbours."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
