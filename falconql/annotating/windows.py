"""Texts that are longer than a request should be: cut into overlapping windows, and their answers joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from falconql.annotating.task import Annotation, Kind, Spans


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text that begins at character ``start``."""

    start: int
    text: str


def windows(text: str, size: int, overlap: int) -> list[Window]:
    """Return windows of at most ``size`` characters that together hold all of a text, one for a short one.

    Neighbours share ``overlap`` characters, more or less: they begin and end at white space where there is some near.
    """
    found: list[Window] = []
    start = 0
    while True:
        end = start + size
        if end >= len(text):
            found.append(Window(start, text[start:]))
            return found
        end = _near_space(text, end, end - size // 8)
        found.append(Window(start, text[start:end]))
        # Always further than the window before began, whatever the overlap.
        start = max(_near_space(text, end - overlap, end - overlap - size // 8), start + size // 4)


def _near_space(text: str, place: int, lowest: int) -> int:
    """Return the last place not after ``place`` at which a word ends, but none before ``lowest``."""
    for candidate in range(place, max(lowest, 0), -1):
        if text[candidate].isspace():
            return candidate
    return place


def joined(kind: Kind, parts: Sequence[tuple[Window, Annotation | None]]) -> Annotation | None:
    """Return the answer for a text from those for its windows; None when one that matters is missing.

    A label is true if it is true of some window. Of spans that overlap the longer one stays: the shorter is what an
    edge left of it. A choice is that of most windows, the first of equals.
    """
    answers = [answer for _, answer in parts]
    if kind == "label" and True in answers:
        return True
    if None in answers:
        return None
    if kind == "label":
        return False
    if kind == "choose":
        return Counter(str(answer) for answer in answers).most_common(1)[0][0]
    return _merged([(w.start + s, w.start + e) for w, spans in parts if isinstance(spans, tuple) for s, e in spans])


def _merged(spans: Sequence[tuple[int, int]]) -> Spans:
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(spans), key=lambda span: (span[0] - span[1], span[0])):
        if all(end <= s or e <= start for s, e in kept):
            kept.append((start, end))
    return tuple(sorted(kept))
