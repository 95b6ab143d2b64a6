"""A language model made of rules, behind the scripted server of the asking tests."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from falconql.annotating import Annotator, Settings, Task
from falconql.annotating.budget import Budget
from falconql.llm.endpoint import Endpoint
from tests.asking.server import Say, Server

Request = dict[str, Any]
HAS_APPLE, FIND_APPLE = Task("label", "has apple"), Task("spans", "find apple")
NONSENSE = Say("Certainly! I would love to help.")
_TASK = re.compile(r"^(\d+)\. (yes or no|extract|choose): (.*)$", re.MULTILINE)
_TEXT = re.compile(r"<(text[-\d]*)>\n(.*)\n</\1>", re.DOTALL)


def asked(request: Request) -> str:
    """Return what is asked, which stands behind the rules and the worked examples."""
    turns = [turn["content"] for turn in request["messages"] if turn["role"] == "user"]
    return str(next(turn for turn in reversed(turns) if _TEXT.search(turn)))


def text_of(request: Request) -> str:
    """Return the text that a request is about."""
    match = _TEXT.search(asked(request))
    assert match is not None
    return match.group(2)


def tasks_of(request: Request) -> list[tuple[str, str, str]]:
    """Return number, kind and instruction of the tasks of a request."""
    _, _, tail = asked(request).rpartition(">\n\nTasks:\n")
    return _TASK.findall(tail)


def answers_to(request: Request) -> dict[str, Any]:
    """Return right answers: ``has WORD`` is true of texts with the word, ``find REGEX`` extracts its matches."""
    text = text_of(request)
    found: dict[str, Any] = {}
    for number, kind, instruction in tasks_of(request):
        said, _, options = instruction.partition(" Options: ")
        if kind == "yes or no":
            found[number] = said.removeprefix("has ") in text
        elif kind == "extract":
            found[number] = re.findall(said.removeprefix("find "), text)
        else:
            named = re.findall(r'"([^"]*)"', options)
            found[number] = next((option for option in named if option in text), named[0])
    return found


def right(request: Request) -> Say:
    """Answer rightly."""
    return Say(json.dumps(answers_to(request)))


class Scripted:
    """Answers by a function of the request and of how often its text was asked about before; counts the texts."""

    def __init__(self, answer: Callable[[Request, int], Say]) -> None:
        self.asked: Counter[str] = Counter()
        self._answer = answer
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Say:
        text = text_of(request)
        with self._lock:
            before = self.asked[text]
            self.asked[text] += 1
        return self._answer(request, before)


def annotator(
    server: Server,
    folder: Path,
    *,
    timeout_s: float = 5.0,
    budget: Budget | None = None,
    model: str | None = "m",
    **settings: Any,
) -> Annotator:
    """Return an annotator that asks a server of the tests."""
    made = Settings(**{"retries": 0, **settings})
    return Annotator(Endpoint(server.url, "key", model, timeout_s), folder=folder, budget=budget, settings=made)


def texts(count: int, words: Sequence[str] = ("apple", "plum")) -> list[str]:
    """Return different texts, each with one of some words."""
    return [f"Text {number} about an {words[number % len(words)]}." for number in range(count)]
