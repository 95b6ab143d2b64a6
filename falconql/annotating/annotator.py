"""Many requests in flight: questions in, answers out in order, every one kept the moment it arrives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from falconql.annotating.answers import Answer, Read, read
from falconql.annotating.budget import Budget, Usage
from falconql.annotating.prompt import MODES, Request, Task, fields, requests_about
from falconql.annotating.store import Store
from falconql.errors import ModelServerError
from falconql.llm.client import ChatClient, Refused, Reply

IN_FLIGHT = 8
QUESTIONS_TOGETHER = 8
TOKENS_PER_ANSWER, MOST_TOKENS = 160, 2000
# A server that fails so often in a row is down; one that fails now and then costs these questions only.
FAILURES_IN_A_ROW = 4
# Texts asked twice, in other words, to see how sure the answers are.
TWICE_SHARE, TWICE_LEAST, TWICE_MOST = 0.05, 5, 40


class Chat(ChatClient, Protocol):
    """A client with a model's name, that can be closed while requests are under way."""

    @property
    def model(self) -> str:
        """The model's name."""

    def close(self) -> None:
        """End requests that are under way."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How to ask: requests in flight, questions in one request, and what it may cost."""

    in_flight: int = IN_FLIGHT
    together: int = QUESTIONS_TOGETHER
    budget: Budget | None = None
    twice: bool = True


class Annotator:
    """A model that answers questions about texts.

    Args:
        chat: how to reach it.
        store: where answers are kept; None keeps none.
        limits: how to ask.
        on_progress: called after every reply with the questions answered so far and their number in all.
    """

    def __init__(
        self,
        chat: Chat,
        store: Store | None = None,
        limits: Limits = Limits(),
        *,
        usage: Usage | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.chat, self.store, self.limits = chat, store, limits
        self.usage = usage or Usage()
        self.on_progress = on_progress
        self._lock = threading.Lock()
        self._mode = 0
        self._failures = 0

    @property
    def name(self) -> str:
        """The model's name."""
        return self.chat.model

    def annotate(self, tasks: Sequence[Task]) -> list[Answer | None]:
        """Return the answers in order; None where the model gave none, or the budget was spent.

        Raises:
            ModelServerError: the server fails again and again. Answers that arrived are kept.
            DataError: an answer cannot be written to disk.
        """
        answers: dict[Task, Answer] = {}
        by_text: dict[str, list[Task]] = {}
        for task in dict.fromkeys(tasks):
            known = self.store.get(task) if self.store is not None else None
            if known is None:
                by_text.setdefault(task.text, []).append(task)
            else:
                answers[task] = known
        self.usage.known += len(answers)
        everything = len(answers) + sum(map(len, by_text.values()))
        done = len(answers)

        def arrived(asked: Sequence[Task], found: dict[Task, Answer]) -> None:
            nonlocal done
            answers.update(found)
            done += len(asked)
            self.usage.failed += len(asked) - len(found)
            for task, answer in found.items():
                if self.store is not None:
                    self.store.put(task, answer)
            if self.on_progress is not None:
                self.on_progress(done, everything)

        self._run(list(by_text.items()), arrived)
        self.usage.unasked += everything - done
        if self.limits.twice and by_text:
            self._ask_twice([items for items in by_text.items() if any(task in answers for task in items[1])], answers)
        return [answers.get(task) for task in tasks]

    def _run(
        self, work: Iterable[tuple[str, list[Task]]], arrived: Callable[..., None], *, again: bool = False
    ) -> None:
        """Put all questions, a few texts at once; what arrives is handed over in this thread."""
        waiting = iter(work)
        pool = ThreadPoolExecutor(self.limits.in_flight, thread_name_prefix="annotate")
        under_way: dict[Future[dict[Task, Answer]], list[Task]] = {}
        try:
            while True:
                while len(under_way) < self.limits.in_flight and self._may_ask():
                    item = next(waiting, None)
                    if item is None:
                        break
                    under_way[pool.submit(self._about, *item, again=again)] = item[1]
                if not under_way:
                    return
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in finished:
                    asked = under_way.pop(future)
                    arrived(asked, self._result(future))
        except BaseException:
            # Ctrl-C, or a server that is down: requests under way would be waited for at the end of the process.
            self.chat.close()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _may_ask(self) -> bool:
        budget = self.limits.budget
        return budget is None or budget.left(self.usage)

    def _result(self, future: Future[dict[Task, Answer]]) -> dict[Task, Answer]:
        try:
            found = future.result()
        except ModelServerError as error:
            self._failures += 1
            is_down = self.usage.requests == 0 and not isinstance(error, Refused)
            if self._failures >= FAILURES_IN_A_ROW or is_down:
                hint = f"{error.hint}; answers that arrived are kept, the same command goes on" if error.hint else None
                raise ModelServerError(str(error), hint=hint) from error
            return {}
        self._failures = 0
        return found

    def _about(self, text: str, tasks: Sequence[Task], *, again: bool) -> dict[Task, Answer]:
        """Put all questions about one text, windows of a long one after each other."""
        pooled: dict[Task, Answer] = {}
        broken: set[Task] = set()
        for request in requests_about(text, tasks, self.limits.together):
            found = self._answered(request, again=again)
            for task, answer in zip(request.tasks, found.answers, strict=True):
                if answer is None:
                    broken.add(task)
                else:
                    pooled[task] = _joined(pooled.get(task), answer, request.offset)
        return {task: answer for task, answer in pooled.items() if task not in broken}

    def _answered(self, request: Request, *, again: bool) -> Read:
        """Put a request; nonsense is asked once more."""
        found = self._read(request, again=again)
        if None in found.answers:
            second = self._read(request, again=not again)
            if second.answers.count(None) < found.answers.count(None):
                found = second
        with self._lock:
            self.usage.repaired += found.repaired
            self.usage.rejected += found.rejected
        return found

    def _read(self, request: Request, *, again: bool) -> Read:
        reply = self._reply(request, again=again)
        with self._lock:
            self.usage.requests += 1
            self.usage.read += reply.prompt_tokens
            self.usage.written += reply.completion_tokens
        return read(reply.text, request)

    def _reply(self, request: Request, *, again: bool) -> Reply:
        """Send a request in the strictest form that the server takes."""
        most = min(MOST_TOKENS, TOKENS_PER_ANSWER * len(request.tasks))
        for mode in range(self._mode, len(MODES)):
            try:
                reply = self.chat.complete(
                    request.messages(again=again), fields(request, MODES[mode]), most_tokens=most
                )
            except Refused:
                if mode == len(MODES) - 1:
                    raise  # not the form but the request itself, which may be too long
                continue
            with self._lock:
                self._mode = max(self._mode, mode)
            return reply
        raise AssertionError("there is always a form to ask in")

    def _ask_twice(self, answered: Sequence[tuple[str, list[Task]]], answers: dict[Task, Answer]) -> None:
        """Ask some texts again in other words, and count how many answers stay."""
        count = max(TWICE_LEAST, min(TWICE_MOST, round(TWICE_SHARE * len(answered))))
        step = max(1, len(answered) // count)

        def arrived(asked: Sequence[Task], found: dict[Task, Answer]) -> None:
            for task in asked:
                if task in found and task in answers:
                    self.usage.twice += 1
                    self.usage.agreed += found[task] == answers[task]

        self._run(answered[::step][:count], arrived, again=True)


def _joined(before: Answer | None, answer: Answer, offset: int) -> Answer:
    """Return what two windows say together: a label true in one of them, the spans of both."""
    if isinstance(answer, bool):
        return answer or before is True
    moved = tuple((start + offset, end + offset) for start, end in answer)
    if before is None or isinstance(before, bool):
        return moved
    kept = list(before)
    for start, end in moved:
        if all(end <= left or right <= start for left, right in kept):
            kept.append((start, end))
    return tuple(sorted(kept))
