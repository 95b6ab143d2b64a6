"""What a model is told of a corpus: names, types, values it can expect, and which column is the text.

Looks at a sample of the rows. Values are shortened and shown as data.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pyarrow as pa

from falconql.runtime.io.arrow import fields_from_schema
from falconql.runtime.io.base import TableSource
from falconql.runtime.io.json_values import python_values
from falconql.runtime.io.stats import sample
from falconql.runtime.normalise import normalise
from falconql.runtime.plan import Field
from falconql.syntax.printer import name_text
from falconql.types import BOOL, DATE, FLOAT, INT, TEXT, TIMESTAMP, Type

LOOKED_AT_ROWS = 512
SHOWN_VALUES = 6
SHOWN_CHARACTERS = 60
# A column of texts this long, in the mean, is read by questions; a shorter one holds values.
LONG_TEXT = 40
_RANGED = (INT, FLOAT, DATE, TIMESTAMP)


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what was seen in it.

    Attributes:
        name: as in the corpus.
        type: its type.
        values: for a range the least and the greatest; for few distinct texts all of them, the commonest
            first; otherwise some.
        closed: whether ``values`` are all that was seen, so that a condition can name one of them.
        mean_length: characters of a text in the mean, else 0.
        seen: where texts are many and short, all that were seen, so that one that is said can be told.
    """

    name: str
    type: Type
    values: tuple[Any, ...] = ()
    closed: bool = False
    mean_length: float = 0.0
    seen: frozenset[str] = frozenset()

    @property
    def is_long(self) -> bool:
        """Whether this is a text to put questions to."""
        return self.type == TEXT and self.mean_length >= LONG_TEXT and not self.closed


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus as its planner knows it.

    Attributes:
        name: what people may call its rows.
        columns: those that a query can use.
        text: the column that model calls read.
        rows: some rows.
        unusable: columns that share their names, or whose names no query can write; the checker has to know of them.
    """

    name: str
    columns: tuple[Column, ...]
    text: str | None
    rows: tuple[dict[str, Any], ...] = ()
    unusable: tuple[Field, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """All columns as the checker wants them."""
        return (*(Field(column.name, column.type) for column in self.columns), *self.unusable)

    @property
    def shared(self) -> tuple[str, ...]:
        """The names that several columns have."""
        names = [field.name for field in self.unusable]
        return tuple(dict.fromkeys(name for name in names if names.count(name) > 1))

    def column(self, name: str) -> Column | None:
        """Return the column of that name."""
        return next((column for column in self.columns if column.name == name), None)


def look_at(source: TableSource, *, shown_rows: int = 2) -> Corpus:
    """Return what a sample of a corpus shows.

    Raises:
        DataError: it cannot be read.
    """
    fields = fields_from_schema(source.schema)
    names = [field.name for field in fields]
    # Back-ticks hold any name but an empty one and one of several lines.
    usable = [field for field in fields if names.count(field.name) == 1 and field.name and "\n" not in field.name]
    batch = sample(source, [field.name for field in usable], LOOKED_AT_ROWS)
    columns = tuple(_seen(field, normalise(batch.column(i))) for i, field in enumerate(usable))
    unusable = tuple(field for field in fields if field not in usable)
    return Corpus(_called(source.name), columns, _text_column(columns), _rows(batch, shown_rows), unusable)


def _called(name: str) -> str:
    """Return what people may call the rows of a file: game reviews, for ``data/game_reviews.csv``."""
    stems = [PurePath(part).stem for part in PurePath(name).parts]
    told = [stem for stem in stems if any(char.isalpha() for char in stem)]
    return re.sub(r"[_\W]+", " ", told[-1]).strip() if told else name


def _seen(field: Field, values: pa.Array) -> Column:
    present = [value for value in python_values(values) if value is not None]
    if not present or field.type == BOOL:
        return Column(field.name, field.type)
    if field.type in _RANGED:
        return Column(field.name, field.type, (min(present), max(present)))
    if field.type != TEXT:
        return Column(field.name, field.type)
    length = sum(map(len, present)) / len(present)
    counts = Counter(present)
    # Few values for many rows are categories; one value per row is only an example of what there is.
    closed = (
        len(counts) <= 2 * SHOWN_VALUES and length < LONG_TEXT and (len(counts) <= len(present) / 2 or len(counts) <= 3)
    )
    shown = [value for value, _ in counts.most_common(2 * SHOWN_VALUES if closed else 3)]
    seen = frozenset() if closed or length >= LONG_TEXT else frozenset(counts)
    return Column(field.name, field.type, tuple(shown), closed, length, seen)


def _text_column(columns: Sequence[Column]) -> str | None:
    texts = [column for column in columns if column.type == TEXT]
    named = [column for column in texts if column.name == "text"]
    if named or not texts:
        return named[0].name if named else None
    return max(texts, key=lambda column: column.mean_length).name


def _rows(batch: pa.RecordBatch, rows: int) -> tuple[dict[str, Any], ...]:
    shown = batch.slice(0, rows)
    columns = [python_values(column) for column in shown.columns]
    return tuple(dict(zip(shown.schema.names, row, strict=True)) for row in zip(*columns, strict=True))


def described(corpus: Corpus, *, columns: Sequence[str] | None = None) -> str:
    """Return the lines that tell a model about a corpus; ``columns`` narrows them."""
    lines = [
        _line(column, column.name == corpus.text)
        for column in corpus.columns
        if columns is None or column.name in columns or column.name == corpus.text
    ]
    return "\n".join(lines)


def _line(column: Column, is_text: bool) -> str:
    name = name_text(column.name)
    if is_text:
        return f"{name}: {column.type}, read by label and span"
    if not column.values:
        return f"{name}: {column.type}"
    shown = [shortened(value) for value in column.values[: SHOWN_VALUES if column.closed else 2]]
    between = " to " if column.type in _RANGED else ", "
    return f"{name}: {column.type}, {between.join(shown)}"


def shortened(value: Any, most: int = SHOWN_CHARACTERS) -> str:
    """Return a value on one line, as JSON, cut where it is long."""
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        line = " ".join(value.split())
        return json.dumps(line if len(line) <= most else line[: most - 1] + "…", ensure_ascii=False)
    return str(value)


def shown_rows(corpus: Corpus) -> str:
    """Return some rows, a line each, every value shortened."""
    return "\n".join(
        "{" + ", ".join(f"{name}: {shortened(value)}" for name, value in row.items() if value is not None) + "}"
        for row in corpus.rows
    )
