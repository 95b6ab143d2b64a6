"""Long texts in pieces, so that all of their spans are learned and not those of one window.

The runtime reads a long text window by window and puts the spans together. Here each piece, as long as a window, is an
example of its own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tokenizers import Encoding, Tokenizer

from falconql.runtime.proxy.prompts import encodable
from falconql.training.examples import Example

# Of one text, so that a book does not take the place of all others.
MOST_PIECES = 16
Span = tuple[int, int]


def in_pieces(tokenizer: Tokenizer, examples: Sequence[Example], max_tokens: int, seed: int) -> list[Example]:
    """Return the examples, those of spans in long texts in pieces that fit a window, the others as they are.

    Of a text, pieces with an answer come first, then as many without one, ``MOST_PIECES`` in all; which ones is drawn.
    """
    rng = random.Random(seed)
    found: list[Example] = []
    for example in examples:
        pieces = [example] if isinstance(example.answer, bool) else list(_cut(tokenizer, example, max_tokens))
        found += pieces if len(pieces) == 1 else _chosen(pieces, rng)
    return found


def _chosen(pieces: Sequence[Example], rng: random.Random) -> list[Example]:
    some, none = ([i for i, piece in enumerate(pieces) if bool(piece.answer) is answered] for answered in (True, False))
    some = rng.sample(some, min(len(some), MOST_PIECES))
    none = rng.sample(none, min(len(none), max(1, len(some)), MOST_PIECES - len(some)))
    return [pieces[i] for i in sorted(some + none)]


def _cut(tokenizer: Tokenizer, example: Example, max_tokens: int) -> Iterator[Example]:
    assert not isinstance(example.answer, bool)
    text = tokenizer.encode(encodable(example.text), add_special_tokens=False)
    asked = tokenizer.encode(encodable(example.instruction), add_special_tokens=False)
    room = max(max_tokens - 3 - len(asked.ids), max_tokens // 4)
    if len(text.ids) <= room:
        yield example
        return
    for start, end in _places(text, room, example.answer):
        inside = ((max(a, start) - start, min(b, end) - start) for a, b in example.answer if a < end and b > start)
        yield Example(example.instruction, example.text[start:end], tuple(inside))


def _places(text: Encoding, room: int, spans: Sequence[Span]) -> Iterator[Span]:
    """Yield where pieces begin and end, in characters: of ``room`` tokens at most, parted between words and spans."""
    first, count = 0, len(text.ids)
    while first < count:
        full = min(first + room, count)
        last = full
        while full < count and last > first and not _parts(text, last, spans):
            last -= 1
        last = last if last > first else full
        yield text.offsets[first][0], text.offsets[last - 1][1]
        first = last


def _parts(text: Encoding, token: int, spans: Sequence[Span]) -> bool:
    """Return whether a text can be cut before a token."""
    place = text.offsets[token][0]
    return text.word_ids[token] != text.word_ids[token - 1] and not any(start < place < end for start, end in spans)
