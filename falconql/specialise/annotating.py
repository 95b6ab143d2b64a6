"""A language model as the annotator of a training: what it costs, what it answers, how far it agrees with itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from falconql.annotating import Annotator, Progress, Question, Usage, parse_budget
from falconql.annotating import Task as Asked
from falconql.annotating.billing import CONFIRM, Bill, bill_of
from falconql.errors import ConfigError
from falconql.llm.endpoint import Endpoint
from falconql.specialise.task import Answer, Task

# One text in so many is asked about twice.
TWICE = 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of answers given twice: how many, and how many were the same."""

    asked: int
    same: int


class ModelAnnotator:
    """A language model that answers tasks.

    Args:
        model: its name; None takes the one of the settings.
        folder: where its answers are kept.
        budget: what it may spend, such as ``2usd``; None for as much as it takes.
        ledger: a file for what was spent: what stands in it counts as spent of the budget.
        confirm: asked before the first request, with what is expected to be asked and to cost; None agrees to what
            needs no consent.
        on_progress: called after every request with the requests that are over and their number.

    Raises:
        ConfigError: no language model is set up, or the budget is malformed or cannot be kept.
        ModelServerError: the server has to be asked for its model and cannot be.
    """

    def __init__(
        self,
        model: str | None,
        folder: Path,
        *,
        budget: str | None = None,
        ledger: Path | None = None,
        confirm: Callable[[Bill], bool] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        endpoint = Endpoint.from_environment(model=model)
        self.budget = parse_budget(budget) if budget is not None else None
        self._annotator = Annotator(endpoint, folder=folder, budget=self.budget, ledger=ledger)
        self._confirm = confirm
        self._on_progress = on_progress
        self.agreement = Agreement(0, 0)
        self.unasked = 0

    @property
    def name(self) -> str:
        """The model's name."""
        return self._annotator.name

    @property
    def usage(self) -> Usage:
        """What was asked so far."""
        return self._annotator.usage

    @property
    def spent_earlier(self) -> float:
        """What the ledger says that earlier runs spent, in the unit of the budget; 0 without one."""
        return self._annotator.spent_earlier

    def find_server(self) -> None:
        """Make sure that the server can be reached.

        Raises:
            ModelServerError: it cannot.
        """
        self._annotator.find_server()

    def annotate(self, tasks: Sequence[Task]) -> list[Answer | None]:
        """Return the answers in order; None where none can be had, or the budget left a question unasked.

        All tasks about a text share a request; one text in twenty is asked about once more, at a temperature of 1,
        unless the budget is used up.

        Raises:
            ConfigError: nobody agreed to the costs.
            ModelServerError: the server fails again and again. Answers that arrived are kept.
            DataError: an answer cannot be kept.
        """
        questions = [Question(Asked(task.kind, task.instruction), task.text) for task in tasks]
        self._agree(questions)
        found = self._annotator.ask(questions, on_progress=self._tell)
        answers: list[Answer | None] = [None if isinstance(answer, str) else answer for answer in found]
        pairs = list(zip(questions, answers, strict=True))
        self.unasked = sum(answer is None and self._annotator.left_unasked(question) for question, answer in pairs)
        if not self._annotator.out_of_budget:
            self._ask_twice([(question, answer) for question, answer in pairs if answer is not None])
        return answers

    def _agree(self, questions: Sequence[Question]) -> None:
        if self.budget is not None:
            return  # whoever sets a limit has agreed to it
        bill = bill_of(self._annotator, questions, _chosen_twice(questions))
        if not (self._confirm(bill) if self._confirm is not None else not bill.needs_consent):
            raise ConfigError(
                f"nothing was asked, since nobody agreed to the costs: {bill}",
                hint=f"--yes agrees, --budget stops at an amount, {CONFIRM}=AMOUNT asks from that many dollars on",
            )

    def _ask_twice(self, answered: Sequence[tuple[Question, Answer]]) -> None:
        first_answers = dict(answered)
        chosen = _chosen_twice(list(first_answers))
        again = self._annotator.ask(chosen, again=1) if chosen else []
        pairs = [
            (first_answers[each], second) for each, second in zip(chosen, again, strict=True) if second is not None
        ]
        self.agreement = Agreement(len(pairs), sum(first == second for first, second in pairs))

    def _tell(self, progress: Progress) -> None:
        if self._on_progress is not None:
            self._on_progress(progress.done, progress.total)


def _chosen_twice(questions: Sequence[Question]) -> list[Question]:
    """Return the questions to ask twice, by their texts and nothing else, so that going on asks the same again."""
    texts = sorted({question.text for question in questions}, key=_digest)
    drawn = set(texts[: -(-len(texts) // TWICE)])
    return [question for question in questions if question.text in drawn]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
