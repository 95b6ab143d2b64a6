"""Words that a model copied out of a text, as places in it: exactly, or repaired, or not at all."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from falconql.annotating.prompt import sendable
from falconql.annotating.task import Spans

_STRAIGHT = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033"), '"'),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-"),
}
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")


@dataclass(frozen=True, slots=True)
class Matched:
    """Where the pieces are.

    Attributes:
        spans: in text order, disjoint.
        repaired: how many were found only without regard to white space, case and the forms of characters.
        rejected: how many are not in the text, or not as often as they were listed.
    """

    spans: Spans
    repaired: int = 0
    rejected: int = 0


def locate(text: str, pieces: Sequence[str]) -> Matched:
    """Return the places of pieces that were copied from a text.

    A piece is looked for after the one before it, since they should stand in text order, then from the beginning;
    places that are taken are passed over, so that a piece listed twice has two places. Whole words come before parts of
    longer words, and after that what is exact before what is repaired.
    """
    finder = Finder(sendable(text))
    repaired = rejected = after = 0
    for piece in pieces:
        wanted = sendable(piece.strip())
        if not wanted:
            continue
        found = finder.find(wanted, after)
        if found is None:
            rejected += 1
            continue
        repaired += finder.text[slice(*found)] != wanted
        finder.take(found)
        after = found[1]
    return Matched(tuple(finder.taken), repaired, rejected)


class Finder:
    """Finds pieces in a text; places that were taken are passed over."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.taken: list[tuple[int, int]] = []

    def take(self, span: tuple[int, int]) -> None:
        """Pass a place over from now on."""
        self.taken.insert(bisect_left(self.taken, span), span)

    def find_exact(self, piece: str, after: int) -> tuple[int, int] | None:
        """Return where a piece stands as it is, preferably in whole words, and after a place; None if nowhere."""
        return self._exact(piece, after, self._is_whole) or self._exact(piece, after)

    def find(self, piece: str, after: int) -> tuple[int, int] | None:
        """Return where a piece stands, exactly or repaired."""
        whole = self._exact(piece, after, self._is_whole)
        if whole is not None:
            return whole
        repaired = [span for span in self._repaired(piece) if not self._is_taken(span)]
        return _first(filter(self._is_whole, repaired), after) or self._exact(piece, after) or _first(repaired, after)

    def _exact(
        self, piece: str, after: int, fits: Callable[[tuple[int, int]], bool] | None = None
    ) -> tuple[int, int] | None:
        """Return the first place of a piece as it is that is free and fits, from ``after`` on, else of all."""
        # No further than to the first: a long text may have many pieces, and each of them in many places.
        for begin in (after, 0):
            for start in _places(self.text, piece, begin):
                span = start, start + len(piece)
                if not self._is_taken(span) and (fits is None or fits(span)):
                    return span
        return None

    def _repaired(self, piece: str) -> Iterator[tuple[int, int]]:
        normal, starts, ends = self._normal
        wanted = _normalised(piece)[0].strip()
        for place in _places(normal, wanted) if wanted else ():
            last = place + len(wanted) - 1
            # A character that became several is either wholly in the span or not at all.
            inside_first = place > 0 and starts[place - 1] == starts[place]
            inside_last = last + 1 < len(normal) and ends[last + 1] == ends[last]
            if not inside_first and not inside_last:
                yield starts[place], ends[last]

    @cached_property
    def _normal(self) -> tuple[str, list[int], list[int]]:
        return _normalised(self.text)

    def _is_taken(self, span: tuple[int, int]) -> bool:
        place = bisect_left(self.taken, (span[1], -1))
        return place > 0 and self.taken[place - 1][1] > span[0]

    def _is_whole(self, span: tuple[int, int]) -> bool:
        start, end = span
        begins = start == 0 or not (self.text[start - 1].isalnum() and self.text[start].isalnum())
        return begins and (end == len(self.text) or not (self.text[end - 1].isalnum() and self.text[end].isalnum()))


def _first(spans: Iterable[tuple[int, int]], after: int) -> tuple[int, int] | None:
    """Return the first span from a place on, else the first of all."""
    return min(spans, key=lambda span: (span[0] < after, span[0]), default=None)


def _places(text: str, piece: str, begin: int = 0) -> Iterator[int]:
    place = text.find(piece, begin)
    while place >= 0:
        yield place
        place = text.find(piece, place + 1)


def _normalised(text: str) -> tuple[str, list[int], list[int]]:
    """Return a text in one form, and for each of its characters where what it was made of starts and ends."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        cluster = text[start:end]
        if cluster.isspace():
            form = "" if characters and characters[-1] == " " else " "
        else:
            bare = "".join(c for c in cluster if c not in _INVISIBLE)
            form = unicodedata.normalize("NFKD", bare.translate(_STRAIGHT)).casefold()
        for character in form:
            characters.append(" " if character.isspace() else character)
            starts.append(start)
            ends.append(end)
    return "".join(characters), starts, ends


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield each character with the marks that follow it."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not unicodedata.combining(text[place]):
            yield start, place
            start = place
