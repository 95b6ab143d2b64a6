"""Examples to token arrays.

Each example becomes ``[CLS] instruction [SEP] text [SEP]`` with one class per token: on the first
token for a label (B true, O false), on the first piece of every word of the text for spans. All
other positions carry ``IGNORE``. A long text is cut to a window that holds the first answer; ``label_windows``
makes all windows of a label's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.manifest import Prompt
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.runtime.proxy.prompts import encodable
from falconql.runtime.proxy.windows import window_ranges
from falconql.training.examples import Example, examples_of
from falconql.training.sources import TrainingSet

B, I, O = 0, 1, 2  # noqa: E741
IGNORE = -100
BASE_HINT = "start from kestrel, or from a proxy that was trained from it"
_PROMPT = Prompt("pair", "{instruction}", "{text}")
TASK_SHARES = {"spans": 0.28, "qa": 0.28, "nli": 0.20, "opinions": 0.13, "classify": 0.11, "families": 0.15}


@dataclass(frozen=True, slots=True)
class Item:
    """One tokenised example; ``targets`` as long as ``ids``; ``segments`` 0 instruction, 1 text."""

    ids: NDArray[np.int32]
    targets: NDArray[np.int8]
    instruction_tokens: int


def mixed_examples(
    sets: Sequence[TrainingSet],
    data: Path,
    banned: frozenset[bytes],
    task_shares: dict[str, float],
    seed: int,
) -> Iterator[Example]:
    """Yield examples of all sets endlessly, drawn by task share, then by share within the task."""
    rng = random.Random(seed)
    streams = {set_.name: examples_of(set_, data, banned, seed) for set_ in sets}
    totals = {task: sum(s.share for s in sets if s.task == task) for task in task_shares}
    weights = [task_shares[s.task] * s.share / totals[s.task] for s in sets]
    names = [s.name for s in sets]
    while True:
        (name,) = rng.choices(names, weights)
        yield next(streams[name])


def tokenise(tokenizer: Tokenizer, examples: Sequence[Example], max_tokens: int, seed: int) -> list[Item]:
    """Return the items of the examples, in order.

    Raises:
        ValueError: the tokenizer lacks the special tokens of BERT.
    """
    rng = random.Random(seed)
    instructions = tokenizer.encode_batch([encodable(e.instruction) for e in examples], add_special_tokens=False)
    texts = tokenizer.encode_batch([encodable(e.text) for e in examples], add_special_tokens=False)
    cls_id, sep_id = special_token(tokenizer, "[CLS]"), special_token(tokenizer, "[SEP]")
    return [
        _item(example, instruction.ids, text, (cls_id, sep_id, max_tokens), rng)
        for example, instruction, text in zip(examples, instructions, texts, strict=True)
    ]


def label_windows(tokenizer: Tokenizer, example: Example, max_tokens: int, overlap: int) -> list[Item]:
    """Return a label example as the runtime reads it: one item for each window of its text.

    Neighbouring windows share ``overlap`` tokens of the text at least.
    """
    instruction = tokenizer.encode(encodable(example.instruction), add_special_tokens=False).ids
    text = tokenizer.encode(encodable(example.text), add_special_tokens=False).ids
    instruction = _cut(instruction, text, max_tokens)
    nothing = np.full(len(text), IGNORE, dtype=np.int8)
    separators = special_token(tokenizer, "[CLS]"), special_token(tokenizer, "[SEP]")
    ranges = window_ranges(len(text), max_tokens - 3 - len(instruction), overlap)
    return [_framed(example, instruction, text[start:end], nothing[start:end], separators) for start, end in ranges]


def check_reads(proxy: OnnxProxy) -> None:
    """Make sure that a proxy reads what training writes.

    Raises:
        ProxyError: it does not: it has another prompt, or reads a label elsewhere.
    """
    manifest, tokenizer = proxy.manifest, proxy.prompter.tokenizer
    as_kestrel = (manifest.label_prompt, manifest.span_prompt, manifest.readout) == (_PROMPT, _PROMPT, "first_token")
    if not as_kestrel or None in (tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")):
        raise ProxyError(
            f"{proxy.folder} does not read `[CLS] instruction [SEP] text [SEP]`, as training does", hint=BASE_HINT
        )


def special_token(tokenizer: Tokenizer, token: str) -> int:
    """Return the number of a special token.

    Raises:
        ValueError: the tokenizer lacks it.
    """
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no token {token}: it is not one of a BERT encoder")
    return int(found)


def _item(
    example: Example,
    instruction: list[int],
    text: Encoding,
    limits: tuple[int, int, int],
    rng: random.Random,
) -> Item:
    cls_id, sep_id, max_tokens = limits
    instruction = _cut(instruction, text.ids, max_tokens)
    classes = classes_of(example, text)
    room = max_tokens - len(instruction) - 3
    start = window_start(classes, room, example, rng)
    window = slice(start, start + room)
    return _framed(example, instruction, text.ids[window], classes[window], (cls_id, sep_id))


def _cut(instruction: list[int], text: list[int], max_tokens: int) -> list[int]:
    """Return an instruction that leaves room for the text: the runtime refuses those that leave it less than that."""
    return instruction[: max_tokens - 3 - min(len(text), max_tokens // 4)]


def _framed(
    example: Example, instruction: list[int], text: list[int], classes: NDArray[np.int8], separators: tuple[int, int]
) -> Item:
    cls_id, sep_id = separators
    ids = [cls_id, *instruction, sep_id, *text, sep_id]
    targets = np.full(len(ids), IGNORE, dtype=np.int8)
    if isinstance(example.answer, bool):
        targets[0] = B if example.answer else O
    else:
        targets[len(instruction) + 2 : -1] = classes
    return Item(np.array(ids, dtype=np.int32), targets, len(instruction) + 2)


def classes_of(example: Example, text: Encoding) -> NDArray[np.int8]:
    """Return the class of each token of the text: first pieces of words only.

    A word that a span has a part of belongs to it, as in what the runtime reads: it tells words, not parts of them.
    """
    classes = np.full(len(text.ids), IGNORE, dtype=np.int8)
    if isinstance(example.answer, bool):
        return classes
    spans = iter([*example.answer, (1 << 60, 1 << 60)])
    start, end = next(spans)
    inside = False
    words, offsets = text.word_ids, text.offsets
    begins = [place for place in range(len(words)) if place == 0 or words[place] != words[place - 1]]
    for first, following in pairwise([*begins, len(words)]):
        left, right = offsets[first][0], offsets[following - 1][1]
        while left >= end:
            start, end = next(spans)
            inside = False
        classes[first] = (I if inside else B) if start < right else O
        inside = start < right
    return classes


def window_start(classes: NDArray[np.int8], room: int, example: Example, rng: random.Random) -> int:
    """Return where the window of ``room`` tokens begins that an example reads: with its first answer anywhere in it."""
    if len(classes) <= room:
        return 0
    begins = np.flatnonzero(classes == B)
    if isinstance(example.answer, bool) or not len(begins):
        return 0 if rng.random() < 0.7 else rng.randrange(len(classes) - room)
    answer = int(begins[0])
    earliest = max(0, answer - max(0, room - 24))
    return rng.randint(min(earliest, len(classes) - room), min(answer, len(classes) - room))


def collate(items: Sequence[Item], pad_id: int = 0, *, multiple: int = 1) -> dict[str, NDArray[np.int64]]:
    """Return padded arrays [batch, tokens]: input_ids, attention_mask, token_type_ids, targets.

    Their width is the least multiple of ``multiple`` in which all items fit.
    """
    width = -(-max(len(item.ids) for item in items) // multiple) * multiple
    shape = (len(items), width)
    ids = np.full(shape, pad_id, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    types = np.zeros(shape, dtype=np.int64)
    targets = np.full(shape, IGNORE, dtype=np.int64)
    for row, item in enumerate(items):
        length = len(item.ids)
        ids[row, :length] = item.ids
        mask[row, :length] = 1
        types[row, item.instruction_tokens : length] = 1
        targets[row, :length] = item.targets
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types, "targets": targets}
