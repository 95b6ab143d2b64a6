"""Cuckoo's few-shot files: a JSON object per line with ``words`` and their tags, ``ner``.

::

    {"words": ["User", ":", "Ada", "left", "Paris", "Question", ":", "Where", "?", "Assistant", ":"],
     "ner":   ["O",    "O", "O",   "O",    "B",     "O",        "O", "O",     "O", "O",         "O"]}

The words are those of the prompt; text and instruction are found between its marks (Peng et al., arXiv 2502.11275).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from falconql.runtime.proxy.prompts import encodable
from falconql.training.examples import Example

_WORD = re.compile(r"\w+|[^\w\s]")
_BEFORE, _BETWEEN, _BEHIND = ["User", ":"], ["Question", ":"], ["Assistant", ":"]


class CuckooFileError(ValueError):
    """A line that is no example of Cuckoo's, with its number."""


def write_cuckoo(examples: Iterable[Example], path: Path) -> int:
    """Write the span examples, one line each, and return how many; labels have no place in such a file."""
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for example in examples:
            if isinstance(example.answer, bool):
                continue
            # No word reaches beyond a span: where words are not parted by spaces, one would be a whole sentence.
            edges = sorted({0, len(example.text), *(edge for span in example.answer for edge in span)})
            words = [found.span() for part in pairwise(edges) for found in _WORD.finditer(example.text, *part)]
            tags = ["O"] * len(words)
            for start, end in example.answer:
                inside = [i for i, (left, right) in enumerate(words) if left < end and right > start]
                for place in inside:
                    tags[place] = "B" if place == inside[0] else "I"
            asked = _WORD.findall(example.instruction)
            said = [example.text[left:right] for left, right in words]
            line = {
                "words": [*_BEFORE, *said, *_BETWEEN, *asked, *_BEHIND],
                "ner": ["O", "O", *tags, *["O"] * (len(asked) + 4)],
            }
            file.write(encodable(json.dumps(line, ensure_ascii=False)) + "\n")
            written += 1
    return written


def read_cuckoo(path: Path) -> Iterator[Example]:
    """Yield the examples of a file; words are joined by single spaces, so that texts differ in white space.

    Raises:
        CuckooFileError: a line is none of an example.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                read = json.loads(line.decode("utf-8"))
                words, tags = list(map(str, read["words"])), list(map(str, read["ner"]))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise CuckooFileError(f"{path}:{number}: not an object with words and ner: {error}") from error
            if len(words) != len(tags) or not set(tags) <= {"B", "I", "O"}:
                raise CuckooFileError(f"{path}:{number}: words and ner are to be equally many, of the tags B, I and O")
            yield _example(words, tags, f"{path}:{number}")


def _example(words: list[str], tags: list[str], place: str) -> Example:
    marks = [i for i in range(len(words) - 1) if words[i : i + 2] == _BETWEEN]
    if words[:2] != _BEFORE or words[-2:] != _BEHIND or not marks:
        raise CuckooFileError(f"{place}: the words are to begin with User :, have Question : and end with Assistant :")
    text, asked = words[2 : marks[-1]], words[marks[-1] + 2 : -2]
    spans: list[tuple[int, int]] = []
    at = 0
    for word, tag in zip(text, tags[2 : marks[-1]], strict=True):
        if tag == "B" or (tag == "I" and not spans):
            spans.append((at, at + len(word)))
        elif tag == "I":
            spans[-1] = (spans[-1][0], at + len(word))
        at += len(word) + 1
    return Example(" ".join(asked), " ".join(text), tuple(spans))
