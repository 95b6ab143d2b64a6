"""Answering model calls for frames: instructions per row, the same question asked once.

A question is a pair of text and instruction. Within a run each is put to the proxy once, whatever
row, batch or operator it comes from: answers are kept by hash, the oldest forgotten when they take
more than ``MOST_ANSWERS``.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from falconql.runtime.errors import ProxyError
from falconql.runtime.evaluate import evaluate
from falconql.runtime.frame import CallResult, Frame, Rows
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.plan import ModelCall
from falconql.runtime.proxy.base import Proxy, SpanValue

MOST_ANSWERS = 500_000

Question = tuple[str, str]
Key = bytes


class ModelCalls:
    """Answers the model calls of one run.

    Args:
        calls: the plan's model calls.
        proxy: what answers them; may be None when there are none.
        metrics: ``model_calls``, ``model_tokens`` and ``cache_hits`` are counted there.
    """

    def __init__(self, calls: Sequence[ModelCall], proxy: Proxy | None, metrics: RunMetrics) -> None:
        self.calls = tuple(calls)
        self.metrics = metrics
        self._proxy = proxy
        self._answers: OrderedDict[Key, Any] = OrderedDict()
        if self.calls and proxy is None:
            raise ProxyError("the plan has model calls and was given no proxy")

    def threshold(self, index: int) -> float:
        """Return the score at and above which label call ``index`` is true."""
        own = self.calls[index].threshold
        assert self._proxy is not None
        return self._proxy.label_threshold if own is None else own

    def results(self, index: int, frame: Frame, rows: Rows) -> CallResult:
        """Return the results of call ``index``, computing those of ``rows`` that are not known yet."""
        result = frame.result(index)
        missing = rows[~result.known[rows]]
        if missing.size:
            missing = np.unique(missing)
            result.values[missing] = self._compute(self.calls[index], frame, missing)
            result.known[missing] = True
        return result

    def _compute(self, call: ModelCall, frame: Frame, rows: Rows) -> Any:
        """Return an object array of the results of one call for some rows."""
        texts = evaluate(call.text, frame, rows, self).to_pylist()
        instructions = self._instructions(call, frame, rows)
        asked: list[int] = []
        questions: list[Question] = []
        for position, (text, instruction) in enumerate(zip(texts, instructions, strict=True)):
            if text is not None and instruction is not None:
                asked.append(position)
                questions.append((text, instruction))
        values = np.empty(len(rows), dtype=object)
        for position, value in zip(asked, self._answer(call, questions), strict=True):
            values[position] = value
        return values

    def _instructions(self, call: ModelCall, frame: Frame, rows: Rows) -> list[str | None]:
        if all(isinstance(part, str) for part in call.instruction):
            return ["".join(str(part) for part in call.instruction)] * len(rows)
        parts = [
            [part] * len(rows) if isinstance(part, str) else evaluate(part, frame, rows, self).to_pylist()
            for part in call.instruction
        ]
        return [None if None in row else "".join(row) for row in zip(*parts, strict=True)]

    def _answer(self, call: ModelCall, questions: list[Question]) -> list[Any]:
        if call.kind == "label":
            return self._labels(questions)
        if call.kind == "choose":
            return self._choices(call, questions)
        found = self._spans(questions, call.threshold)
        texts = [text for text, _ in questions]
        if call.kind == "spans":
            return [[_span(text, value) for value in values] for text, values in zip(texts, found, strict=True)]
        return [
            _span(text, max(values, key=lambda v: v.score)) if values else None
            for text, values in zip(texts, found, strict=True)
        ]

    def _labels(self, questions: list[Question]) -> list[Any]:
        def ask(proxy: Proxy, texts: list[str], instructions: list[str]) -> list[Any]:
            return [float(score) for score in proxy.label(texts, instructions)]

        return self._ask_once(b"label", questions, ask)

    def _choices(self, call: ModelCall, questions: list[Question]) -> list[Any]:
        options = call.options
        pairs = [(text, f"{question} {option}") for text, question in questions for option in options]
        scores = np.array(self._labels(pairs), dtype=np.float64).reshape(len(questions), len(options))
        return [options[best] for best in scores.argmax(axis=1)]

    def _spans(self, questions: list[Question], threshold: float | None) -> list[list[SpanValue]]:
        def ask(proxy: Proxy, texts: list[str], instructions: list[str]) -> list[Any]:
            return list(proxy.spans(texts, instructions, threshold))

        return self._ask_once(f"spans {threshold}".encode(), questions, ask)

    def _ask_once(self, kind: bytes, questions: list[Question], ask: Any) -> list[Any]:
        """Return answers in order, putting each distinct new question to the proxy once."""
        keys = [_key(kind, text, instruction) for text, instruction in questions]
        new: dict[Key, Question] = {}
        answers: dict[Key, Any] = {}
        for key, question in zip(keys, questions, strict=True):
            if key in self._answers:
                self._answers.move_to_end(key)
                answers[key] = self._answers[key]
            else:
                new.setdefault(key, question)
        self.metrics.cache_hits += len(questions) - len(new)
        if new:
            assert self._proxy is not None
            before = self._proxy.tokens_run
            fresh = ask(self._proxy, [text for text, _ in new.values()], [i for _, i in new.values()])
            self.metrics.model_calls += len(new)
            self.metrics.model_tokens += self._proxy.tokens_run - before
            for key, answer in zip(new, fresh, strict=True):
                answers[key] = self._answers[key] = answer
            while len(self._answers) > MOST_ANSWERS:
                self._answers.popitem(last=False)
        return [answers[key] for key in keys]


def _key(kind: bytes, text: str, instruction: str) -> Key:
    digest = hashlib.blake2b(kind, digest_size=16)
    instruction_bytes = instruction.encode("utf-8", "surrogatepass")
    digest.update(len(instruction_bytes).to_bytes(8, "little"))
    digest.update(instruction_bytes)
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _span(text: str, value: SpanValue) -> dict[str, Any]:
    return {"text": text[value.start : value.end], "start": value.start, "end": value.end, "score": value.score}
