"""The worked examples: files of this package, each an instruction, its columns and the right query.

A file is a valid query under a header of comments::

    -- ask: Which hotels in Rome have a good breakfast?
    -- table: hotels
    -- column: city Text "Rome", "Paris"
    -- column: review Text
    -- keep: in Rome and a good breakfast
    -- give: everything

    text  review
    where city = "Rome" and label("Is the breakfast good?")

``keep`` and ``give`` (and ``step``) are the model's thinking before it writes the query.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from falconql.asking.corpus import Column, Corpus
from falconql.asking.evidence import content_words, shape
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP, Type, list_of

_HEADER = re.compile(r"-- (ask|table|column|keep|give|step|core): ?(.*)")
_TYPES: dict[str, Type] = {str(t): t for t in (BOOL, INT, FLOAT, TEXT, DATE, TIMESTAMP)}
_READ: dict[Type, Callable[[str], Any]] = {INT: int, FLOAT: float, DATE: dt.date.fromisoformat}
THOUGHTS = ("keep", "step", "give")


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example.

    Attributes:
        name: the file's name without its ending.
        instruction: what somebody asked.
        corpus: the columns they had.
        thoughts: lines of thinking, without the comment marks.
        query: the answer, header and ``text`` clause left out.
        whole: the whole query, as it can be checked.
        core: whether every prompt has it.
    """

    name: str
    instruction: str
    corpus: Corpus
    thoughts: tuple[str, ...]
    query: str
    whole: str
    core: bool


@cache
def examples() -> tuple[Example, ...]:
    """Return every example, by name."""
    folder = resources.files(__package__) / "examples"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".fql")), key=lambda file: file.name)
    return tuple(parse_example(file.name.removesuffix(".fql"), file.read_text(encoding="utf-8")) for file in files)


def parse_example(name: str, text: str) -> Example:
    """Return the example that a file holds.

    Raises:
        ValueError: the header is malformed.
    """
    header: dict[str, list[str]] = {}
    lines = text.splitlines()
    while lines and (found := _HEADER.fullmatch(lines[0])):
        header.setdefault(found[1], []).append(found[2])
        lines.pop(0)
    if not {"ask", "table", "column"} <= set(header):
        raise ValueError(f"example {name}: the header needs ask, table and column")
    whole = "\n".join(lines).strip() + "\n"
    clause = re.search(r"^text\s+(\S+)\n+", whole, re.MULTILINE)
    columns = tuple(_column(name, line) for line in header["column"])
    corpus = Corpus(header["table"][0], columns, clause[1].strip("`") if clause else None)
    thoughts = tuple(f"{kind}: {said}" for kind in THOUGHTS for said in header.get(kind, ()))
    query = whole.replace(clause[0], "") if clause else whole
    return Example(name, " ".join(header["ask"]), corpus, thoughts, compact(query), whole, "core" in header)


def _column(example: str, line: str) -> Column:
    found = re.fullmatch(r"(\S+) (\[?\w+\]?) ?(.*)", line)
    if found is None or found[2].strip("[]") not in _TYPES:
        raise ValueError(f"example {example}: cannot read the column {line!r}")
    type_ = list_of(_TYPES[found[2][1:-1]]) if found[2].startswith("[") else _TYPES[found[2]]
    quoted = re.findall(r'"([^"]*)"', found[3])
    if quoted or not found[3]:
        closed = len(quoted) > 1 and not found[3].endswith("more")
        seen = frozenset() if closed or type_ != TEXT else frozenset(quoted)
        return Column(found[1], type_, tuple(quoted), closed, seen=seen)
    read = _READ[type_]
    return Column(found[1], type_, tuple(read(end) for end in found[3].split(" to ")))


def compact(query: str) -> str:
    """Return a query with single spaces, a line per clause: what a model has to write."""
    lines: list[str] = []
    for line in query.splitlines():
        words = " ".join(line.split())
        if not words:
            continue
        if lines and line.startswith(" "):
            lines[-1] += " " + words
        else:
            lines.append(words)
    return "\n".join(lines)


def likest(instruction: str, most: int, *, among: Sequence[Example] | None = None) -> list[Example]:
    """Return the examples whose instructions are most like one, the likest last.

    Likeness is the share of shapes (cue words for multi-step, negation, order, ...) in common, and of
    content words; both as Jaccard indices, the shape counting more.
    """
    shapes, words = shape(instruction), content_words(instruction)

    def likeness(example: Example) -> float:
        of_shapes = _jaccard(shapes, shape(example.instruction))
        return 2 * of_shapes + _jaccard(words, content_words(example.instruction))

    pool = [example for example in (examples() if among is None else among) if not example.core]
    return sorted(pool, key=likeness)[-most:] if most else []


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0
