"""Where a JSON file is broken: slow second looks at one block, made only after something went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.io.json_lines import Block

# What Arrow can read again: from Parquet 100 levels, of which a list has two, from its own files 64. Of JSON it
# reads some thousands and then ends the process.
MOST_DEPTH = 48
_INT64 = range(-(2**63), 2**63)
_NO_SIGNS = bytes(set(range(256)) - set(b'"\n[{]}'))
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
_BLANKS = " \t\r\n"  # those of JSON
# What Arrow says of JSON that Python would read, in our words.
_SAID = (
    ("surrogate", "a text has one half of a surrogate pair, which is no character", "leave it out of the text"),
    ("requires precision", "a whole number has more than 76 digits", "put quotes around it"),
    ("too big", "a number is too large", "put quotes around it"),
)
_ROW = re.compile(r"\.? in row \d+$")
_TYPE_HINT = "give the field one type in all objects"


Parse = Callable[[bytes], pa.Table]
"""What Arrow does with lines, and fails to do with those of a block."""


def explain(
    block: Block, name: str, before: Mapping[str, pa.DataType], reason: str, parse: Parse | None = None
) -> DataError:
    """Return the error for a block that is not taken.

    Args:
        block: its lines.
        name: what the file is called in messages.
        before: the fields of earlier blocks.
        reason: what was said of it.
        parse: what said that, if it was Arrow.
    """
    seen = dict(_paths_of_types(before))
    for number, line in enumerate(block.data.decode("utf-8").split("\n"), start=block.first):
        if not line.strip(_BLANKS):
            continue
        problem = _problem(line, f"{name}, {block.place(number)}", seen, number, block)
        if problem is not None:
            return problem
    new = sorted(_fields(block) - before.keys())
    if "unexpected field" in reason and new:
        return DataError(
            f"{name}: the field `{new[0]}` first appears in {block.place(block.first)} or soon after, "
            "too late to become a column",
            hint="name the columns you need instead of `*`, or give the first object every field (null if it has none)",
        )
    if parse is None:
        return DataError(f"{name}, from {block.place(block.first)} on: {reason}")
    at, reason = _refused(block, parse, reason)
    what, hint = next((words for said, *words in _SAID if said in reason), (reason, None))
    return DataError(f"{name}, {block.place(at)}: {what}", hint=hint)


def _refused(block: Block, parse: Parse, reason: str) -> tuple[int, str]:
    """Return the number of the first line that Arrow does not take, and what it says of that."""
    lines = block.data.split(b"\n")
    good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            parse(b"\n".join(lines[:middle]))
            good = middle
        except pa.ArrowInvalid as error:
            bad, reason = middle, str(error)
    return block.first + bad - 1, _ROW.sub("", reason)


def depth(data: bytes) -> int:
    """Return how deep objects and lists are nested in lines of JSON; too much where quotes or brackets are missing."""
    # In this order: of two backslashes, the second escapes nothing.
    if rb"\\" in data:
        data = data.replace(rb"\\", b"")
    if b"\\" in data:
        data = data.replace(rb"\"", b"")
    # Of most texts only their two quotes are left.
    data = data.translate(None, _NO_SIGNS).replace(b'""', b"")
    signs = np.frombuffer(data, np.uint8)
    quotes = np.cumsum(signs == ord('"'), dtype=np.int32)
    # No text goes on in the next line.
    before = np.maximum.accumulate(np.where(signs == ord("\n"), quotes, 0))
    steps = np.where((quotes - before) & 1, 0, _STEPS[signs])
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


Path = tuple[str | None, ...]
"""Where a value is in an object: names of fields, None for any item of a list."""


def has_long_integers(block: Block, path: Path) -> bool:
    """Return whether whole numbers of which some need more than 64 bits stand in a place, and no others."""
    lines = (line for line in block.data.split(b"\n") if line.strip())
    values = (value for line in lines for value in _values_at(_loaded(line), path))
    found = False
    for value in values:
        if isinstance(value, float):
            return False
        found = found or (isinstance(value, int) and value not in _INT64)
    return found


def _values_at(value: Any, path: Path) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] is None:
        for item in value if isinstance(value, list) else ():
            yield from _values_at(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _values_at(value[path[0]], path[1:])


def _loaded(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _fields(block: Block) -> set[str]:
    return {name for line in block.data.splitlines() if line.strip() for name in _loaded(line)}


def _problem(line: str, where: str, seen: dict[str, tuple[str, str]], number: int, block: Block) -> DataError | None:
    if depth(line.encode("utf-8")) > MOST_DEPTH:
        return DataError(f"{where}: nested too deeply", hint=f"objects and lists may be nested {MOST_DEPTH} deep")
    try:
        value = json.loads(line, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        return DataError(f"{where}: not JSON: {error.msg} (column {error.colno})", hint="each line is one JSON object")
    if not isinstance(value, _Pairs):
        return DataError(f"{where}: {_word(value)}, where an object is expected", hint="each line is one JSON object")
    for path, word in _paths(value, ""):
        if word == "twice":
            return DataError(f"{where}: the field `{path}` stands there twice", hint="leave one of them out")
        first, place = seen.setdefault(path, (word, f"in {block.place(number)}"))
        if first != word:
            return DataError(f"{where}: the field `{path}` is {word}, and {first} {place}", hint=_TYPE_HINT)
    return None


class _Pairs(list[tuple[str, Any]]):
    """An object with repeated fields kept, told from a list."""


def _paths(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield each field below a value that is not null with a word for its type."""
    if isinstance(value, _Pairs):
        names = [name for name, _ in value]
        for name, below in value:
            inner = f"{path}.{name}" if path else name
            if names.count(name) > 1:
                yield inner, "twice"
            if below is not None:
                yield inner, _word(below)
                yield from _paths(below, inner)
    elif isinstance(value, list):
        for below in value:
            if below is not None:
                yield f"{path}[]", _word(below)
                yield from _paths(below, f"{path}[]")


def _word(value: Any) -> str:
    words = {
        type(None): "null",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        _Pairs: "an object",
    }
    return words.get(type(value), "a list")


def _paths_of_types(fields: Mapping[str, pa.DataType], above: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    for name, type_ in fields.items():
        yield from _paths_of_type(f"{above}.{name}" if above else name, type_)


def _paths_of_type(path: str, type_: pa.DataType) -> Iterator[tuple[str, tuple[str, str]]]:
    if pa.types.is_null(type_):
        return
    yield path, (_type_word(type_), "before")
    if pa.types.is_struct(type_):
        yield from _paths_of_types({field.name: field.type for field in type_}, path)
    elif pa.types.is_list(type_):
        yield from _paths_of_type(f"{path}[]", type_.value_type)


def _type_word(type_: pa.DataType) -> str:
    if pa.types.is_boolean(type_):
        return "true or false"
    if pa.types.is_string(type_):
        return "a text"
    if pa.types.is_struct(type_):
        return "an object"
    return "a list" if pa.types.is_list(type_) else "a number"
