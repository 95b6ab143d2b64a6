"""Answering model calls for frames: instructions per row, the same question asked once.

A question is a pair of text and instruction. Within a run each is put to the proxy once, whatever
row, batch or operator it comes from: answers are kept by hash, those not used for longest forgotten
when they take too much memory. A null text or instruction gives null. An empty
text is a text like any other, but nothing can be extracted from it and the proxy is not asked to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from falconql.runtime.answers import Answers, Key
from falconql.runtime.errors import ProxyError
from falconql.runtime.evaluate import evaluate
from falconql.runtime.frame import CallResult, Frame, Rows
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.plan import ModelCall
from falconql.runtime.proxy.base import Chooses, Proxy, SpanValue

Question = tuple[str, str]
Ask = Callable[[Proxy, list[str], list[str]], Sequence[Any]]


class ModelCalls:
    """Answers the model calls of one run.

    Args:
        calls: the plan's model calls.
        proxy: what answers them; may be None when there are none.
        metrics: ``model_calls``, ``model_tokens`` and ``cache_hits`` are counted there.
        answers: where to find answers and to keep them for later batches; None begins with none.
    """

    def __init__(
        self,
        calls: Sequence[ModelCall],
        proxy: Proxy | None,
        metrics: RunMetrics,
        answers: Answers | None = None,
    ) -> None:
        self.calls = tuple(calls)
        self.metrics = metrics
        self._proxy = proxy
        self._answers = Answers() if answers is None else answers
        if self.calls and proxy is None:
            raise ProxyError(
                "the plan has model calls and was given no proxy", hint='open one with `open_proxy("kestrel")`'
            )

    def questions_per_row(self) -> int:
        """Return how many label and span questions the plan asks of a row that needs them all."""
        at_once = isinstance(self._proxy, Chooses)
        return sum(1 if at_once else max(1, len(call.options)) for call in self.calls)

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
            result.values[missing] = self._compute(self.calls[index], frame, missing)
            result.known[missing] = True
            if self.calls[index].kind == "label":
                self.metrics.count_scores(index, result.values[missing])
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

    def _answer(self, call: ModelCall, questions: list[Question]) -> Sequence[Any]:
        if call.kind == "label":
            return self._labels(questions)
        if call.kind == "choose":
            return self._choices(call, questions)
        found = self._spans(questions, call.threshold)
        if call.kind == "spans":
            return [[_span(text, v) for v in values] for (text, _), values in zip(questions, found, strict=True)]
        return [
            _span(text, max(values, key=lambda v: v.score)) if values else None
            for (text, _), values in zip(questions, found, strict=True)
        ]

    def _labels(self, questions: list[Question]) -> list[float]:
        return self._ask_once(b"label", questions, lambda proxy, texts, asked: proxy.label(texts, asked).tolist())

    def _choices(self, call: ModelCall, questions: list[Question]) -> list[str]:
        """Return for each question the option whose label scores highest, the first of equals.

        A proxy that can choose does.
        """
        proxy = self._proxy
        if isinstance(proxy, Chooses):
            kind = "\0".join(("choose", *call.options)).encode("utf-8", "surrogatepass")
            return self._ask_once(kind, questions, lambda _, texts, asked: proxy.choose(texts, asked, call.options))
        pairs = [(text, f"{question} {option}") for text, question in questions for option in call.options]
        scores = np.array(self._labels(pairs)).reshape(len(questions), len(call.options))
        return [call.options[best] for best in scores.argmax(axis=1)]

    def _spans(self, questions: list[Question], threshold: float | None) -> list[list[SpanValue]]:
        asked = [question for question in questions if question[0]]
        answers = iter(
            self._ask_once(
                f"spans {threshold}".encode(),
                asked,
                lambda proxy, texts, instructions: proxy.spans(texts, instructions, threshold),
            )
        )
        return [next(answers) if text else [] for text, _ in questions]

    def _ask_once(self, kind: bytes, questions: list[Question], ask: Ask) -> list[Any]:
        """Return answers in order, putting each distinct new question to the proxy once."""
        keys = [_key(kind, text, instruction) for text, instruction in questions]
        new: dict[Key, Question] = {}
        answers: dict[Key, Any] = {}
        for key, question in zip(keys, questions, strict=True):
            if key in self._answers:
                answers[key] = self._answers[key]
            else:
                new.setdefault(key, question)
        self.metrics.cache_hits += len(questions) - len(new)
        if new:
            answers.update(zip(new, self._ask(list(new.values()), ask), strict=True))
            for key in new:
                self._answers[key] = answers[key]
        return [answers[key] for key in keys]

    def _ask(self, questions: list[Question], ask: Ask) -> Sequence[Any]:
        assert self._proxy is not None
        before = self._proxy.tokens_run
        answers = ask(self._proxy, [text for text, _ in questions], [instruction for _, instruction in questions])
        self.metrics.model_calls += len(questions)
        self.metrics.model_tokens += self._proxy.tokens_run - before
        return answers


def _key(kind: bytes, text: str, instruction: str) -> Key:
    asked = instruction.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(kind, digest_size=16)
    digest.update(len(asked).to_bytes(8, "little"))
    digest.update(asked)
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _span(text: str, value: SpanValue) -> dict[str, Any]:
    return {"text": text[value.start : value.end], "start": value.start, "end": value.end, "score": value.score}
