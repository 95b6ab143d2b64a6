"""Long texts as the runtime reads them: window by window.

Of spans, each piece of a text, as long as a window, is an example of its own, so that all of them are learned and not
those of one window. Of a label it is known for the whole text, and not in which window that can be seen: its windows
stay together, and their logits are pooled before they are compared with the answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tokenizers import Encoding, Tokenizer

from falconql.runtime.proxy.prompts import encodable
from falconql.training.dataset import Item, label_windows, tokenise
from falconql.training.examples import Example

# Of one text, so that a book does not take the place of all others.
MOST_PIECES = 16
# Windows of a label are learned in one step, which they fill.
MOST_WINDOWS = 8
Span = tuple[int, int]


def items_of(
    tokenizer: Tokenizer, examples: Sequence[Example], max_tokens: int, overlap: int, seed: int
) -> list[list[Item]]:
    """Return the items of each example: one, or those of the windows of a label's long text.

    Of more than ``MOST_WINDOWS`` windows, which share ``overlap`` tokens with their neighbours, that many are drawn.
    """
    rng = random.Random(seed)
    found = [[item] for item in tokenise(tokenizer, examples, max_tokens, seed)] if examples else []
    for number, example in enumerate(examples):
        if isinstance(example.answer, bool) and len(found[number][0].ids) == max_tokens:
            windows = label_windows(tokenizer, example, max_tokens, overlap)
            found[number] = rng.sample(windows, MOST_WINDOWS) if len(windows) > MOST_WINDOWS else windows
    return found


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
