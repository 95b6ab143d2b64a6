"""All examples of a run in one compact file, with nothing but NumPy to read it.

Texts and instructions are tokenised once and shared by the examples that use them; an example is a row of numbers::

    text, instruction   which of them
    begin, length       the window of the text's tokens that it reads
    label               1 or 0 for a label, -1 for spans
    spans               first and last token (exclusive) of each answer, counted in the text
    task                where it comes from, for the log

The order of the examples is the order of training.
"""

from __future__ import annotations

import json
import random
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from falconql.training.dataset import IGNORE, B, I, Item, O, classes_of, special_token, window_start
from falconql.training.examples import Example

_CHUNK = 2048
WIDTH = 16
INSTRUCTION_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Pack:
    """Examples as arrays; ``*_at`` holds where each one begins, and one more entry for the end.

    Attributes:
        texts: tokens of all texts, uint16.
        instructions: tokens of all instructions, uint16.
        rows: [examples, 6] int32: text, instruction, begin, length, label, task.
        spans: [spans, 2] int32, tokens of the text.
        continues: for each token of the vocabulary, whether it goes on with a word.
        tasks: names of the tasks.
        special: the tokens [CLS] and [SEP].
        max_tokens: of an example, with the special ones.
        about: what the examples were made from, as JSON.
    """

    texts: NDArray[np.uint16]
    texts_at: NDArray[np.int64]
    instructions: NDArray[np.uint16]
    instructions_at: NDArray[np.int64]
    rows: NDArray[np.int32]
    spans: NDArray[np.int32]
    spans_at: NDArray[np.int64]
    continues: NDArray[np.bool_]
    tasks: NDArray[np.str_]
    special: NDArray[np.int32]
    max_tokens: NDArray[np.int32]
    about: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.rows)

    def lengths(self) -> NDArray[np.int32]:
        """Return the tokens of every example, special ones included."""
        instructions = np.diff(self.instructions_at)[self.rows[:, 1]]
        return (self.rows[:, 3] + instructions + 3).astype(np.int32)

    def item(self, number: int) -> Item:
        """Return one example as the encoder reads it."""
        text, instruction, begin, length, label, _ = (int(value) for value in self.rows[number])
        cls_id, sep_id = (int(token) for token in self.special)
        asked = self.instructions[self.instructions_at[instruction] : self.instructions_at[instruction + 1]]
        start = int(self.texts_at[text]) + begin
        read = self.texts[start : start + length]
        ids = np.concatenate([[cls_id], asked, [sep_id], read, [sep_id]]).astype(np.int32)
        targets = np.full(len(ids), IGNORE, dtype=np.int8)
        head = len(asked) + 2
        if label >= 0:
            targets[0] = B if label else O
            return Item(ids, targets, head)
        classes = np.where(self.continues[read], IGNORE, O).astype(np.int8)
        for left, right in self.spans[self.spans_at[number] : self.spans_at[number + 1]] - begin:
            inside = classes[max(0, left) : max(0, right)]
            inside[inside == O] = I
            if 0 <= left < length:
                classes[left] = B
        targets[head:-1] = classes
        return Item(ids, targets, head)

    def save(self, path: Path) -> None:
        """Write the file, compressed."""
        with path.open("wb") as file:
            np.savez_compressed(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Pack:
        """Read the file.

        Raises:
            OSError: it cannot be read.
            ValueError: it is no such file.
        """
        with np.load(path, allow_pickle=False) as arrays:
            missing = [field.name for field in fields(cls) if field.name not in arrays]
            if missing:
                raise ValueError(f"{path} is no file of training examples: it lacks {', '.join(missing)}")
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def packed(
    examples: Iterable[tuple[str, Example]],
    tokenizer: Tokenizer,
    *,
    max_tokens: int,
    seed: int,
    tasks: Sequence[str],
    about: Mapping[str, Any],
) -> Pack:
    """Tokenise examples, each with its task, and put them into arrays.

    Raises:
        ValueError: the tokenizer is not one of BERT, or its vocabulary has more than 65,536 tokens.
    """
    if tokenizer.get_vocab_size() > 1 << 16:
        raise ValueError("the vocabulary is too large for this format")
    packer = _Packer(tokenizer, max_tokens, random.Random(seed), list(tasks))
    chunk: list[tuple[str, Example]] = []
    for example in examples:
        chunk.append(example)
        if len(chunk) == _CHUNK:
            packer.add(chunk)
            chunk = []
    packer.add(chunk)
    return packer.pack(json.dumps(about))


class _Packer:
    def __init__(self, tokenizer: Tokenizer, max_tokens: int, rng: random.Random, tasks: list[str]) -> None:
        self.tokenizer, self.max_tokens, self.rng, self.tasks = tokenizer, max_tokens, rng, tasks
        self.texts, self.texts_at = array("H"), array("q", [0])
        self.instructions, self.instructions_at = array("H"), array("q", [0])
        self.rows, self.spans, self.spans_at = array("i"), array("i"), array("q", [0])
        self.known_texts: dict[str, int] = {}
        self.known_instructions: dict[str, int] = {}

    def add(self, chunk: Sequence[tuple[str, Example]]) -> None:
        if not chunk:
            return
        # Offsets are needed for spans, so that texts are tokenised again where they return.
        texts = self.tokenizer.encode_batch([example.text for _, example in chunk], add_special_tokens=False)
        asked = self.tokenizer.encode_batch([example.instruction for _, example in chunk], add_special_tokens=False)
        for (task, example), text, instruction in zip(chunk, texts, asked, strict=True):
            ids = instruction.ids[:INSTRUCTION_TOKENS]
            classes = classes_of(example, text)
            room = self.max_tokens - len(ids) - 3
            begin = window_start(classes, room, example, self.rng)
            length = min(room, len(text.ids) - begin)
            label = int(example.answer) if isinstance(example.answer, bool) else -1
            self.rows.extend(
                (
                    _shared(example.text, text.ids, self.known_texts, self.texts, self.texts_at),
                    _shared(example.instruction, ids, self.known_instructions, self.instructions, self.instructions_at),
                    begin,
                    length,
                    label,
                    self.tasks.index(task),
                )
            )
            if label < 0:
                for left, right in _runs(classes):
                    if right > begin and left < begin + length:
                        self.spans.extend((left, right))
            self.spans_at.append(len(self.spans) // 2)

    def pack(self, about: str) -> Pack:
        vocabulary = self.tokenizer.get_vocab()
        continues = np.zeros(self.tokenizer.get_vocab_size(), dtype=np.bool_)
        continues[[number for token, number in vocabulary.items() if token.startswith("##")]] = True
        special = [special_token(self.tokenizer, "[CLS]"), special_token(self.tokenizer, "[SEP]")]
        return Pack(
            np.array(self.texts, dtype=np.uint16),
            np.array(self.texts_at, dtype=np.int64),
            np.array(self.instructions, dtype=np.uint16),
            np.array(self.instructions_at, dtype=np.int64),
            np.array(self.rows, dtype=np.int32).reshape(-1, 6),
            np.array(self.spans, dtype=np.int32).reshape(-1, 2),
            np.array(self.spans_at, dtype=np.int64),
            continues,
            np.array(self.tasks),
            np.array(special, dtype=np.int32),
            np.array(self.max_tokens, dtype=np.int32),
            np.array(about),
        )


def _shared(text: str, ids: Sequence[int], known: dict[str, int], tokens: array[int], at: array[int]) -> int:
    """Return the number of a text, whose tokens are added where it is new."""
    number = known.setdefault(text, len(known))
    if number == len(at) - 1:
        tokens.extend(ids)
        at.append(len(tokens))
    return number


def _runs(classes: NDArray[np.int8]) -> list[tuple[int, int]]:
    """Return the first and last token (exclusive) of every span: from a B to the last I that follows."""
    found: list[tuple[int, int]] = []
    for place, class_ in enumerate(classes.tolist()):
        if class_ == B:
            found.append((place, place + 1))
        elif class_ == I and found:
            found[-1] = (found[-1][0], place + 1)
    return found


def width_multiple(positions: int) -> int:
    """Return what the width of a batch in training is a multiple of, for a model of so many positions.

    Torch keeps several megabytes of compiled kernels for every shape that it meets on a processor: with a shape of its
    own for every batch, a run of some hundred steps fills a small machine's memory.
    """
    return WIDTH if positions % WIDTH == 0 else 1


def batches(
    lengths: NDArray[np.int32], budget: int, seed: int, pool: int, *, multiple: int = 1
) -> list[NDArray[np.int64]]:
    """Return batches of example numbers whose padded tokens, in widths of ``multiple``, stay within a budget.

    Examples keep their order but for pools of ``pool``: these are sorted by length, cut, and the cuts shuffled.
    """
    rng = np.random.default_rng(seed)
    widths = -(-lengths // multiple) * multiple
    cut: list[NDArray[np.int64]] = []
    for begin in range(0, len(lengths), pool):
        chosen = np.arange(begin, min(begin + pool, len(lengths)))
        chosen = chosen[np.argsort(lengths[chosen], kind="stable")]
        own: list[NDArray[np.int64]] = []
        start = 0
        for end in range(1, len(chosen) + 1):
            full = end < len(chosen) and int(widths[chosen[end]]) * (end - start + 1) > budget
            if full or end == len(chosen):
                own.append(chosen[start:end])
                start = end
        cut += [own[i] for i in rng.permutation(len(own))]
    return cut
