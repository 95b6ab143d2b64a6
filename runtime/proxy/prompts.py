"""From pairs of text and instruction to model inputs: prompts, tokens, windows, words.

Text and instruction are put into the proxy's prompt and tokenised together, so that the tokens are
exactly those the model would be trained on. A prompt that is too long is cut into windows by tokens:
each has all the tokens around the text, and a stretch of those of the text.

Knows nothing of the model, and nothing of what logits mean.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.manifest import Prompt
from falconql.runtime.proxy.windows import window_ranges

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text: ``starts`` and ``ends`` in its characters, ``tokens``: the first token of each.

    ``first`` and ``last`` bound the text's tokens. Tokens are counted in the whole prompt.
    """

    tokens: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Window:
    """One model input: a prompt with the text's tokens from ``left`` to ``right`` (counted in the whole prompt).

    ``skipped`` is how many of the text's tokens before ``left`` it leaves out.
    """

    pair: int
    ids: list[int]
    type_ids: list[int]
    left: int
    right: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Prompted:
    """A pair as model inputs. ``words`` is None when it was not asked for and not needed."""

    windows: tuple[Window, ...]
    words: Words | None


class Prompter:
    """Makes model inputs.

    Args:
        path: the proxy's ``tokenizer.json``.
        max_tokens: tokens of a window, special ones included.
        overlap: text tokens that neighbouring windows share.

    Raises:
        ProxyError: the file is not a tokenizer.
    """

    def __init__(self, path: Path, max_tokens: int, overlap: int) -> None:
        self._path = path
        self.max_tokens = max_tokens
        self.overlap = overlap
        self.tokenizer = _load(path)
        self.pad_id = _pad_id(self.tokenizer)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        # A text that speaks of "[SEP]" has those five characters, no separator.
        self.tokenizer.encode_special_tokens = True

    def prompted(self, prompt: Prompt, pairs: Sequence[Pair], places: Sequence[int], *, words: bool) -> list[Prompted]:
        """Return the model inputs of pairs; ``places`` are what their windows call them.

        Raises:
            ProxyError: an instruction leaves no room for the text, or the tokenizer fails.
        """
        found = []
        for place, (text, instruction) in zip(places, pairs, strict=True):
            # One by one, which costs no more: the tokenizer's own threads, used for batches, hang in a forked child.
            encoding = self._encoded(*prompt.rendered(encodable(text), encodable(instruction)))
            needed = words or len(encoding) > self.max_tokens
            read = _words(prompt, text, instruction, encoding) if needed else None
            found.append(Prompted(self._windows(place, encoding, read, instruction), read))
        return found

    def _encoded(self, *sequences: str) -> Any:
        """Return the encoding of one or two sequences; a tokenizer that refers to what it has not fails here."""
        with _refusals(f"{self._path} failed", "the tokenizer is broken: export the proxy again"):
            return self.tokenizer.encode(*sequences)

    def _windows(self, place: int, encoding: Any, words: Words | None, instruction: str) -> tuple[Window, ...]:
        ids, type_ids = encoding.ids, encoding.type_ids
        if words is None or len(ids) <= self.max_tokens:
            return (Window(place, ids, type_ids, 0, len(ids), 0),)
        first, last = words.first, words.last
        room = self.max_tokens - (len(ids) - (last - first))
        if room < self.max_tokens // 4:
            raise ProxyError(
                f"an instruction of {len(instruction)} characters leaves no room for the text",
                hint=f"a window has {self.max_tokens} tokens; keep instructions under {self.max_tokens // 2} words",
            )
        return tuple(
            Window(
                place,
                ids[:first] + ids[first + start : first + end] + ids[last:],
                type_ids[:first] + type_ids[first + start : first + end] + type_ids[last:],
                first + start,
                first + end,
                start,
            )
            for start, end in window_ranges(last - first, room, self.overlap)
        )


def _words(prompt: Prompt, text: str, instruction: str, encoding: Any) -> Words:
    """Return the words of the text in a tokenised prompt.

    A word begins where the tokenizer says so, and after white space: some tokenizers make one word of
    everything. The pieces of a word belong to it; a token that reaches beyond the text is cut off at its end.
    """
    sequence, before = prompt.place_of_text(instruction)
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2) - before
    starts, ends = offsets[:, 0].clip(0, len(text)), offsets[:, 1].clip(0, len(text))
    where = np.array([-1 if s is None else s for s in encoding.sequence_ids], dtype=np.int64)
    tokens = np.flatnonzero((where == sequence) & (starts < ends))
    if not tokens.size:
        return Words(tokens, tokens, tokens, 0, 0)
    starts, ends = starts[tokens], ends[tokens]
    ids = np.array([-1 if w is None else w for w in encoding.word_ids], dtype=np.int64)[tokens]
    begins = np.ones(len(tokens), dtype=bool)
    begins[1:] = (ids[1:] != ids[:-1]) | _follows_space(text, starts)[1:]
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], len(tokens)) - 1
    firsts_at, lasts_at = starts[firsts], ends[lasts]
    if not text.isascii():
        lasts_at = _with_marks(text, firsts_at, lasts_at)
    return Words(tokens[firsts], firsts_at, lasts_at, int(tokens[0]), int(tokens[-1]) + 1)


def _with_marks(text: str, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ends of words after the marks that follow their last letter, which some tokenizers leave out."""
    found = ends.tolist()
    for place, (end, limit) in enumerate(zip(found, [*starts[1:].tolist(), len(text)], strict=True)):
        while end < limit and _is_mark(text[end]):
            end += 1
        found[place] = end
    return np.array(found, dtype=np.int64)


def _is_mark(character: str) -> bool:
    return character >= "\u0300" and (unicodedata.category(character) in ("Mn", "Mc", "Me") or character == "\u200d")


def _follows_space(text: str, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.array([text[i].isspace() or (i > 0 and text[i - 1].isspace()) for i in starts.tolist()], dtype=bool)


def encodable(text: str) -> str:
    """Return a text that can be encoded: lone surrogates become as many other characters."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def _load(path: Path) -> Any:
    from tokenizers import Tokenizer

    with _refusals(f"{path} is not a tokenizer", "export the proxy again"):
        return Tokenizer.from_file(str(path))


@contextmanager
def _refusals(what: str, hint: str) -> Iterator[None]:
    """Turn what the bindings raise into messages: bare ``Exception``, and panics, which are not even that."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise ProxyError(f"{what}: {error}", hint=hint) from error


def _pad_id(tokenizer: Any) -> int:
    if tokenizer.padding is not None:
        return int(tokenizer.padding["pad_id"])
    for token in ("[PAD]", "<pad>"):
        found = tokenizer.token_to_id(token)
        if found is not None:
            return int(found)
    return 0
