"""One request about one text, and what is done when its reply is of no use.

How a server can be made to answer in JSON is found out by asking: a JSON schema as OpenAI takes it, one as
llama-cpp-python does, any JSON object, the prompt alone. What it refuses is left for the next and not tried again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from falconql.annotating.budget import Meter
from falconql.annotating.prompt import correction, messages, most_tokens, schema, tokens_of, tokens_read, tokens_written
from falconql.annotating.reading import Said, read
from falconql.annotating.task import Task
from falconql.annotating.usage import Tally
from falconql.errors import FalconQLError
from falconql.llm.client import ChatClient, Message, Refused, Reply

SCHEMA, OBJECT_SCHEMA, OBJECT, FREE = "a JSON schema", "a JSON object of a schema", "a JSON object", "the prompt alone"
WAYS = (SCHEMA, OBJECT_SCHEMA, OBJECT, FREE)
_ROOM, _LEAST_ROOM = 4, 2048


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking.

    Attributes:
        answers: None for tasks without a usable one.
        why: there is none.
        failure: of asking again, when that got no reply, or of writing down what was spent: what has no answer may be
            asked another time.
    """

    answers: list[Said | None]
    why: str = ""
    failure: FalconQLError | None = None


class Ways:
    """How to ask for JSON, the best way first that the server has not refused; safe to use from many threads."""

    def __init__(self, tally: Tally) -> None:
        self._open = list(WAYS)
        self._proven = False
        self._refused: list[str] = []
        self._tally = tally
        self._lock = threading.Lock()

    @property
    def way(self) -> str:
        """The way to use."""
        return self._open[0]

    def worked(self) -> None:
        """Take that the server took a request of this way: what it refuses later has another reason."""
        with self._lock:
            if not self._proven:
                self._proven = True
                for way in self._refused:
                    self._tally.refused(way)

    def refused(self, way: str) -> bool:
        """Take that a request was refused; return whether to ask again, in the way there is now."""
        with self._lock:
            if way != self._open[0]:
                return True
            if self._proven:
                return False
            if len(self._open) == 1:
                # All of them: the request is at fault, and says nothing of the ways.
                self._open, self._refused = list(WAYS), []
                return False
            self._refused.append(self._open.pop(0))
            return True


class Asker:
    """Asks a model about texts, one request at a time; safe to use from many threads.

    Args:
        chat: the model.
        meter: what may be spent.
        tally: where to count requests and tokens.
    """

    def __init__(self, chat: ChatClient, meter: Meter, tally: Tally) -> None:
        self.chat = chat
        self.meter = meter
        self.tally = tally
        self._ways = Ways(tally)
        self._needs_room = False

    def ask(self, text: str, tasks: Sequence[Task], *, temperature: float = 0.0) -> Asked:
        """Return what the model answers; what it leaves out, or answers with nonsense, is asked once more.

        Raises:
            OutOfBudget: a request would exceed the budget.
            ModelServerError: the server gives no answer at all.
            DataError: what was spent could not be written down, and nothing was asked.
        """
        first = messages(text, tasks)
        reply = self._complete(first, text, tasks, temperature, roomy=self._needs_room)
        answers = read(reply.text, tasks)
        missing = [place for place, answer in enumerate(answers) if answer is None]
        if not missing:
            return Asked(answers, failure=self.meter.failure)
        left = [tasks[place] for place in missing]
        why = _why(reply)
        again = [*messages(text, left), *([] if not reply.finished else correction(reply.text, why))]
        try:
            second = self._complete(again, text, left, temperature, roomy=self._needs_room or not reply.finished)
        except FalconQLError as error:
            return Asked(answers, why, error)
        for place, answer in zip(missing, read(second.text, left), strict=True):
            answers[place] = answer
        if None in answers:
            return Asked(answers, _why(second), self.meter.failure)
        if not reply.finished:
            # A model that thinks before it answers needs more room every time.
            self._needs_room = True
        return Asked(answers, failure=self.meter.failure)

    def _complete(
        self, said: Sequence[Message], text: str, tasks: Sequence[Task], temperature: float, *, roomy: bool
    ) -> Reply:
        limit = most_tokens(text, tasks)
        if roomy:
            limit = max(_ROOM * limit, _LEAST_ROOM)
        reserved = self.meter.reserve(tokens_read(text, tasks), tokens_written(tasks))
        try:
            reply = self._in_some_way(said, tasks, limit, temperature)
        except BaseException:
            self.meter.release(reserved)
            raise
        read_ = reply.prompt_tokens or sum(tokens_of(message["content"]) for message in said)
        written = reply.completion_tokens or tokens_of(reply.text)
        self.meter.spend(read_, written, reserved)
        self.tally.spent(read_, written, self.meter.cost_usd(read_, written))
        return reply

    def _in_some_way(self, said: Sequence[Message], tasks: Sequence[Task], limit: int, temperature: float) -> Reply:
        while True:
            way = self._ways.way
            try:
                reply = self.chat.complete(said, _fields(way, tasks), most_tokens=limit, temperature=temperature)
            except Refused:
                if not self._ways.refused(way):
                    raise
                continue
            self._ways.worked()
            return reply


def _fields(way: str, tasks: Sequence[Task]) -> dict[str, Any]:
    if way == SCHEMA:
        described = {"name": "answers", "strict": True, "schema": schema(tasks)}
        return {"response_format": {"type": "json_schema", "json_schema": described}}
    if way == OBJECT_SCHEMA:
        return {"extra_body": {"response_format": {"type": "json_object", "schema": schema(tasks)}}}
    return {"response_format": {"type": "json_object"}} if way == OBJECT else {}


def _why(reply: Reply) -> str:
    if not reply.finished:
        return "it was cut off because it was too long"
    return "it is not the JSON object that was asked for" if reply.text.strip() else "it is empty"
