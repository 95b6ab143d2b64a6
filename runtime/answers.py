"""Answers of a proxy that are kept: for one run, or by a session for all of its runs."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MOST_ANSWER_BYTES = 64 << 20
# What an answer and its key take in the dictionary, and each span of it; measured with tracemalloc.
_ANSWER_BYTES, _SPAN_BYTES = 250, 160

Key = bytes


class Answers:
    """Answers of one proxy by key, those not used for longest forgotten when they take more than ``most_bytes``."""

    def __init__(self, most_bytes: int = MOST_ANSWER_BYTES) -> None:
        self.most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Key, Any] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def __getitem__(self, key: Key) -> Any:
        self._kept.move_to_end(key)
        return self._kept[key]

    def __setitem__(self, key: Key, answer: Any) -> None:
        self._kept[key] = answer
        self._bytes += _size(answer)
        while self._bytes > self.most_bytes:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


def _size(answer: Any) -> int:
    return _ANSWER_BYTES + (_SPAN_BYTES * len(answer) if isinstance(answer, list) else 0)
