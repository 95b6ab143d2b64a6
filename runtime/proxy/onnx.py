"""A proxy run with ONNX Runtime.

Text and instruction are rendered into the proxy's prompt and tokenised whole, so that the tokens are
exactly those of training; a text that does not fit is cut at token borders into overlapping windows,
each with the instruction. Tokenising runs one chunk ahead of inference in a thread of its own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.base import SpanValue
from falconql.runtime.proxy.batching import token_batches
from falconql.runtime.proxy.decoding import Word, decode, softmax
from falconql.runtime.proxy.manifest import FILE, Manifest, Prompt, read_manifest
from falconql.runtime.proxy.windows import centrality, window_ranges

CHUNK_PAIRS = 256
TOKEN_BUDGET = 4096
INSTALL_HINT = 'install it with `pip install "falconql[cpu]"`, or "falconql[gpu]" for CUDA'
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, slots=True)
class Window:
    """One model input: tokens of a prompt around a stretch ``left:right`` (characters) of a text."""

    pair: int
    ids: Sequence[int]
    type_ids: Sequence[int]
    words: Sequence[tuple[int, int, int]]
    left: int
    right: int


class OnnxProxy:
    """A proxy directory, opened. Checked on opening; the model itself is loaded on first use.

    Args:
        folder: the proxy directory.
        threads: intra-op threads; by default the processors this process may use.

    Raises:
        ProxyError: the directory breaks the contract.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        self.tokens_run = 0
        self.threads = threads or len(os.sched_getaffinity(0))
        for file in (self.manifest.model, self.manifest.tokenizer):
            if not (folder / file).is_file():
                raise ProxyError(f"{folder} lacks the file {file} that its {FILE} names")

    @property
    def name(self) -> str:
        """The name in the manifest."""
        return self.manifest.name

    @property
    def label_threshold(self) -> float:
        """The calibrated threshold for labels."""
        return self.manifest.label_threshold

    @cached_property
    def fingerprint(self) -> str:
        """A hash of weights, tokenizer and manifest."""
        digest = hashlib.blake2b(digest_size=16)
        for file in (self.manifest.model, self.manifest.tokenizer, FILE):
            with (self.folder / file).open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, without truncation and padding."""
        # The pool of the tokenizer would outlive a fork; nothing here forks, and the warning confuses.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        from tokenizers import Tokenizer

        path = self.folder / self.manifest.tokenizer
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the bindings raise bare Exception for any content they refuse
            raise ProxyError(f"{path} is not a tokenizer: {error}") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def session(self) -> Any:
        """The ONNX Runtime session, checked against the contract."""
        runtime = _onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        path = self.folder / self.manifest.model
        available = runtime.get_available_providers()
        providers = [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in available]
        try:
            session = runtime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # the bindings' own exceptions share no public base class
            raise ProxyError(f"{path} is not a model that ONNX Runtime can load: {_first_line(error)}") from error
        self._check(session, path)
        return session

    def _check(self, session: Any, path: Path) -> None:
        inputs = [i.name for i in session.get_inputs()]
        outputs = {o.name: o.shape for o in session.get_outputs()}
        unknown = [name for name in inputs if name not in _INPUTS]
        if unknown or "input_ids" not in inputs or "attention_mask" not in inputs:
            wanted = "input_ids, attention_mask and optionally token_type_ids"
            raise ProxyError(f"{path}: the inputs must be {wanted}, found {', '.join(inputs)}")
        shape = outputs.get("logits")
        if shape is None or len(shape) != 3 or (shape[2] not in (3, None) and not isinstance(shape[2], str)):
            raise ProxyError(f"{path}: an output `logits` of shape [batch, tokens, 3] is missing, found {outputs}")

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        """Return scores from 0 to 1, shape (n,): does the text satisfy the instruction?"""
        best = np.full(len(texts), -np.inf, dtype=np.float32)
        b, _, o = self.manifest.classes
        for window, logits in self._run(self.manifest.label_prompt, texts, instructions):
            if self.manifest.readout == "first_token":
                value = float(logits[0, b] - logits[0, o])
            else:
                value = self._surest_begin(window, logits)
            best[window.pair] = max(best[window.pair], value)
        scaled = best / np.float32(self.manifest.temperature) + np.float32(self.manifest.bias)
        with np.errstate(over="ignore"):
            scores: NDArray[np.float32] = (1.0 / (1.0 + np.exp(-scaled))).astype(np.float32)
        return scores

    def _surest_begin(self, window: Window, logits: NDArray[np.float32]) -> float:
        if not window.words:
            return -1e9
        tokens = [token for token, _, _ in window.words]
        p = np.clip(softmax(logits[tokens])[:, self.manifest.classes[0]].max(), 1e-7, 1 - 1e-7)
        return float(np.log(p / (1 - p)))

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        """Return for each text the stretches the instruction asks for, in text order, disjoint."""
        limit = self.manifest.span_threshold if threshold is None else threshold
        seen: list[dict[Word, tuple[int, NDArray[np.float32]]]] = [{} for _ in texts]
        order = list(self.manifest.classes)
        for window, logits in self._run(self.manifest.span_prompt, texts, instructions):
            if not window.words:
                continue
            tokens = [token for token, _, _ in window.words]
            probabilities = softmax(logits[tokens])[:, order]
            words, length = seen[window.pair], len(texts[window.pair])
            for (_, start, end), row in zip(window.words, probabilities, strict=True):
                near = centrality(start, end, window.left, window.right, length)
                if (start, end) not in words or words[start, end][0] < near:
                    words[start, end] = (near, row)
        return [self._decoded(text, words, limit) for text, words in zip(texts, seen, strict=True)]

    def _decoded(self, text: str, words: dict[Word, tuple[int, NDArray[np.float32]]], limit: float) -> list[SpanValue]:
        if not words:
            return []
        places = sorted(words)
        return decode(text, places, np.stack([words[place][1] for place in places]), limit)

    def count_tokens(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.int64]:
        """Return the model tokens (windows and special tokens included) each pair would take."""
        counts = np.zeros(len(texts), dtype=np.int64)
        for start in range(0, len(texts), CHUNK_PAIRS):
            pairs = range(start, min(start + CHUNK_PAIRS, len(texts)))
            for window in self._windows(self.manifest.label_prompt, texts, instructions, pairs):
                counts[window.pair] += len(window.ids)
        return counts

    def _run(
        self, prompt: Prompt, texts: Sequence[str], instructions: Sequence[str]
    ) -> Iterator[tuple[Window, NDArray[np.float32]]]:
        """Yield every window with its logits (tokens, 3), in no particular order."""
        if not texts:
            return
        session = self.session
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]) + len(instructions[i]))
        chunks = [by_length[i : i + CHUNK_PAIRS] for i in range(0, len(by_length), CHUNK_PAIRS)]

        def prepare(pairs: Sequence[int]) -> list[Window]:
            return list(self._windows(prompt, texts, instructions, pairs))

        for windows in _one_ahead(prepare, chunks):
            for batch in token_batches([len(w.ids) for w in windows], TOKEN_BUDGET):
                chosen = [windows[i] for i in batch]
                logits = self._infer(session, chosen)
                yield from zip(chosen, logits, strict=True)

    def _infer(self, session: Any, windows: Sequence[Window]) -> NDArray[np.float32]:
        width = max(len(w.ids) for w in windows)
        ids = np.zeros((len(windows), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        types = np.zeros_like(ids)
        for row, window in enumerate(windows):
            length = len(window.ids)
            ids[row, :length] = window.ids
            ids[row, length:] = self._pad_id
            mask[row, :length] = 1
            types[row, :length] = window.type_ids
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        given = {i: feed[i] for i in self._input_names}
        try:
            (logits,) = session.run(["logits"], given)
        except Exception as error:  # the bindings' own exceptions share no public base class
            raise ProxyError(f"the proxy {self.name} failed: {_first_line(error)}") from error
        if logits.shape != (len(windows), width, 3):
            raise ProxyError(f"the proxy {self.name} gave logits of shape {logits.shape}, not [batch, tokens, 3]")
        self.tokens_run += int(mask.sum())
        return np.asarray(logits, dtype=np.float32)

    @cached_property
    def _input_names(self) -> list[str]:
        return [i.name for i in self.session.get_inputs()]

    @cached_property
    def _pad_id(self) -> int:
        for token in ("[PAD]", "<pad>"):
            found = self.tokenizer.token_to_id(token)
            if found is not None:
                return int(found)
        return 0

    def _windows(
        self, prompt: Prompt, texts: Sequence[str], instructions: Sequence[str], pairs: Sequence[int]
    ) -> Iterator[Window]:
        encodings = self._encode(prompt, [(texts[i], instructions[i]) for i in pairs])
        for pair, encoding in zip(pairs, encodings, strict=True):
            text = texts[pair]
            if len(encoding.ids) <= self.manifest.max_tokens:
                yield _window(prompt, instructions[pair], pair, encoding, 0, len(text))
            else:
                yield from self._cut(prompt, pair, text, instructions[pair])

    def _cut(self, prompt: Prompt, pair: int, text: str, instruction: str) -> Iterator[Window]:
        (empty,) = self._encode(prompt, [("", instruction)])
        room = self.manifest.max_tokens - len(empty.ids) - 2
        if room < self.manifest.max_tokens // 4:
            most = self.manifest.max_tokens * 3 // 4
            raise ProxyError(
                f"an instruction of {len(instruction)} characters leaves no room for the text",
                hint=f"keep instructions under about {most} words for the proxy {self.name}",
            )
        offsets = self.tokenizer.encode(_clean(text), add_special_tokens=False).offsets
        stretches = []
        for first, last in window_ranges(len(offsets), room, self.manifest.window_overlap):
            left = 0 if first == 0 else offsets[first][0]
            right = len(text) if last == len(offsets) else offsets[last - 1][1]
            stretches.append((left, right))
        encodings = self._encode(prompt, [(text[left:right], instruction) for left, right in stretches])
        for (left, right), encoding in zip(stretches, encodings, strict=True):
            yield _window(prompt, instruction, pair, encoding, left, right, self.manifest.max_tokens)

    def _encode(self, prompt: Prompt, questions: Sequence[tuple[str, str]]) -> Sequence[Any]:
        rendered: list[Any] = []
        for text, instruction in questions:
            first = _render(prompt.first, _clean(text), _clean(instruction))
            if prompt.kind == "single":
                rendered.append(first)
            else:
                rendered.append((first, _render(prompt.second, _clean(text), _clean(instruction))))
        encodings: Sequence[Any] = self.tokenizer.encode_batch(rendered)
        return encodings


def _render(template: str, text: str, instruction: str) -> str:
    """Fill a template without looking into what is filled in."""
    parts = template.split("{instruction}")
    return instruction.join(part.replace("{text}", text) for part in parts)


def _clean(text: str) -> str:
    """Return a text that can be encoded: lone surrogates become as many other characters."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def _window(
    prompt: Prompt, instruction: str, pair: int, encoding: Any, left: int, right: int, most: int | None = None
) -> Window:
    """Return a model input with the words of its text, first tokens and places in the whole text."""
    in_second = prompt.kind == "pair" and "{text}" in prompt.second
    template = prompt.second if in_second else prompt.first
    before = template.partition("{text}")[0]
    start = len(before) + before.count("{instruction}") * (len(instruction) - len("{instruction}"))
    length = right - left
    sequence = 1 if in_second else 0
    words: list[tuple[int, int, int]] = []
    previous: int | None = None
    ids = encoding.ids if most is None else encoding.ids[:most]
    rows = zip(encoding.sequence_ids, encoding.word_ids, encoding.offsets, strict=True)
    for token, (where, word, (begin, end)) in enumerate(rows):
        if token >= len(ids) or where != sequence or begin < start or end > start + length or begin == end:
            continue
        if word is not None and word == previous:
            first_token, first_begin, _ = words[-1]
            words[-1] = (first_token, first_begin, left + end - start)
            continue
        previous = word
        words.append((token, left + begin - start, left + end - start))
    return Window(pair, ids, encoding.type_ids[: len(ids)], words, left, right)


def _one_ahead(
    prepare: Callable[[Sequence[int]], list[Window]], chunks: Sequence[Sequence[int]]
) -> Iterator[list[Window]]:
    """Yield ``prepare(chunk)`` in order, preparing the next one in another thread meanwhile."""
    if len(chunks) == 1:
        yield prepare(chunks[0])
        return
    with ThreadPoolExecutor(1, thread_name_prefix="tokenise") as pool:
        ahead = pool.submit(prepare, chunks[0])
        for following in chain(chunks[1:], [None]):
            windows = ahead.result()
            if following is not None:
                ahead = pool.submit(prepare, following)
            yield windows


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ProxyError("ONNX Runtime is not installed, so that no proxy can run", hint=INSTALL_HINT) from error
    return onnxruntime


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
