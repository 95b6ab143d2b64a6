"""What a ``model.onnx`` refers to outside itself, found without loading it.

A tensor of a model may be kept in another file, by a path that the model gives. Current versions of ONNX Runtime
refuse paths out of the folder, older ones follow them; and no such file is part of a proxy, which is told from
others by its three files. Reads the few fields of the format that say so, and steps over all others.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

# Field numbers of onnx.proto, by message: which fields hold which messages.
_BELOW: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_DATA_ELSEWHERE = (13, 14)
_NAME = 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_NAME_BYTES = 80


class NoModel(ValueError):
    """The bytes are not an ONNX model."""


def tensor_elsewhere(path: Path) -> str | None:
    """Return the name of a tensor whose values are in another file, None if there is none.

    Raises:
        NoModel: this is no ONNX model.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if not file.seek(0, 2):
            raise NoModel("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _search(data)


def _search(data: mmap.mmap) -> str | None:
    pending = [("model", 0, len(data))]
    while pending:
        kind, start, end = pending.pop()
        if kind == "tensor":
            if (found := _elsewhere(data, start, end)) is not None:
                return found
            continue
        below = _BELOW[kind]
        for number, wire, at, until in _fields(data, start, end):
            if number in below:
                if wire != _BYTES:
                    raise NoModel(f"field {number} of a {kind} is of another type")
                pending.append((below[number], at, until))
    return None


def _elsewhere(data: mmap.mmap, start: int, end: int) -> str | None:
    name, elsewhere = "", False
    for number, wire, at, until in _fields(data, start, end):
        if number == _NAME and wire == _BYTES:
            name = data[at : min(until, at + _NAME_BYTES)].decode("utf-8", "replace")
        elif number in _DATA_ELSEWHERE:
            # `data_location` 0 says that the values are here.
            elsewhere = elsewhere or wire != _VARINT or any(byte & 0x7F for byte in data[at:until])
    return name if elsewhere else None


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, wire type, start and end of each field of a message."""
    at = start
    while at < end:
        key, at = _varint(data, at, end)
        number, wire = key >> 3, key & 7
        if wire == _BYTES:
            size, at = _varint(data, at, end)
            until = at + size
        elif wire == _VARINT:
            _, until = _varint(data, at, end)
        elif wire in (_FIXED64, _FIXED32):
            until = at + (8 if wire == _FIXED64 else 4)
        else:
            raise NoModel("it is cut off or damaged")
        if until > end:
            raise NoModel("it is cut off or damaged")
        yield number, wire, at, until
        at = until


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise NoModel("it is cut off or damaged")
