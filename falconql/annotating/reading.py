"""What a model wrote back as answers: JSON, in prose or in a code fence if need be.

What a reply says counts only as far as it has the form that was asked for; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from falconql.annotating.prompt import sendable
from falconql.annotating.task import Task

Said = bool | str | tuple[str, ...]
"""Of a label whether it is true, of a choice the option, of spans their words."""

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)
_YES_NO: Mapping[str, bool] = {"true": True, "yes": True, "false": False, "no": False}
_MOST_STARTS = 64


def read(reply: str, tasks: Sequence[Task]) -> list[Said | None]:
    """Return the answers in a reply, None for a task that it does not answer in the form asked for."""
    best: list[Said | None] = [None] * len(tasks)
    for value in _values(_THOUGHTS.sub("", reply)):
        found = _answers(value, tasks)
        # The last of equals: models think aloud before they answer.
        if sum(answer is not None for answer in found) >= sum(answer is not None for answer in best):
            best = found
    return best


def _values(reply: str) -> Iterator[Any]:
    """Yield the JSON values in a reply: all of it, else every object and list in it."""
    stripped = reply.strip()
    try:
        yield json.loads(stripped)
        return
    except (ValueError, RecursionError):
        pass
    decoder = json.JSONDecoder()
    place, starts = 0, 0
    while starts < _MOST_STARTS and (match := re.compile(r"[{\[]").search(stripped, place)):
        starts += 1
        try:
            value, place = decoder.raw_decode(stripped, match.start())
        except (ValueError, RecursionError):
            place = match.start() + 1
            continue
        yield value
    word = re.match(r"\W*(\w+)\W*$", stripped)
    if word:
        yield word.group(1)


def _answers(value: Any, tasks: Sequence[Task]) -> list[Said | None]:
    if isinstance(value, Mapping):
        return [_answer(value.get(str(number)), task) for number, task in enumerate(tasks, 1)]
    if len(tasks) == 1:
        alone = _answer(value, tasks[0])
        if alone is not None:
            return [alone]
    if isinstance(value, list) and len(value) == len(tasks):
        return [_answer(each, task) for each, task in zip(value, tasks, strict=True)]
    return [None] * len(tasks)


def _answer(value: Any, task: Task) -> Said | None:
    match task.kind:
        case "label":
            return _truth(value)
        case "spans":
            return _pieces(value)
    return _option(value, task.options)


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _YES_NO.get(value.strip().lower()) if isinstance(value, str) else None


def _pieces(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(piece, str) for piece in value):
        return tuple(value)
    return None


def _option(value: Any, options: Sequence[str]) -> str | None:
    if not isinstance(value, str):
        return None
    for same in (sendable, _plain):
        for option in options:
            if same(option) == same(value):
                return option
    return None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
