"""A proxy run with ONNX Runtime: a directory of the contract answers label and span instructions.

Joins the parts: the manifest says how, ``prompts`` makes model inputs, ``session`` runs them, ``decoding``
reads the answers. Work is cut into chunks of texts of like length; while one chunk is in inference, the
next one is tokenised in a thread of its own.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.base import HOLE, SpanValue
from falconql.runtime.proxy.batching import chunks, token_batches
from falconql.runtime.proxy.decoding import calibrated, is_question, pooled, softmax, surest_begin
from falconql.runtime.proxy.manifest import FILE, Manifest, Prompt, check_inside, read_manifest
from falconql.runtime.proxy.prompts import Prompted, Prompter, Window, Words
from falconql.runtime.proxy.reading import Reading, lowest_for, reading_of, spans_in
from falconql.runtime.proxy.session import Session, cuda_is_offered, usable_cores
from falconql.runtime.proxy.windows import centrality

# How answers are read off a model is part of what they depend on: a change here, or in prompts, windows
# and decoding, that can change an answer takes a new number, so that answers kept on disk are not mixed.
READING = 6

CHUNK_PAIRS = 256
CHUNK_CHARACTERS = 1 << 20
# Padded tokens of a batch for each thread, and at most: what a layer makes of them stays in the caches.
THREAD_TOKENS, TOKEN_BUDGET = 512, 4096
CUDA_TOKEN_BUDGET = 65536
# Enough short texts to fill such a batch: 16 tokens each, and several batches from one look-ahead.
CUDA_CHUNK_PAIRS = 4096
CUDA_ROWS = 16384
# One thread tokenises several times faster than a few cores infer, but not faster than a GPU does.
CUDA_TOKENISERS = 4

_Own = TypeVar("_Own")


@dataclass(frozen=True, slots=True)
class _Chunk:
    pairs: Sequence[int]
    prompted: Sequence[Prompted]


class OnnxProxy:
    """A proxy directory, opened. Manifest and files are checked on opening; the model is loaded on first use.

    Args:
        folder: the proxy directory.
        threads: threads for inference; by default the physical cores this process may use.

    Raises:
        ProxyError: the directory breaks the contract.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        self.tokens_run = 0
        self.threads = threads or usable_cores()
        self._loaded: tuple[int, Session] | None = None
        self._parents: list[Session] = []
        for file in self.manifest.files:
            check_inside(folder, file)
            if not (folder / file).is_file():
                raise ProxyError(f"{folder} lacks the file {file} that its {FILE} names", hint="export it again")
        self._as_opened = self._stamps()

    def _stamps(self) -> list[tuple[int, int, int]]:
        """Return what changes when a file of the directory is replaced."""
        try:
            found = [os.stat(self.folder / file) for file in (FILE, *self.manifest.files)]
        except OSError:
            return []
        return [(status.st_ino, status.st_size, status.st_mtime_ns) for status in found]

    def _check_as_opened(self) -> None:
        """Make sure that what is read now belongs to the manifest that was read on opening.

        Raises:
            ProxyError: a file was replaced meanwhile.
        """
        if self._stamps() != self._as_opened:
            raise ProxyError(f"{self.folder} was replaced while it was in use", hint="run it again")

    @property
    def name(self) -> str:
        """The name in the manifest."""
        return self.manifest.name

    @property
    def label_threshold(self) -> float:
        """The calibrated threshold for labels."""
        return self.manifest.label_threshold

    def label_threshold_of(self, instruction: str) -> float:
        """Return the threshold of an instruction the proxy was trained for, or the general one."""
        own = own_of(instruction, self.manifest.trained_labels)
        return self.manifest.label_threshold if own is None else own.threshold

    @cached_property
    def fingerprint(self) -> str:
        """A hash of manifest, tokenizer, the weights in use, and the version of how they are read."""
        digest = hashlib.blake2b(f"reading {READING}".encode(), digest_size=16)
        for file in (FILE, self.manifest.tokenizer, self._model_file):
            try:
                with (self.folder / file).open("rb") as stream:
                    # The fastest of the safe ones where the processor helps: this is waited for at each start.
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
            except OSError as error:
                raise ProxyError(f"{self.folder / file} cannot be read: {error.strerror or error}") from error
        self._check_as_opened()
        return digest.hexdigest()

    @property
    def rows_at_once(self) -> int | None:
        """On a GPU, many: its batches are larger than what a processor is given at once."""
        return CUDA_ROWS if self._cuda else None

    @property
    def token_budget(self) -> int:
        """Padded tokens of a batch at most."""
        return CUDA_TOKEN_BUDGET if self.session.cuda else min(TOKEN_BUDGET, THREAD_TOKENS * self.threads)

    @property
    def session(self) -> Session:
        """The loaded model. A forked child loads its own."""
        if self._loaded is None or self._loaded[0] != os.getpid():
            if self._loaded is not None:
                # Destroyed here, it would wait for threads that exist in the parent only.
                self._parents.append(self._loaded[1])
            session = Session(self.folder / self._model_file, self.threads, cuda=self._cuda)
            self._check_as_opened()
            self._probe(session)
            self._loaded = (os.getpid(), session)
        return self._loaded[1]

    @cached_property
    def prompter(self) -> Prompter:
        """What makes model inputs."""
        manifest = self.manifest
        prompter = Prompter(self.folder / manifest.tokenizer, manifest.max_tokens, manifest.window_overlap)
        self._check_as_opened()
        return prompter

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        """Return scores from 0 to 1, shape (n,): does the text satisfy the instruction?

        The windows of a long text are pooled by ``decoding.pooled``.
        """
        margins = np.full(len(texts), -np.inf)
        order = list(self.manifest.classes)
        at_first = self.manifest.readout == "first_token"
        for chunk in self._chunks(self.manifest.label_prompt, texts, instructions, words=not at_first):
            of_windows: dict[int, list[float]] = {pair: [] for pair in chunk.pairs}
            for prompted, window, logits in self._infer(chunk, tokens=1 if at_first else None):
                if at_first:
                    margin = float(logits[0, order[0]]) - float(logits[0, order[2]])
                else:
                    rows, _ = _rows(prompted.words, window)
                    margin = surest_begin(softmax(logits[rows][:, order]))
                of_windows[window.pair].append(margin)
            for pair, found in of_windows.items():
                margins[pair] = pooled(found) if at_first else max(found)
        scores = calibrated(margins, self.manifest.temperature, self.manifest.bias)
        if self.manifest.trained_labels:
            for place, instruction in enumerate(instructions):
                own = own_of(instruction, self.manifest.trained_labels)
                if own is not None:
                    scores[place] = calibrated(margins[place : place + 1], own.temperature, own.bias)[0]
        return scores

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        """Return for each text the stretches the instruction asks for, in text order, disjoint."""
        limits = [self.span_threshold(asked) if threshold is None else threshold for asked in instructions]
        readings = self.read_spans(texts, instructions, lowest_for(min(limits, default=1.0)))
        return [spans_in(*found) for found in zip(texts, readings, limits, strict=True)]

    def span_threshold(self, instruction: str) -> float:
        """Return the calibrated threshold for an instruction: its own, if it was trained for."""
        manifest = self.manifest
        general = manifest.question_threshold if is_question(instruction) else manifest.span_threshold
        own = own_of(instruction, manifest.trained_spans)
        return general if own is None else own

    def read_spans(self, texts: Sequence[str], instructions: Sequence[str], lowest: float) -> list[Reading]:
        """Return for each text what was read, for thresholds from ``lowest`` upwards.

        Where windows overlap, a word is read in the window in which it is farther from an edge.
        """
        found: list[Reading] = [b""] * len(texts)
        order = list(self.manifest.classes)
        for chunk in self._chunks(self.manifest.span_prompt, texts, instructions, words=True):
            readings = {pair: _Reading.blank(p) for pair, p in zip(chunk.pairs, chunk.prompted, strict=True)}
            for prompted, window, logits in self._infer(chunk):
                rows, words = _rows(prompted.words, window)
                readings[window.pair].take(prompted, window, words, softmax(logits[rows][:, order]))
            for pair, prompted in zip(chunk.pairs, chunk.prompted, strict=True):
                words_read = prompted.words
                if words_read is not None and words_read.tokens.size:
                    probabilities = readings[pair].probabilities
                    found[pair] = reading_of(words_read.starts, words_read.ends, probabilities, lowest)
        return found

    def count_tokens(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.int64]:
        """Return the model tokens (windows and special tokens included) each pair would take for a label."""
        counts = np.zeros(len(texts), dtype=np.int64)
        for chunk in self._chunks(self.manifest.label_prompt, texts, instructions, words=False):
            for pair, prompted in zip(chunk.pairs, chunk.prompted, strict=True):
                counts[pair] = sum(len(window.ids) for window in prompted.windows)
        return counts

    def _chunks(
        self, prompt: Prompt, texts: Sequence[str], instructions: Sequence[str], *, words: bool
    ) -> Iterator[_Chunk]:
        """Yield all pairs as model inputs, like lengths together, preparing one chunk ahead."""
        prompter = self.prompter

        def prepare(pairs: Sequence[int]) -> _Chunk:
            asked = [(texts[i], instructions[i]) for i in pairs]
            return _Chunk(pairs, prompter.prompted(prompt, asked, pairs, words=words))

        sizes = [len(text) + len(asked) for text, asked in zip(texts, instructions, strict=True)]
        threads = CUDA_TOKENISERS if self._cuda else 1
        most = CUDA_CHUNK_PAIRS if self._cuda else CHUNK_PAIRS
        return _prepared(prepare, chunks(sizes, most, CHUNK_CHARACTERS), threads)

    def _infer(
        self, chunk: _Chunk, *, tokens: int | None = None
    ) -> Iterator[tuple[Prompted, Window, NDArray[np.float32]]]:
        """Yield every window of a chunk with its logits (tokens, 3), in no particular order.

        With ``tokens``, those of so many first tokens are enough.
        """
        session = self.session
        work = [(prompted, window) for prompted in chunk.prompted for window in prompted.windows]
        for batch in token_batches([len(window.ids) for _, window in work], self.token_budget):
            arrays = padded([work[i][1] for i in batch], self.prompter.pad_id)
            logits = session.run(arrays, tokens=tokens)
            mask = arrays["attention_mask"]
            self.tokens_run += int(mask.sum())
            if not np.isfinite(logits[mask[:, : logits.shape[1]].astype(bool)]).all():
                raise ProxyError(
                    f"{session.path} gave logits that are not finite numbers", hint="export the proxy again"
                )
            for i, rows in zip(batch, logits, strict=True):
                yield (*work[i], rows)

    def _probe(self, session: Session) -> None:
        """Run one input with the tokenizer's last token, so that a model for another vocabulary is found out."""
        last = self.prompter.tokenizer.get_vocab_size() - 1
        ids = np.array([[last, 0]], dtype=np.int64)
        try:
            session.run({"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0})
        except ProxyError as error:
            raise ProxyError(
                error.message, hint="model.onnx and tokenizer.json must belong together: export both again"
            ) from error

    @cached_property
    def _cuda(self) -> bool:
        return self.manifest.gpu_model is not None and cuda_is_offered()

    @property
    def _model_file(self) -> str:
        return self.manifest.gpu_model if self._cuda and self.manifest.gpu_model else self.manifest.model


def own_of(instruction: str, trained: Mapping[str, _Own]) -> _Own | None:
    """Return what an instruction was trained to: as it stands, else as the closest of those with holes that it fills.

    It follows from the text of the instruction alone, so that answers may be kept by it.
    """
    own = trained.get(instruction)
    if own is not None:
        return own
    filled = [template for template in trained if HOLE in template and fills(instruction, template)]
    return trained[max(filled, key=len)] if filled else None


def fills(instruction: str, template: str) -> bool:
    """Return whether an instruction is a template with some text in the place of each hole."""
    first, *between, last = template.split(HOLE)
    place = len(first)
    if not instruction.startswith(first):
        return False
    for part in between:
        place = instruction.find(part, place) + len(part)
        if place < len(part):
            return False
    return instruction.endswith(last) and len(instruction) - len(last) >= place


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the windows of a text said of its words, as far as they have been run."""

    nearness: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    @classmethod
    def blank(cls, prompted: Prompted) -> _Reading:
        count = 0 if prompted.words is None else len(prompted.words.tokens)
        return cls(np.full(count, -1, dtype=np.int64), np.zeros((count, 3), dtype=np.float32))

    def take(self, prompted: Prompted, window: Window, words: slice, probabilities: NDArray[np.float32]) -> None:
        assert prompted.words is not None
        text = (prompted.words.first, prompted.words.last)
        near = centrality(prompted.words.tokens[words], (window.left, window.right), text)
        better = near > self.nearness[words]
        self.nearness[words][better] = near[better]
        self.probabilities[words][better] = probabilities[better]


def _rows(words: Words | None, window: Window) -> tuple[NDArray[np.int64], slice]:
    """Return where the first tokens of words are in a window, and which words those are."""
    assert words is not None
    first, last = np.searchsorted(words.tokens, (window.left, window.right)).tolist()
    return words.tokens[first:last] - window.skipped, slice(first, last)


def padded(windows: Sequence[Window], pad_id: int) -> dict[str, NDArray[np.int64]]:
    """Return the arrays of one batch, padded on the right to its longest window."""
    width = max(len(window.ids) for window in windows)
    ids = np.full((len(windows), width), pad_id, dtype=np.int64)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    for row, window in enumerate(windows):
        length = len(window.ids)
        ids[row, :length] = window.ids
        mask[row, :length] = 1
        types[row, :length] = window.type_ids
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def _prepared(
    prepare: Callable[[Sequence[int]], _Chunk], parts: Sequence[Sequence[int]], threads: int
) -> Iterator[_Chunk]:
    """Yield ``prepare(part)`` in order, preparing as many as there are ``threads`` ahead of their use."""
    if len(parts) <= 1:
        yield from map(prepare, parts)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="tokenise") as pool:
        waiting = iter(parts)
        ahead = deque(pool.submit(prepare, part) for part in islice(waiting, threads))
        while ahead:
            chunk = ahead.popleft().result()
            ahead.extend(pool.submit(prepare, part) for part in islice(waiting, 1))
            yield chunk
