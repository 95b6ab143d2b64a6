"""Answering model calls for frames: instructions per row, the same question asked once.

A question is a pair of text and instruction. Within a run each is put to the proxy once, whatever
row, batch or operator it comes from: answers are kept by hash, those not used for longest forgotten
when they take too much memory. Where there is a cache on disk it is looked into before the proxy is
asked, and gets what the proxy says. A null text or instruction gives null. An empty text is a text like
any other, but nothing can be extracted from it and the proxy is not asked to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from falconql.runtime.answers import LABEL, Answers, Key, Kind, choice_kind, reading_kind, spans_kind
from falconql.runtime.cache import ResultCache
from falconql.runtime.errors import ProxyError
from falconql.runtime.evaluate import evaluate
from falconql.runtime.expression import CallRef, Expr, walk
from falconql.runtime.frame import CallResult, Frame, Rows
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.plan import ModelCall
from falconql.runtime.proxy.base import Chooses, Proxy, SpanValue, with_holes
from falconql.runtime.proxy.reading import ReadsSpans, lowest_for, spans_in

Question = tuple[str, str]
Ask = Callable[[list[str], list[str]], Sequence[Any]]

UNKNOWN: Any = object()
"""In the place of an answer that only the proxy can give."""


class ModelCalls:
    """Answers the model calls of one run.

    Args:
        calls: the plan's model calls.
        proxy: what answers them; may be None when there are none.
        metrics: ``model_calls``, ``model_tokens`` and ``cache_hits`` are counted there.
        answers: where to find answers and to keep them for later batches; None begins with none.
        cache: where to find and to keep them on disk.
    """

    def __init__(
        self,
        calls: Sequence[ModelCall],
        proxy: Proxy | None,
        metrics: RunMetrics,
        answers: Answers | None = None,
        cache: ResultCache | None = None,
    ) -> None:
        self.calls = tuple(calls)
        self.metrics = metrics
        self._proxy = proxy
        self._answers = Answers() if answers is None else answers
        self._cache = cache if self.calls else None
        self._used = [tuple(_calls_in((call.text, *call.instruction))) for call in self.calls]
        self._asking = True
        if self.calls and proxy is None:
            raise ProxyError(
                "the plan has model calls and was given no proxy", hint='open one with `open_proxy("kestrel")`'
            )

    def questions_per_row(self) -> int:
        """Return how many label and span questions the plan asks of a row that needs them all."""
        return sum(map(self._questions_of, self.calls))

    def _questions_of(self, call: ModelCall) -> int:
        return 1 if isinstance(self._proxy, Chooses) else max(1, len(call.options))

    def threshold(self, index: int) -> float:
        """Return the score at and above which label call ``index`` is true."""
        assert self._proxy is not None
        return label_threshold(self.calls[index], self._proxy)

    @property
    def can_recall(self) -> bool:
        """Whether there may be answers of earlier runs."""
        return self._cache is not None and self._cache.has_results

    def results(self, index: int, frame: Frame, rows: Rows) -> CallResult:
        """Return the results of call ``index``, computing those of ``rows`` that are not known yet."""
        result = frame.result(index)
        missing = rows[~result.known[rows]]
        if missing.size:
            self._fill(index, frame, missing)
        return result

    def recall(self, index: int, frame: Frame, rows: Rows) -> Rows:
        """Return those of ``rows`` whose results are known, without the proxy: found in memory or on disk."""
        for used in self._used[index]:
            rows = self.recall(used, frame, rows)
        result = frame.result(index)
        missing = rows[~result.known[rows]]
        if missing.size:
            self._asking = False
            try:
                self._fill(index, frame, missing)
            finally:
                self._asking = True
        return rows[result.known[rows]]

    def close(self) -> None:
        """Write to disk what is not there yet."""
        if self._cache is not None:
            self._cache.close()

    def _fill(self, index: int, frame: Frame, rows: Rows) -> None:
        """Fill in the results of one call for some rows of a frame, as far as they can be had."""
        call = self.calls[index]
        texts = evaluate(call.text, frame, rows, self).to_pylist()
        instructions = self._instructions(call, frame, rows)
        asked: list[int] = []
        questions: list[Question] = []
        for position, (text, instruction) in enumerate(zip(texts, instructions, strict=True)):
            if text is not None and instruction is not None:
                asked.append(position)
                questions.append((text, instruction))
        values = np.empty(len(rows), dtype=object)
        before = self.metrics.model_calls
        answers = self._answer(call, questions)
        for position, value in zip(asked, answers, strict=True):
            values[position] = value
        known = np.array([value is not UNKNOWN for value in values], dtype=bool)
        result = frame.result(index)
        result.values[rows[known]] = values[known]
        result.known[rows[known]] = True
        answered = zip(questions, answers, strict=True)
        put = sum(_is_put(call, text) for (text, _), value in answered if value is not UNKNOWN)
        self.metrics.cache_hits += put * self._questions_of(call) - (self.metrics.model_calls - before)
        if call.kind == "label":
            self.metrics.count_scores(index, values[known])

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
        found: list[Any] = [
            values if values is UNKNOWN else [_span(text, value) for value in values]
            for (text, _), values in zip(questions, self._spans(questions, call.threshold), strict=True)
        ]
        if call.kind == "spans":
            return found
        return [
            spans if spans is UNKNOWN else max(spans, key=lambda span: span["score"]) if spans else None
            for spans in found
        ]

    def _labels(self, questions: list[Question]) -> list[Any]:
        assert self._proxy is not None
        proxy = self._proxy
        return self._ask_once(LABEL, questions, lambda texts, asked: proxy.label(texts, asked).tolist())

    def _choices(self, call: ModelCall, questions: list[Question]) -> list[Any]:
        """Return for each question the option whose label scores highest, the first of equals.

        A proxy that can choose does.
        """
        proxy = self._proxy
        if isinstance(proxy, Chooses):
            kind = choice_kind(call.options)
            return self._ask_once(kind, questions, lambda texts, asked: proxy.choose(texts, asked, call.options))
        count = len(call.options)
        pairs = [(text, f"{question} {option}") for text, question in questions for option in call.options]
        scores = self._labels(pairs)
        of_questions = [scores[start : start + count] for start in range(0, len(scores), count)]
        return [UNKNOWN if UNKNOWN in of_one else call.options[of_one.index(max(of_one))] for of_one in of_questions]

    def _spans(self, questions: list[Question], threshold: float | None) -> list[Any]:
        """Return for each question a list of ``SpanValue``; one reading of a text serves all thresholds."""
        assert self._proxy is not None
        proxy = self._proxy
        asked = [question for question in questions if question[0]]
        if isinstance(proxy, ReadsSpans):
            limits = [proxy.span_threshold(i) if threshold is None else threshold for _, i in asked]
            lowest = lowest_for(min(limits, default=1.0))
            kind = reading_kind(lowest)
            readings = self._ask_once(kind, asked, lambda texts, given: proxy.read_spans(texts, given, lowest))
            found = [
                reading if reading is UNKNOWN else spans_in(text, reading, limit)
                for (text, _), reading, limit in zip(asked, readings, limits, strict=True)
            ]
        else:
            kind = spans_kind(threshold)
            found = self._ask_once(kind, asked, lambda texts, given: proxy.spans(texts, given, threshold))
        answers = iter(found)
        return [next(answers) if text else [] for text, _ in questions]

    def _ask_once(self, kind: Kind, questions: list[Question], ask: Ask) -> list[Any]:
        """Return answers in order, putting each distinct new question to the proxy once."""
        keys = self._keys(kind, questions)
        answers: dict[Key, Any] = {}
        new: dict[Key, Question] = {}
        for key, question in zip(keys, questions, strict=True):
            if key in self._answers:
                answers[key] = self._answers[key]
            else:
                new.setdefault(key, question)
        if new and self._cache is not None:
            answers.update(self._remembered(kind, new))
        if new and self._asking:
            answers.update(self._asked(kind, new, ask))
        return [answers.get(key, UNKNOWN) for key in keys]

    def _remembered(self, kind: Kind, new: dict[Key, Question]) -> dict[Key, Any]:
        """Return the answers found on disk, and take those questions out of ``new``."""
        assert self._cache is not None
        answers: dict[Key, Any] = {}
        for key, packed in self._cache.find(list(new)).items():
            answer = kind.unpack(packed, new[key][0])
            if answer is not None:
                answers[key] = self._answers[key] = answer
                del new[key]
        return answers

    def _asked(self, kind: Kind, new: dict[Key, Question], ask: Ask) -> dict[Key, Any]:
        """Return what the proxy answers, and keep it."""
        assert self._proxy is not None
        before = self._proxy.tokens_run
        texts, instructions = zip(*new.values(), strict=True)
        answers = dict(zip(new, ask(list(texts), list(instructions)), strict=True))
        self.metrics.model_calls += len(new)
        self.metrics.model_tokens += self._proxy.tokens_run - before
        for key, answer in answers.items():
            self._answers[key] = answer
        if self._cache is not None:
            self._cache.put({key: kind.pack(answer) for key, answer in answers.items()})
        return answers

    def _keys(self, kind: Kind, questions: Iterable[Question]) -> list[Key]:
        """Return a hash per question; on disk one that an answer of another proxy cannot have."""
        begun = hashlib.blake2b(kind.name, digest_size=16)
        if self._cache is not None:
            begun.update(b"\0" + self._cache.fingerprint.encode())
        return [_key(begun.copy(), text, instruction) for text, instruction in questions]


def label_threshold(call: ModelCall, proxy: Proxy) -> float:
    """Return the score at and above which a label call is true: the query's, the instruction's, the proxy's."""
    if call.threshold is not None:
        return call.threshold
    return proxy.label_threshold_of(with_holes(call.instruction))


def _calls_in(parts: Iterable[str | Expr]) -> Iterable[int]:
    """Yield the model calls whose results these parts of a call use."""
    for part in parts:
        if not isinstance(part, str):
            yield from (expr.index for expr in walk(part) if isinstance(expr, CallRef))


def _is_put(call: ModelCall, text: str) -> bool:
    """Return whether a question about a text is one for the proxy."""
    return bool(text) or call.kind in ("label", "choose")


def _key(digest: hashlib.blake2b, text: str, instruction: str) -> Key:
    asked = instruction.encode("utf-8", "surrogatepass")
    digest.update(len(asked).to_bytes(8, "little"))
    digest.update(asked)
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _span(text: str, value: SpanValue) -> dict[str, Any]:
    return {"text": text[value.start : value.end], "start": value.start, "end": value.end, "score": value.score}
