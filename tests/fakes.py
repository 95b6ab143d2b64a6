"""Stand-ins for the outside world, deterministic and without a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from falconql.runtime.expression import Expr
from falconql.runtime.proxy.base import SpanValue

_WORDS = re.compile(r"\w+")


class FakeProxy:
    """Answers by simple rules, from text and instruction alone.

    ``label``: an instruction that begins with ``has `` scores 0.9 for texts that contain the rest of
    it and 0.1 otherwise; ``random N`` scores by a hash of text and instruction, uniform in 0 to 1; any other
    instruction scores by the share of its words that the text contains. ``spans``: ``re: PATTERN`` finds
    the matches of a pattern, any other instruction the words with a capital. ``asked`` keeps every pair.
    """

    name = "fake"
    fingerprint = "fake-1"
    label_threshold = 0.5

    def __init__(self) -> None:
        self.tokens_run = 0
        self.asked: list[tuple[str, str]] = []

    def label_threshold_of(self, instruction: str) -> float:
        return self.label_threshold

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        self._count(texts, instructions)
        scores = [self._score(text, instruction) for text, instruction in zip(texts, instructions, strict=True)]
        return np.array(scores, dtype=np.float32)

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        self._count(texts, instructions)
        return [self._find(text, instruction) for text, instruction in zip(texts, instructions, strict=True)]

    def count_tokens(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.int64]:
        counts = [
            len(_WORDS.findall(text)) + len(_WORDS.findall(instruction)) + 3
            for text, instruction in zip(texts, instructions, strict=True)
        ]
        return np.array(counts, dtype=np.int64)

    def _count(self, texts: Sequence[str], instructions: Sequence[str]) -> None:
        self.asked.extend(zip(texts, instructions, strict=True))
        self.tokens_run += int(self.count_tokens(texts, instructions).sum())

    def _score(self, text: str, instruction: str) -> float:
        if instruction.startswith("has "):
            return 0.9 if instruction[4:] in text else 0.1
        if instruction.startswith("random "):
            digest = hashlib.blake2b(f"{instruction}\0{text}".encode(), digest_size=8).digest()
            return int.from_bytes(digest, "little") / 2**64
        words = [word.lower() for word in _WORDS.findall(instruction)]
        present = set(_WORDS.findall(text.lower()))
        return sum(word in present for word in words) / max(1, len(words))

    def _find(self, text: str, instruction: str) -> list[SpanValue]:
        pattern = instruction[4:] if instruction.startswith("re: ") else r"\b[A-Z]\w*"
        found = [m for m in re.finditer(pattern, text) if m.end() > m.start()]
        return [SpanValue(m.start(), m.end(), 1 / (1 + i)) for i, m in enumerate(found)]


class FakeSource:
    """A corpus in memory that counts how many rows were read, and knows whether reading has ended."""

    name = "fake corpus"

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.schema = table.schema
        self.rows: int | None = table.num_rows
        self.rows_read = 0
        self.reading = False

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        self.reading = True
        try:
            yield from self._parts(columns, batch_rows)
        finally:
            self.reading = False

    def _parts(self, columns: Sequence[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
        narrow = self.table.select(list(columns)).combine_chunks()
        for start in range(0, self.table.num_rows, batch_rows):
            part = narrow.slice(start, batch_rows)
            length = min(batch_rows, self.table.num_rows - start)
            self.rows_read += length
            if not columns:
                yield pa.RecordBatch.from_struct_array(pa.array([{}] * length, type=pa.struct([])))
            else:
                yield from part.to_batches()
