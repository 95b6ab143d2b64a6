"""The two sides of a comparison: what a proxy says to the questions of one model call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from falconql.annotating.proxy import LlmProxy
from falconql.annotating.task import Annotation, Question, Task
from falconql.check.typed import TypedQuery
from falconql.runtime.answers import Answers
from falconql.runtime.calls import label_threshold
from falconql.runtime.expression import CallRef, ColumnRef, Score
from falconql.runtime.io.memory import MemorySource
from falconql.runtime.plan import Field, ModelCall, Output
from falconql.runtime.types import TEXT
from falconql.specialise.questions import batches_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falconql.runtime.cache import ResultCache
    from falconql.runtime.io.base import TableSource
    from falconql.runtime.proxy.base import Proxy

Spans = tuple[tuple[int, int], ...]
Value = bool | str | Spans
"""Of a label, of ``choose`` (the option), or of spans (places in the text, in order, disjoint)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        value: what is said.
        score: of a label, from 0 to 1, where there is one.
        sure: how far from the threshold a label's score is, from 0 to 1; 1 where there is no score.
    """

    value: Value
    score: float | None = None
    sure: float = 1.0


@dataclass(slots=True)
class Side:
    """A proxy with the answers that it has given so far.

    Attributes:
        name: for people.
        proxy: what answers.
        cache: where its answers are found and kept on disk.
    """

    name: str
    proxy: Proxy
    cache: ResultCache | None = None
    answers: Answers = field(default_factory=lambda: Answers(1 << 30))

    def run(self, query: TypedQuery, source: TableSource) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query.

        Raises:
            ProxyError: the proxy fails.
        """
        return batches_of(query, source, self.proxy, self.answers, self.cache)

    def answered(
        self, typed: TypedQuery, call: ModelCall, texts: Sequence[str], instructions: Sequence[str]
    ) -> list[Reply | None]:
        """Return the answers as ``replies`` does, but None where a language model gives no usable one.

        Raises:
            ModelServerError: the model's server fails again and again.
            ProxyError: the proxy fails.
        """
        if not isinstance(self.proxy, LlmProxy):
            return list(self.replies(typed, call, texts, instructions))
        found = self.proxy.annotator.ask(asked_of(call, texts, instructions))
        return [None if answer is None else _said(call, answer) for answer in found]

    def replies(
        self, typed: TypedQuery, call: ModelCall, texts: Sequence[str], instructions: Sequence[str]
    ) -> list[Reply]:
        """Return the answers to questions of one call, in order.

        Raises:
            ProxyError: the proxy fails.
        """
        if not texts:
            return []
        text, instruction = ColumnRef("text", TEXT), ColumnRef("instruction", TEXT)
        result = CallRef(0, call.type)
        query = replace(
            typed,
            columns=(Field("text", TEXT), Field("instruction", TEXT)),
            calls=(replace(call, text=text, instruction=(instruction,)),),
            lets=(),
            each=(),
            where=None,
            grouping=None,
            outputs=(Output("said", Score(result) if call.kind == "label" else result),),
            order_by=(),
            limit=None,
        )
        source = MemorySource(
            pa.table({"text": pa.array(texts, pa.string()), "instruction": pa.array(instructions, pa.string())})
        )
        said = [value for batch in self.run(query, source) for value in batch.column(0).to_pylist()]
        threshold = label_threshold(call, self.proxy) if call.kind == "label" else 0.0
        return [_reply(call, value, threshold) for value in said]


def asked_of(call: ModelCall, texts: Sequence[str], instructions: Sequence[str]) -> list[Question]:
    """Return questions of a call as a language model is asked them."""
    kind: Literal["label", "choose", "spans"] = call.kind if call.kind in ("label", "choose") else "spans"
    return [
        Question(Task(kind, instruction, call.options), text)
        for text, instruction in zip(texts, instructions, strict=True)
    ]


def _said(call: ModelCall, answer: Annotation) -> Reply:
    """Return a model's answer; a question for one span takes the first."""
    if call.kind == "label":
        return Reply(answer, 1.0 if answer else 0.0)
    return Reply(answer[:1] if call.kind == "span" and isinstance(answer, tuple) else answer)


def _reply(call: ModelCall, said: Any, threshold: float) -> Reply:
    if call.kind == "label":
        score = float(said)
        room = 1 - threshold if score >= threshold else threshold
        return Reply(score >= threshold, score, abs(score - threshold) / room if room else 1.0)
    if call.kind == "choose":
        return Reply(said)
    spans = said if isinstance(said, list) else [] if said is None else [said]
    return Reply(tuple((span["start"], span["end"]) for span in spans))
