"""How long several label instructions about one text take, for each way to share work: ``several.py time``.

The shipped int8 model, its layers taken apart; weights do not change the time. Texts and instructions are random
words of given lengths, batches as large as the runtime makes them, tokenised in advance: only inference is measured."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from graphs import HIDDEN, output_of, part, with_mask_of_pairs
from numpy.typing import NDArray

import falconql.runtime.proxy
from falconql.runtime.proxy.onnx import THREAD_TOKENS
from falconql.runtime.proxy.session import usable_cores

MODEL = Path(falconql.runtime.proxy.__file__).parent / "kestrel" / "model.onnx"
LAYERS = 6
TOKENS = THREAD_TOKENS * usable_cores()
INSTRUCTION = 10  # tokens, with [CLS] and [SEP]
WORDS = (2000, 20000)

Feed = dict[str, NDArray[Any]]


def opened(model: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def one_pass(rows: int, tokens: int, asked: int) -> Feed:
    """Return texts with their instructions before them: the text sees itself, an instruction itself and the text."""
    parts = np.concatenate([np.repeat(np.arange(asked), INSTRUCTION), np.full(tokens, -1)])
    positions = np.concatenate([*[np.arange(INSTRUCTION)] * asked, np.arange(tokens) + 16])
    mask = (parts[:, None] == parts[None, :]) | (parts == -1)[None, :]
    ids = np.random.default_rng(0).integers(*WORDS, (rows, len(parts)))
    return {
        "input_ids": ids,
        "token_type_ids": np.tile((parts == -1).astype(np.int64), (rows, 1)),
        "position_ids": np.tile(positions.astype(np.int64), (rows, 1)),
        "attention_mask": np.tile(mask.astype(np.int32), (rows, 1, 1)),
    }


def pairs(rows: int, tokens: int) -> Feed:
    """Return one row per text and instruction, as the contract has it."""
    ids = np.random.default_rng(0).integers(*WORDS, (rows, tokens + INSTRUCTION))
    types = np.concatenate([np.zeros(INSTRUCTION), np.ones(tokens)]).astype(np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.tile(types, (rows, 1))}


class Ways:
    """The model in one piece, and in two."""

    def __init__(self, cut: int) -> None:
        whole = with_mask_of_pairs(MODEL)
        self.plain, self.masked = opened(MODEL), opened(whole)
        self.below = opened(part(whole, 0, cut - 1, head=False))
        self.above = opened(part(whole, cut, LAYERS - 1, head=True))
        self.middle = output_of(cut - 1)

    def alone(self, texts: int, tokens: int, asked: int) -> Callable[[], None]:
        work = batched(texts * asked, tokens + INSTRUCTION, lambda rows: pairs(rows, tokens))
        return lambda: [self.plain.run(["logits"], feed) for feed in work] and None

    def shared(self, texts: int, tokens: int, asked: int) -> Callable[[], None]:
        work = batched(texts, tokens + INSTRUCTION * asked, lambda rows: one_pass(rows, tokens, asked))
        return lambda: [self.masked.run(["logits"], feed) for feed in work] and None

    def halves(self, texts: int, tokens: int, asked: int) -> Callable[[], None]:
        work = batched(texts, tokens + INSTRUCTION * asked, lambda rows: one_pass(rows, tokens, asked))
        order = np.concatenate(
            [
                np.concatenate([np.arange(INSTRUCTION) + number * INSTRUCTION, np.arange(tokens) + asked * INSTRUCTION])
                for number in range(asked)
            ]
        )

        def run() -> None:
            for feed in work:
                (hidden,) = self.below.run([self.middle], feed)
                spread = hidden[:, order].reshape(-1, tokens + INSTRUCTION, hidden.shape[-1])
                size = max(1, TOKENS // spread.shape[1])
                for begin in range(0, len(spread), size):
                    some = spread[begin : begin + size]
                    mask = np.ones((len(some), some.shape[1], some.shape[1]), dtype=np.int32)
                    self.above.run(["logits"], {HIDDEN: some, "attention_mask": mask})

        return run


def batched(rows: int, width: int, make: Callable[[int], Feed]) -> list[Feed]:
    size = max(1, TOKENS // width)
    return [make(min(size, rows - begin)) for begin in range(0, rows, size)]


def report_times(options: argparse.Namespace) -> None:
    """Print a table: milliseconds per text and instruction, medians, the ways in turn."""
    cut = LAYERS // 2 + 1
    ways = Ways(cut)
    print(f"{usable_cores()} threads, {options.rows} texts, instructions of {INSTRUCTION} tokens; ms per instruction\n")
    print(f"| tokens of the text | instructions | alone | shared below layer {cut} | one pass | saved |")
    print("|---|---|---|---|---|---|")
    for tokens in options.tokens:
        for asked in options.asked:
            size = (options.rows, tokens, asked)
            runs = [ways.alone(*size), ways.halves(*size), ways.shared(*size)]
            taken: list[list[float]] = [[] for _ in runs]
            for turn in range(options.repeat + 1):
                for run, seconds in zip(runs, taken, strict=True):
                    started = time.perf_counter()
                    run()
                    if turn:
                        seconds.append(time.perf_counter() - started)
            alone, half, shared = (1000 * statistics.median(each) / (options.rows * asked) for each in taken)
            saved = f"{1 - half / alone:.0%}, {1 - shared / alone:.0%}"
            print(f"| {tokens} | {asked} | {alone:.2f} | {half:.2f} | {shared:.2f} | {saved} |", flush=True)
