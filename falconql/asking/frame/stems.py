"""Words by their beginnings and roots."""

from __future__ import annotations

import re
from collections.abc import Collection

from falconql.asking.evidence import content_words, stem, words

_LEAST = 3
_ENDING = 3
_MEANT = re.compile(r"(?:\b(?:did|do|does) (?:the )?\w+|\b\w+s|\bthey) (like|want|need)s?\b")


def root(word: str) -> str:
    """Return a word without its ending, as far as three letters are left: cit, of citation and cited."""
    return re.sub(r"(?<=\w{3})(?:ations?|ings?|ions?|ments?|ed|es|e|s)$", "", word)


def starts(text: str, needless: Collection[str]) -> tuple[str, ...]:
    """Return beginnings of the words of a text that carry meaning, in lower and upper case."""
    kept = [word for word in words(text) if word[0].isalpha() and content_words(word) and stem(word) not in needless]
    # "I'd like" says nothing, "what guests like" does.
    kept += _MEANT.findall(text.lower())
    cut = [_shared_start(word, stem(word)) for word in kept]
    return tuple(
        dict.fromkeys(case for start in dict.fromkeys(cut) for case in (start, start.capitalize(), start.upper()))
    )


def raw_words(text: str) -> tuple[str, ...]:
    """Return the words of a text as it has them."""
    return tuple(dict.fromkeys(re.findall(r"[^\W_]+(?:'[^\W_]+)?", text)))


def _shared_start(word: str, other: str) -> str:
    """Return the letters that two words begin with, all of the first one when that is nothing."""
    same = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    # Shorter than the word, so that complaints are what somebody complains of.
    return word[: max(min(same, len(word) - _ENDING, len(root(word))), min(same, _LEAST + 1), _LEAST)]
