"""Answers of a proxy that are kept in memory, for one run or by a session for all of its runs, and as bytes."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from falconql.runtime.proxy.base import SpanValue
from falconql.runtime.proxy.reading import fits

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
    if isinstance(answer, list):
        return _ANSWER_BYTES + _SPAN_BYTES * len(answer)
    return _ANSWER_BYTES + (len(answer) if isinstance(answer, bytes) else 0)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question, whose answers can be kept as bytes.

    ``unpack`` is given the bytes and the text, and returns None when they cannot be an answer about it.
    """

    name: bytes
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes, str], Any]


_SCORE = struct.Struct("<f")
_SPAN = struct.Struct("<IId")


def _score(packed: bytes, _: str) -> float | None:
    score = float(_SCORE.unpack(packed)[0]) if len(packed) == _SCORE.size else -1.0
    return score if 0 <= score <= 1 else None


def _reading(packed: bytes, text: str) -> bytes | None:
    return packed if fits(text, packed) else None


def _packed_spans(values: list[SpanValue]) -> bytes:
    return b"".join(_SPAN.pack(value.start, value.end, value.score) for value in values)


def _spans(packed: bytes, text: str) -> list[SpanValue] | None:
    if len(packed) % _SPAN.size:
        return None
    values = [SpanValue(*fields) for fields in _SPAN.iter_unpack(packed)]
    return values if all(value.start <= value.end <= len(text) for value in values) else None


LABEL = Kind(b"label", _SCORE.pack, _score)


def reading_kind(lowest: float) -> Kind:
    """Return the kind of what a proxy reads in texts, for the spans at all thresholds from ``lowest`` upwards."""
    return Kind(b"reading from %r" % lowest, bytes, _reading)


def choice_kind(options: Sequence[str]) -> Kind:
    """Return the kind of which of these options a proxy chooses."""

    def unpack(packed: bytes, _: str) -> str | None:
        choice = packed.decode("utf-8", "surrogatepass") if _is_text(packed) else None
        return choice if choice in options else None

    name = "\0".join(("choose", *options)).encode("utf-8", "surrogatepass")
    return Kind(name, lambda choice: str(choice).encode("utf-8", "surrogatepass"), unpack)


def _is_text(packed: bytes) -> bool:
    try:
        packed.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def spans_kind(threshold: float | None) -> Kind:
    """Return the kind of spans at one threshold, from proxies that give no more than that."""
    return Kind(b"spans %a" % threshold, _packed_spans, _spans)
