"""Columns in the names of folders: ``year=2024/lang=en/part-0.parquet``, as Hive, Spark and DuckDB write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

import pyarrow as pa

from falconql.runtime.io.infer import ARROW, Kind, convert, widen
from falconql.runtime.io.inputs import name_as_text
from falconql.runtime.io.pruning import Range

NULL_NAME = "__HIVE_DEFAULT_PARTITION__"
# The text that is spelled like the name for null. It is null for whoever decodes first and compares then (pyarrow).
_NULL_NAME_AS_TEXT = f"%5F{NULL_NAME[1:]}"
# What names of folders can hold everywhere; spaces, slashes and the rest are written as %20.
_PLAIN = "-_.~!()@,+"


def partition_columns(paths: Sequence[str], base: str) -> dict[str, pa.Array]:
    """Return what the folders between ``base`` and each file say, as columns with one value per file.

    Empty unless all files lie in folders for the same columns. Types are found as in CSV.
    """
    found = [list(_pairs(name_as_text(path.removeprefix(base)))) for path in paths]
    names = [name for name, _ in found[0]] if found else []
    if not names or len(set(names)) < len(names) or any([name for name, _ in pairs] != names for pairs in found):
        return {}
    columns = {}
    for i, name in enumerate(names):
        texts = pa.array([None if pairs[i][1] == NULL_NAME else unquote(pairs[i][1]) for pairs in found], pa.string())
        kind = widen(Kind.NULL, texts)
        values = convert(texts, kind) if kind is not Kind.NULL else texts
        assert values is not None, "`widen` returns what all values read as"
        columns[name] = values.cast(ARROW[kind])
    return columns


def folder_of(names: Sequence[str], values: Sequence[str | None]) -> str:
    """Return the folder for some values, as ``partition_columns`` reads it."""
    return "/".join(f"{quote(name, safe=_PLAIN)}={_name_of(value)}" for name, value in zip(names, values, strict=True))


def range_of(value: pa.Scalar) -> Range:
    """Return the range of a column that has one value throughout a file."""
    known = value.as_py()
    bounds = None if known is None else (known, known)
    return Range.of(value.type, bounds, nulls=int(known is None), rows=1)


def _name_of(value: str | None) -> str:
    if value is None:
        return NULL_NAME
    return _NULL_NAME_AS_TEXT if value == NULL_NAME else quote(value, safe=_PLAIN)


def _pairs(path: str) -> Iterator[tuple[str, str]]:
    for part in path.replace("\\", "/").split("/")[:-1]:
        name, equals, value = part.partition("=")
        if equals and name:
            yield unquote(name), value
