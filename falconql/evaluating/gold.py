"""Right answers given by people: to questions, or as the rows that a query should return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from falconql.errors import ConfigError
from falconql.evaluating.quality import Compared, word_f1
from falconql.evaluating.sides import Reply, Side, Spans
from falconql.runtime.plan import ModelCall
from falconql.specialise.people import answers_or_rows
from falconql.specialise.task import Answer, Task
from falconql.specialise.training import call_of

if TYPE_CHECKING:
    import pyarrow as pa

    from falconql.check.typed import TypedQuery

Answers = dict[Task, Answer]


def read_gold(path: Path) -> Answers | pa.Table:
    """Return answers to questions, or a table of result rows where the file has no instructions.

    A file of answers is what ``falconql train --annotations`` takes.

    Raises:
        DataError: it cannot be read, or an answer is malformed; its place is named.
    """
    return answers_or_rows(path)


@dataclass(frozen=True, slots=True)
class Matched:
    """Answers of people beside those of a proxy.

    Attributes:
        calls: one for each model call of the query.
        strangers: answers to instructions that the query does not have.
        undecided: questions of ``choose`` for which not exactly one option is right.
    """

    calls: tuple[Compared, ...]
    strangers: int
    undecided: int


def compared_with(typed: TypedQuery, answers: Mapping[Task, Answer], side: Side) -> Matched:
    """Put the questions that people answered to a proxy.

    Raises:
        ConfigError: they answered nothing that the query asks.
        ProxyError: the proxy fails.
    """
    wanted: list[dict[tuple[str, str], list[Reply]]] = [{} for _ in typed.calls]
    strangers = 0
    example = ""
    for task, answer in answers.items():
        index = call_of(typed.calls, task)
        if index is None:
            strangers, example = strangers + 1, example or task.instruction
            continue
        _take(typed.calls[index], task, answer, wanted[index])
    if not any(wanted):
        raise ConfigError(
            f"the gold answers are for other instructions than the query's, such as {example!r}"
            if example
            else "the gold file has no answers",
            hint="an answer's `instruction` must be the one in the query, letter by letter",
        )
    calls = []
    undecided = 0
    for index, (call, found) in enumerate(zip(typed.calls, wanted, strict=True)):
        decided = {question: replies[0] for question, replies in found.items() if len(replies) == 1}
        undecided += len(found) - len(decided)
        texts, instructions = (tuple(part) for part in zip(*decided, strict=True)) if decided else ((), ())
        here = side.replies(typed, call, texts, instructions)
        there = [_nearest(call, *each) for each in zip(texts, here, decided.values(), strict=True)]
        calls.append(Compared(index, call, texts, instructions, tuple(here), tuple(there), np.ones(len(texts))))
    return Matched(tuple(calls), strangers, undecided)


def _take(call: ModelCall, task: Task, answer: Answer, found: dict[tuple[str, str], list[Reply]]) -> None:
    """Add an answer; of ``choose`` those options that are right."""
    if call.kind != "choose":
        found[task.text, task.instruction] = [Reply(answer)]
        return
    option = max((each for each in call.options if task.instruction.endswith(f" {each}")), key=len)
    right = found.setdefault((task.text, task.instruction.removesuffix(f" {option}")), [])
    if answer:
        right.append(Reply(option))


def _nearest(call: ModelCall, text: str, here: Reply, there: Reply) -> Reply:
    """Return of several right answers to a question for one span the one that was meant, as SQuAD does."""
    if call.kind != "span" or not isinstance(there.value, tuple) or len(there.value) < 2:
        return there
    said: Any = here.value
    one: list[Spans] = [(span,) for span in there.value]
    return Reply(max(one, key=lambda span: word_f1(text, said, span)))
