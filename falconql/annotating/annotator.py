"""Many questions to a large language model: grouped by text, many in flight, each answer kept on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from falconql.annotating.asker import Asked, Asker
from falconql.annotating.budget import Budget, Meter, OutOfBudget, price_of
from falconql.annotating.ledger import Ledger
from falconql.annotating.matching import locate
from falconql.annotating.pool import as_completed
from falconql.annotating.prompt import VERSION
from falconql.annotating.reading import Said
from falconql.annotating.store import AnswerStore, Kept, default_folder, file_name
from falconql.annotating.task import Annotation, Question, Task, fits, key_of
from falconql.annotating.usage import Tally, Usage
from falconql.annotating.windows import Window, joined, windows
from falconql.errors import ConfigError, FalconQLError, ModelServerError
from falconql.llm.client import OpenAIChat, Unreachable, WrongSettings
from falconql.llm.endpoint import Endpoint
from falconql.plan.prices import load_prices
from falconql.visible import quoted

WINDOW = "FALCONQL_WINDOW"
_LEAST_WINDOW = 200
# A model that never answers as it should is found out before all texts have been paid for.
_USELESS_REQUESTS = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """How to ask.

    Attributes:
        in_flight: requests at the same time.
        together: tasks about one text that share a request.
        window: characters of a text that one request holds; longer texts are cut, and nothing is left out.
        overlap: characters that neighbouring windows share.
        retries: how often a request is repeated when the server fails, is busy or says to wait.
        failures: requests without any reply, one after the other, after which to give up.
        asks_failed_again: whether questions that had no usable answer in an earlier run are asked again.
    """

    in_flight: int = 8
    together: int = 8
    window: int = 8000
    overlap: int = 400
    retries: int = 5
    failures: int = 8
    asks_failed_again: bool = False

    def __post_init__(self) -> None:
        if self.window < _LEAST_WINDOW:
            hint = f"set {WINDOW} to {_LEAST_WINDOW} or more; 4 characters are about one token"
            raise ConfigError(f"a window of {self.window:,} characters is too small", hint=hint)

    def windows_of(self, texts: Sequence[str]) -> list[int]:
        """Return in how many windows each text is read."""
        return [len(windows(text, self.window, self.overlap)) for text in texts]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **others: int | bool) -> Settings:
        """Return settings with the window that FALCONQL_WINDOW names.

        Raises:
            ConfigError: it is no number, or too small.
        """
        text = environment.get(WINDOW)
        if not text:
            return cls(**others)  # type: ignore[arg-type]
        if not text.isascii() or not text.isdigit():
            raise ConfigError(f"{WINDOW} is {text!r}", hint="give a number of characters, for example 8000")
        size = min(int(text), 10_000_000)
        return cls(window=size, overlap=min(400, size // 8), **others)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call is: ``done`` of ``total`` requests are over; ``usage`` since the annotator was made.

    A request that the budget leaves unasked is never over.
    """

    done: int
    total: int
    usage: Usage


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class _Request:
    """Tasks about one text (or window) that are asked together."""

    text: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class _Replied:
    """The answers of a request, and what kept it from having all of them."""

    kept: Mapping[Question, Kept]
    failure: FalconQLError | None


class Annotator:
    """A large language model that annotates texts.

    ::

        annotator = Annotator(Endpoint.from_environment(model="gpt-4o-mini"), budget=parse_budget("2usd"))
        rows = annotator.annotate(texts, [Task("label", "Is it a complaint?"), Task("spans", "Extract the product")])
        print(annotator.usage)

    Args:
        endpoint: where the model is; by default what the environment says.
        folder: where answers are kept, a file for each model; by default a folder of the user's.
        budget: where to stop. What is left unasked then has no answer, and is counted.
        ledger: a file for what was spent: what stands in it counts as spent of the budget.
        settings: how to ask.

    Raises:
        ConfigError: no model is set up, or the budget cannot be kept.
        ModelServerError: the server has to be asked for its model and cannot be.
        DataError: the answers on disk cannot be read.
    """

    def __init__(
        self,
        endpoint: Endpoint | None = None,
        *,
        folder: Path | None = None,
        budget: Budget | None = None,
        ledger: Path | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.endpoint = endpoint or Endpoint.from_environment()
        self.settings = settings or Settings.from_environment()
        self._chat = OpenAIChat(self.endpoint, retries=self.settings.retries)
        self._folder = folder
        self._budget = budget
        self._ledger = None if ledger is None else Ledger(ledger)
        self._unasked: set[Question] = set()
        if budget is not None:
            _ = self._asker  # a budget that cannot be kept is refused before anything else is done

    @cached_property
    def name(self) -> str:
        """The model's name; a server with one model is asked for it if the settings name none."""
        return self._chat.model

    @cached_property
    def store(self) -> AnswerStore:
        """Where the answers are kept."""
        return AnswerStore((self._folder or default_folder()) / file_name(self.name, self.endpoint.url))

    @cached_property
    def _meter(self) -> Meter:
        price = price_of(self.name, self.endpoint.url, load_prices())
        return Meter(self._budget, price, self.name, self.endpoint.url, self._ledger)

    @cached_property
    def _tally(self) -> Tally:
        return Tally(priced=self._meter.price is not None)

    @cached_property
    def _asker(self) -> Asker:
        return Asker(self._chat, self._meter, self._tally)

    @property
    def usage(self) -> Usage:
        """What was counted since the annotator was made."""
        return self._tally.usage

    @property
    def out_of_budget(self) -> bool:
        """Whether the budget has left something unasked."""
        return self._meter.exhausted

    @property
    def spent_earlier(self) -> float:
        """What earlier runs spent, by the ledger, in the unit of the budget; 0 without a budget."""
        return self._meter.spent_earlier

    def find_server(self) -> None:
        """Make sure that somebody answers, before much is done for the questions; models need not be listed.

        Raises:
            ModelServerError: the server cannot be reached.
        """
        try:
            self._chat.owners()
        except Unreachable:
            raise
        except ModelServerError:
            return

    def left_unasked(self, question: Question) -> bool:
        """Return whether the budget left a question, or a window of its text, unasked."""
        return any(part in self._unasked for _, part in self._parts(question))

    def requests(self, questions: Sequence[Question]) -> list[tuple[str, tuple[Task, ...]]]:
        """Return the requests that these questions take, nothing answered yet: a text or window, and what is asked."""
        parts = dict.fromkeys(part for question in questions for _, part in self._parts(question))
        return [(request.text, request.tasks) for request in self._grouped(list(parts))]

    def annotate(
        self, texts: Sequence[str], tasks: Sequence[Task], *, again: int = 0, on_progress: OnProgress | None = None
    ) -> list[list[Annotation | None]]:
        """Return for each text the answers to all tasks; see ``ask``."""
        questions = [Question(task, text) for text in texts for task in tasks]
        answers = iter(self.ask(questions, again=again, on_progress=on_progress))
        return [[next(answers) for _ in tasks] for _ in texts]

    def ask(
        self,
        questions: Sequence[Question],
        *,
        again: int = 0,
        strict: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[Annotation | None]:
        """Return the answers in the order of the questions.

        Each is on disk as soon as it has come; those that are there already are not asked for. Ctrl-C begins no further
        request and loses no answer but those that have not come yet.

        Args:
            questions: what to ask; the same question twice is asked once.
            again: 1 asks all of it once more, apart from the first time and at a temperature of 1, to see how far the
                model agrees with itself; 2 a third time, and so on.
            strict: raise where a question has no answer, instead of leaving it out.
            on_progress: told after every request, in the caller's thread.

        Returns:
            None for a question without a usable answer, or one that the budget left unasked.

        Raises:
            WrongSettings: the key, the model or the address is wrong.
            ModelServerError: the server has not answered several requests running, or with ``strict`` one; or the
                model has answered nothing but nonsense.
            DataError: an answer cannot be kept.
        """
        parts = [self._parts(question) for question in questions]
        known = self._look_up([part for each in parts for _, part in each], again, strict)
        missing = list(dict.fromkeys(part for each in parts for _, part in each if part not in known))
        with closing(self._sent(missing, again, on_progress)) as outcomes:
            for request, outcome in outcomes:
                known.update(self._taken(request, outcome, strict))
        answers = [
            joined(question.task.kind, [(window, _answer(known.get(part))) for window, part in each])
            for question, each in zip(questions, parts, strict=True)
        ]
        left = {
            question
            for question, answer, each in zip(questions, answers, parts, strict=True)
            if answer is None and any(part in self._unasked for _, part in each)
        }
        self._tally.add(unasked=len(left))
        return answers

    def _parts(self, question: Question) -> list[tuple[Window, Question]]:
        """Return what is asked about each window of the text."""
        cut = windows(question.text, self.settings.window, self.settings.overlap)
        return [(window, Question(question.task, window.text)) for window in cut]

    def _look_up(self, questions: Sequence[Question], again: int, strict: bool) -> dict[Question, Kept]:
        self.store.refresh()
        found: dict[Question, Kept] = {}
        for question in questions:
            kept = self.store.get(key_of(question, VERSION, again))
            if kept is None or (kept.answer is None and (strict or self.settings.asks_failed_again)):
                continue
            if kept.answer is None or fits(kept.answer, question):
                found[question] = kept
        self._tally.add(from_store=len(found))
        self._count(found)
        return found

    def _sent(
        self, questions: Sequence[Question], again: int, on_progress: OnProgress | None
    ) -> Generator[tuple[_Request, _Replied | BaseException], None, None]:
        """Send what has to be asked and yield each request with what became of it."""
        requests = list(self._grouped(questions))
        name = self.name  # asked for here, once, and not by every thread

        def send(request: _Request) -> _Replied:
            asked = self._asker.ask(request.text, request.tasks, temperature=1.0 if again else 0.0)
            return _Replied(self._keep(request, asked, again), asked.failure)

        running = _Running(self.settings.failures, name)
        with closing(as_completed(requests, send, in_flight=self.settings.in_flight)) as outcomes:
            done = 0
            for request, outcome in outcomes:
                yield request, outcome
                running.judge(outcome)
                done += not isinstance(outcome, OutOfBudget)
                if on_progress is not None:
                    on_progress(Progress(done, len(requests), self.usage))
        self.store.sync()
        running.finish()

    def _grouped(self, questions: Sequence[Question]) -> Iterator[_Request]:
        by_text: dict[str, list[Task]] = {}
        for question in questions:
            by_text.setdefault(question.text, []).append(question.task)
        for text, tasks in by_text.items():
            for start in range(0, len(tasks), self.settings.together):
                yield _Request(text, tuple(tasks[start : start + self.settings.together]))

    def _keep(self, request: _Request, asked: Asked, again: int) -> dict[Question, Kept]:
        """Write down the answers of a request and return those that count."""
        found = {}
        for task, said in zip(request.tasks, asked.answers, strict=True):
            if said is None and asked.failure is not None:
                continue
            question = Question(task, request.text)
            found[question] = self.store.put(key_of(question, VERSION, again), _kept(request.text, said, asked.why))
        return found

    def _taken(self, request: _Request, outcome: _Replied | BaseException, strict: bool) -> Mapping[Question, Kept]:
        """Return the answers of a request, none if there are none and that is to be borne."""
        failure, answers = (outcome, {}) if isinstance(outcome, BaseException) else (outcome.failure, outcome.kept)
        if failure is not None:
            if strict or isinstance(failure, WrongSettings) or not isinstance(failure, (ModelServerError, OutOfBudget)):
                raise failure
            left = [question for task in request.tasks if (question := Question(task, request.text)) not in answers]
            if isinstance(failure, OutOfBudget):
                self._unasked.update(left)
            else:
                self._tally.add(failed=len(left))
        self._count(answers)
        for question, kept in answers.items():
            if strict and kept.answer is None:
                asked = quoted(question.task.instruction)
                raise ModelServerError(
                    f"{self.name} gave no usable answer to {asked}, asked twice: {kept.why}",
                    hint="answers so far are kept, so that running again costs only what is new; try another model",
                )
        return answers

    def _count(self, kept: Mapping[Question, Kept]) -> None:
        self._tally.add(
            failed=sum(each.answer is None for each in kept.values()),
            rejected=sum(each.rejected for each in kept.values()),
            repaired=sum(each.repaired for each in kept.values()),
        )


class _Running:
    """Watches the outcomes of requests and gives up when there is no sense in going on."""

    def __init__(self, most_failures: int, model: str) -> None:
        self._most = most_failures
        self._model = model
        self._failures = self._replies = self._useless = 0
        self._useful = False
        self._last: ModelServerError | None = None

    def judge(self, outcome: _Replied | BaseException) -> None:
        """Take an outcome.

        Raises:
            ModelServerError: there were too many failures in a row, or nothing but nonsense.
        """
        failure, answers = (outcome, {}) if isinstance(outcome, BaseException) else (outcome.failure, outcome.kept)
        if isinstance(failure, ModelServerError):
            self._failures += 1
            self._last = failure
            if self._failures >= self._most:
                hint = f"{failure.hint}; answers so far are kept, so that running again goes on from here"
                raise ModelServerError(f"{self._failures} requests failed running; the last one: {failure}", hint=hint)
        if failure is None:
            self._failures = 0
        if not answers:
            return
        self._replies += 1
        self._useful = self._useful or any(kept.answer is not None for kept in answers.values())
        self._useless += not self._useful
        if self._useless >= _USELESS_REQUESTS:
            why = next(kept.why for kept in answers.values())
            raise ModelServerError(
                f"none of {self._useless} replies of {self._model} could be used; the last one: {why}",
                hint="this model does not follow the prompt: try another one",
            )

    def finish(self) -> None:
        """Take that there is nothing more.

        Raises:
            ModelServerError: not one request was answered.
        """
        if self._last is not None and not self._replies:
            raise self._last


def _kept(text: str, said: Said | None, why: str) -> Kept:
    if said is None:
        return Kept(None, why=why)
    if isinstance(said, tuple):
        matched = locate(text, said)
        return Kept(matched.spans, matched.repaired, matched.rejected)
    return Kept(said)


def _answer(kept: Kept | None) -> Annotation | None:
    return None if kept is None else kept.answer
