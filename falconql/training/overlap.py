"""Keeping evaluation texts out of training.

A text overlaps when it equals an evaluation text up to case, white space and punctuation. Short
texts ("ok", "add this song") recur by nature and carry no answer, but are left out all the same:
the rule stays simple and the loss is small.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from falconql.training.sources import text_column

_NOT_WORD = re.compile(r"[\W_]+")


def fingerprint(text: str) -> bytes:
    """Return a 16-byte hash of a text's words, equal for texts that differ in case or punctuation."""
    return hashlib.blake2b(_NOT_WORD.sub(" ", text.casefold()).strip().encode(), digest_size=16).digest()


def fingerprints(texts: Iterable[str]) -> frozenset[bytes]:
    """Return the fingerprints of all texts."""
    return frozenset(fingerprint(text) for text in texts)


def evaluation_free(rows: Iterable[dict[str, Any]], task: str, banned: frozenset[bytes]) -> list[dict[str, Any]]:
    """Return the rows whose text is not among the banned fingerprints."""
    column = text_column(task)
    return [row for row in rows if fingerprint(row[column]) not in banned]
