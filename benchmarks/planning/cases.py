"""The instructions of the planning benchmark, and the right queries for each.

A file of ``cases/`` or ``aside/`` is a table and instructions over it. Those of ``aside/`` are new and kept for a
first figure: whoever works on prompts and rules does not look at them, nor at what becomes of them one by one, until it
is reported. Then they move to ``cases/``. An instruction is a list: what somebody asks, then one or more right queries,
any of which will do. In a right query an instruction stands for all that mean it: ``"late|slow train !bus"`` wants a
word that begins with ``late`` or ``slow``, one that begins with ``train``, and none that begins with ``bus``; ``no.``
is a whole word; a ``?`` before them says that ``span`` and ``spans`` are both right.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from falconql.asking.corpus import Corpus
from falconql.asking.evidence import content_words
from falconql.asking.library import Example, parse_example

FOLDER = Path(__file__).parent / "cases"
ASIDE = Path(__file__).parent / "aside"
CATEGORIES = ("basic", "query", "multi", "misc")
# Two instructions whose content words are as alike as this are the same instruction in other words.
TOO_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Case:
    """One instruction.

    Attributes:
        name: ``table/category/number``.
        category: one of ``CATEGORIES``.
        corpus: the table.
        keys: columns that say which row it is; selecting them, too, is not wrong.
        instruction: what is asked.
        right: queries that answer it, with patterns for instructions.
        aside: kept for reported figures.
    """

    name: str
    category: str
    corpus: Corpus
    keys: tuple[str, ...]
    instruction: str
    right: tuple[str, ...]
    aside: bool


def cases(*folders: Path) -> list[Case]:
    """Return every case of the folders, both if none is named, by folder, table and category."""
    return [
        case for folder in folders or (FOLDER, ASIDE) for path in sorted(folder.glob("*.toml")) for case in _read(path)
    ]


def _read(path: Path) -> list[Case]:
    read: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    header = ["-- ask: -", f"-- table: {read['table']}", *(f"-- column: {column}" for column in read["columns"])]
    corpus = parse_example(path.stem, "\n".join([*header, f"text {read['text']}", "", "select *"])).corpus
    corpus = replace(corpus, rows=tuple(read["rows"]))
    return [
        Case(
            f"{path.stem}/{category}/{number}",
            category,
            corpus,
            tuple(read["key"]),
            instruction,
            tuple(right),
            path.parent == ASIDE,
        )
        for category in CATEGORIES
        for number, (instruction, *right) in enumerate(read.get(category, ()), 1)
    ]


def overlaps(found: Sequence[Case], examples: Sequence[Example]) -> list[str]:
    """Return what worked examples and cases have in common and must not: tables, columns, wording."""
    said = [f"table {case.corpus.name} is an example's" for case in found if _table(case) in map(_table, examples)]
    columns = {column.name for example in examples for column in example.corpus.columns}
    for case in found:
        said += [f"{case.name}: column {c.name} is an example's" for c in case.corpus.columns if c.name in columns]
        words = content_words(case.instruction)
        for example in examples:
            others = content_words(example.instruction)
            if len(words & others) >= max(2, TOO_ALIKE * len(words | others)):
                said.append(f"{case.name}: {case.instruction!r} is like {example.instruction!r}")
    return sorted(set(said))


def _table(subject: Case | Example) -> str:
    return subject.corpus.name
