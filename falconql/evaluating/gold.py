"""Right answers given by people: to questions, or as the rows that a query should return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from falconql.annotating.task import Question
from falconql.errors import ConfigError
from falconql.evaluating.quality import Compared, word_f1
from falconql.evaluating.sides import Reply, Side, Spans, asked_of
from falconql.runtime.plan import ModelCall
from falconql.specialise.people import answers_or_rows
from falconql.specialise.task import Answer, Task, question_and_option
from falconql.specialise.training import AS_ASKED, calls_asking, told

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
    """Answers of people to what a query asks.

    Attributes:
        calls: for each model call of the query, its questions, a text and an instruction, with the right answer.
        strangers: answers to what the query does not ask.
        undecided: questions of ``choose`` for which not exactly one option is right.
    """

    calls: tuple[Mapping[tuple[str, str], Reply], ...]
    strangers: tuple[Task, ...]
    undecided: int


def matched(typed: TypedQuery, answers: Mapping[Task, Answer]) -> Matched:
    """Return the answers by the calls that ask for them; several calls may have one instruction.

    Raises:
        ConfigError: people answered nothing that the query asks.
    """
    wanted: list[dict[tuple[str, str], list[Reply]]] = [{} for _ in typed.calls]
    strangers = []
    for task, answer in answers.items():
        asking = calls_asking(typed.calls, task)
        if not asking:
            strangers.append(task)
        for index in asking:
            _take(typed.calls[index], task, answer, wanted[index])
    if not any(wanted):
        raise ConfigError(
            f"the gold answers are to nothing that the query asks, such as {told(strangers[0])}"
            if strangers
            else "the gold file has no answers",
            hint=AS_ASKED,
        )
    decided = tuple({question: one[0] for question, one in found.items() if len(one) == 1} for found in wanted)
    return Matched(decided, tuple(strangers), sum(map(len, wanted)) - sum(map(len, decided)))


def questions_in(typed: TypedQuery, right: Matched) -> list[Question]:
    """Return what a language model is asked to be compared with these answers."""
    put = (asked_of(call, *_parted(found)) for call, found in zip(typed.calls, right.calls, strict=True))
    return list(dict.fromkeys(question for questions in put for question in questions))


def compared_with(typed: TypedQuery, right: Matched, side: Side) -> list[Compared]:
    """Put the questions that people answered to a proxy.

    Raises:
        ProxyError: the proxy fails.
    """
    calls = []
    for index, (call, found) in enumerate(zip(typed.calls, right.calls, strict=True)):
        texts, instructions = _parted(found)
        here = side.replies(typed, call, texts, instructions)
        there = [_nearest(call, *each) for each in zip(texts, here, found.values(), strict=True)]
        calls.append(Compared(index, call, texts, instructions, tuple(here), tuple(there), np.ones(len(texts))))
    return calls


def _parted(questions: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    put = list(questions)
    return tuple(text for text, _ in put), tuple(instruction for _, instruction in put)


def _take(call: ModelCall, task: Task, answer: Answer, found: dict[tuple[str, str], list[Reply]]) -> None:
    """Add an answer; of ``choose`` those options that are right."""
    if call.kind != "choose":
        found[task.text, task.instruction] = [Reply(answer)]
        return
    question, option = question_and_option(call, task.instruction)
    right = found.setdefault((task.text, question), [])
    if answer:
        right.append(Reply(option))


def _nearest(call: ModelCall, text: str, here: Reply, there: Reply) -> Reply:
    """Return of several right answers to a question for one span the one that was meant, as SQuAD does."""
    if call.kind != "span" or not isinstance(there.value, tuple) or len(there.value) < 2:
        return there
    said: Any = here.value
    one: list[Spans] = [(span,) for span in there.value]
    return Reply(max(one, key=lambda span: word_f1(text, said, span)))
