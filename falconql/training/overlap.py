"""Keeping evaluation texts out of training.

``python -m falconql.training.overlap --data DIR`` counts what is left out, and proves by the
examples that training really draws that nothing is left in.

A text overlaps when it equals an evaluation text up to case, white space and punctuation. Short
texts ("ok", "add this song") recur by nature and carry no answer, but are left out all the same:
the rule stays simple and the loss is small.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from falconql.training.sources import evaluation_texts, read_split, sets_in, text_column

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


@dataclass(frozen=True, slots=True)
class Overlap:
    """For one set: its training rows, how many are left out, and examples drawn in spite of that."""

    name: str
    rows: int
    removed: int
    left: int


def overlaps(data: Path) -> Iterator[Overlap]:
    """Yield a count for every set in the folder, over as many drawn examples as it has rows."""
    from falconql.training.examples import examples_of

    banned = fingerprints(evaluation_texts(data))
    for set_ in sets_in(data):
        rows = read_split(data, set_.name, "train")
        kept = len(evaluation_free(rows, set_.kind, banned))
        drawn = islice(examples_of(set_, data, banned, seed=0), kept)
        left = sum(fingerprint(example.text) in banned for example in drawn)
        yield Overlap(set_.name, len(rows), len(rows) - kept, left)


def main() -> None:
    """Run from the command line; the exit status is 1 when an evaluation text would be trained on."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    found = list(overlaps(parser.parse_args().data))
    for one in found:
        print(f"{one.name}: {one.rows:,} rows, {one.removed:,} left out, {one.left} left in")
    raise SystemExit(any(one.left for one in found))


if __name__ == "__main__":
    main()
