"""What a model's reply means: a JSON object somewhere in it, true and false, strings found again in the text."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from falconql.annotating.prompt import Request

Spans = tuple[tuple[int, int], ...]
Answer = bool | Spans

# Typographic quotation marks and dashes, which models write as plain ones.
_PLAIN_SIGNS = str.maketrans("\u2018\u2019\u201c\u201d\u201e\u2013\u2014\u2010\u2011", '\'\'"""----')
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Read:
    """What a reply came to.

    Attributes:
        answers: one for each question, None where there is none; spans count from the beginning of the request's text.
        repaired: strings that stand in the text only in another case or with other white space.
        rejected: strings that do not stand in it at all.
    """

    answers: tuple[Answer | None, ...]
    repaired: int = 0
    rejected: int = 0


def read(reply: str, request: Request) -> Read:
    """Return the answers in a reply."""
    found = _object(reply)
    answers: list[Answer | None] = []
    repaired = rejected = 0
    for number, task in enumerate(request.tasks, 1):
        said = found.get(str(number))
        if task.kind == "label":
            answers.append(_WORDS.get(said.strip().lower()) if isinstance(said, str) else _bool(said))
        elif isinstance(said, list) and all(isinstance(piece, str) for piece in said):
            spans = matched(request.text, said)
            answers.append(spans.spans)
            repaired += spans.repaired
            rejected += spans.rejected
        else:
            answers.append(None)
    return Read(tuple(answers), repaired, rejected)


def _bool(said: Any) -> bool | None:
    return said if isinstance(said, bool) else None


def _object(reply: str) -> dict[str, Any]:
    """Return the first JSON object in a reply, whatever stands around it; empty if there is none."""
    decoder = json.JSONDecoder()
    place = reply.find("{")
    while place >= 0:
        try:
            found, _ = decoder.raw_decode(reply, place)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        place = reply.find("{", place + 1)
    return {}


@dataclass(frozen=True, slots=True)
class Matched:
    """Strings found in a text."""

    spans: Spans
    repaired: int
    rejected: int


def matched(text: str, pieces: Sequence[str]) -> Matched:
    """Return where the pieces stand in the text, disjoint and in order.

    A piece that is said twice is found twice, if it stands there twice. What stands there only in another case, with
    other white space or as another form of the same characters counts as repaired.
    """
    folded: _Folded | None = None
    taken: list[tuple[int, int]] = []
    repaired = rejected = 0
    for piece in pieces:
        wanted = piece.strip()
        span = _free(_whole_words(text, _exact(text, wanted)), taken) if wanted else None
        if span is None and wanted and not _exact(text, wanted):
            folded = folded or _Folded(text)
            span = _free(_whole_words(text, folded.places(wanted)), taken)
            repaired += span is not None
        if span is not None:
            taken.append(span)
        elif wanted and not (_exact(text, wanted) or (folded or _Folded(text)).places(wanted)):
            rejected += 1
    return Matched(tuple(sorted(taken)), repaired, rejected)


def _exact(text: str, piece: str) -> list[tuple[int, int]]:
    found = []
    place = text.find(piece)
    while place >= 0:
        found.append((place, place + len(piece)))
        place = text.find(piece, place + 1)
    return found


def _whole_words(text: str, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the places that cut no word, all of them when each one does."""

    def is_cut(place: int) -> bool:
        return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()

    return [place for place in places if not (is_cut(place[0]) or is_cut(place[1]))] or places


def _free(places: Sequence[tuple[int, int]], taken: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the first place after the last piece that is free, or the first free one."""
    after = taken[-1][1] if taken else 0
    free = [place for place in places if all(place[1] <= start or end <= place[0] for start, end in taken)]
    return next((place for place in free if place[0] >= after), free[0] if free else None)


class _Folded:
    """A text in one case, one form of its characters, and with single spaces; knows where each came from."""

    def __init__(self, text: str) -> None:
        self.text = ""
        self.origins: list[int] = []
        characters: list[str] = []
        for place, character in enumerate(text):
            for part in _fold(character):
                if part == " " and characters and characters[-1] == " ":
                    continue
                characters.append(part)
                self.origins.append(place)
        self.text = "".join(characters)

    def places(self, piece: str) -> list[tuple[int, int]]:
        wanted = " ".join("".join(_fold(character) for character in piece).split())
        if not wanted:
            return []
        return [
            (self.origins[start], self.origins[end - 1] + 1)
            for start, end in _exact(self.text, wanted)
            if self._is_edge(start) and self._is_edge(end)
        ]

    def _is_edge(self, place: int) -> bool:
        """Return whether a place is between two characters of the text, not inside one that was taken apart."""
        return place in (0, len(self.origins)) or self.origins[place - 1] != self.origins[place]


def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character).casefold()
    quotes = plain.translate(_PLAIN_SIGNS)
    return "".join(" " if part.isspace() else part for part in quotes)
