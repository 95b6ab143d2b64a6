"""A query's result beside the rows that it should have: which rows came, and what stands in them."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from falconql.errors import ConfigError, DataError
from falconql.runtime.io.arrow import is_list
from falconql.specialise.measuring import outcomes
from falconql.specialise.questions import calls_of
from falconql.specialise.sampling import Estimate, estimate, share_of
from falconql.visible import in_one_line

if TYPE_CHECKING:
    from falconql.check.typed import TypedQuery

Key = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """Precision, recall and F1 with 95 % intervals."""

    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class ColumnQuality:
    """What stands in one column of the rows that are in both results.

    Attributes:
        name: of the column.
        rows: compared.
        measure: of the words of texts and spans; None for other values.
        accuracy: share of equal values.
    """

    name: str
    rows: int
    measure: Measure | None
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class ResultQuality:
    """Of a whole result.

    Attributes:
        keys: the columns that rows are told apart by.
        rows: which rows came.
        columns: what stands in them.
        missing, extra: keys of rows that are in one result only, some of them.
    """

    keys: tuple[str, ...]
    rows: Measure
    columns: tuple[ColumnQuality, ...]
    missing: tuple[Key, ...]
    extra: tuple[Key, ...]


SHOWN = 20
_SHOWN_CHARACTERS = 40
_OF_SPANS = {"text", "start", "end", "score"}


def compare_results(typed: TypedQuery, found: pa.Table, gold: pa.Table) -> ResultQuality:
    """Compare result rows with the right ones, told apart by the columns that no model makes.

    Raises:
        ConfigError: the two have no such column in common.
        DataError: a cell of the gold rows is no list where the result has one.
    """
    plain = [o.name for o in typed.outputs if not calls_of(typed, o.value)]
    if typed.grouping is not None:
        plain = [o.name for o in typed.outputs if "$agg" not in str(o.value)]
    keys = tuple(name for name in plain if name in gold.column_names)
    if not keys:
        raise ConfigError(
            f"nothing tells which rows belong together: the query gives {', '.join(found.column_names)}, "
            f"the gold rows have {', '.join(gold.column_names)}",
            hint="select a column that identifies a row, such as an id, and give it in the gold rows; answers to "
            "questions are rows of `text`, `instruction` and `answer`, the instruction as it is in the query",
        )
    lists = [field.name for field in found.schema if is_list(field.type) and field.name in gold.column_names]
    for name in keys:
        if name not in lists or _kind(gold.schema.field(name).type) != "text":
            _comparable(name, found.schema.field(name).type, gold.schema.field(name).type)
    here, there = _by_key(_rows(found, lists), keys), _by_key(_rows(gold, lists), keys)
    everywhere = sorted(here.keys() | there.keys(), key=repr)
    counts = np.array(
        [[min(len(here[k]), len(there[k])), len(here[k]), len(there[k])] for k in everywhere], dtype=np.float64
    ).reshape(-1, 3)
    shared = [name for name in found.column_names if name in gold.column_names and name not in keys]
    pairs = [pair for k in everywhere for pair in _paired(here[k], there[k], shared)]
    columns = [_column(name, [(a[name], b[name]) for a, b in pairs]) for name in shared if pairs]
    return ResultQuality(
        keys,
        _measure(counts),
        tuple(columns),
        tuple(k for k in everywhere if len(there[k]) > len(here[k]))[:SHOWN],
        tuple(k for k in everywhere if len(here[k]) > len(there[k]))[:SHOWN],
    )


def _comparable(name: str, found: pa.DataType, gold: pa.DataType) -> None:
    """Make sure that keys can be equal.

    Raises:
        ConfigError: the gold rows have another type of them.
    """
    here, there = _kind(found), _kind(gold)
    if here != there and "nothing" not in (here, there):
        raise ConfigError(
            f"`{name}` tells which rows belong together, and is {here} in the result but {there} in the gold rows",
            hint=f"give the gold rows' `{name}` as the query gives it",
        )


def _kind(type_: pa.DataType) -> str:
    if pa.types.is_null(type_):
        return "nothing"
    if pa.types.is_boolean(type_):
        return "true or false"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "a number"
    if is_list(type_):
        return "a list"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_dictionary(type_):
        return "text"
    return "a date or time" if pa.types.is_temporal(type_) else str(type_)


def _paired(
    here: Sequence[dict[str, Any]], there: Sequence[dict[str, Any]], names: Sequence[str]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the rows of one key in pairs: those that are alike, then the others in order; what is left is missing."""

    def values(row: dict[str, Any]) -> tuple[Hashable, ...]:
        return tuple(_plain(row[name]) for name in names)

    alike: defaultdict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    for place in reversed(range(len(there))):
        alike[values(there[place])].append(place)
    pairs, others, taken = [], [], set()
    for row in here:
        if places := alike[values(row)]:
            taken.add(places[-1])
            pairs.append((row, there[places.pop()]))
        else:
            others.append(row)
    left = (row for place, row in enumerate(there) if place not in taken)
    return [*pairs, *zip(others, left, strict=False)]


def _rows(table: pa.Table, lists: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows, with a list in each of these columns, which are text in CSV."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for number, row in enumerate(rows, 1):
        for name in lists:
            row[name] = _list(row[name], f"the gold rows, row {number}: `{name}`")
    return rows


def _list(cell: Any, place: str) -> list[Any]:
    """Return the list that a cell stands for; an empty one is one of nothing.

    Raises:
        DataError: it is no list.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return []
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            cell = json.loads(cell)
    if not isinstance(cell, list):
        raise DataError(
            f"{place} is a list in the result, and {in_one_line(str(cell))[:_SHOWN_CHARACTERS]!r} is none",
            hint='write it as FalconQL does, a list of texts: ["one", "another"]; [] or an empty cell for nothing',
        )
    return cell


def _by_key(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> defaultdict[Key, list[dict[str, Any]]]:
    found: defaultdict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        # The ids of two rows may differ in case alone.
        found[tuple(_plain(row[name], folded=False) for name in keys)].append(row)
    return found


def _column(name: str, pairs: Sequence[tuple[Any, Any]]) -> ColumnQuality:
    same = np.array([_plain(a) == _plain(b) for a, b in pairs])
    accuracy = share_of(same, np.ones(len(pairs)))
    if not any(isinstance(value, (str, list, dict)) for pair in pairs for value in pair):
        return ColumnQuality(name, len(pairs), None, accuracy)
    counts = []
    for found, wanted in pairs:
        here, there = Counter(_words(found)), Counter(_words(wanted))
        counts.append([(here & there).total(), here.total(), there.total()])
    return ColumnQuality(name, len(pairs), _measure(np.array(counts, dtype=np.float64)), accuracy)


def _measure(counts: np.ndarray[Any, np.dtype[np.float64]]) -> Measure:
    """Return the measures of right, found and wanted [rows, 3]."""

    def of(first: float, second: float) -> Estimate:
        def statistic(sums: np.ndarray[Any, Any]) -> float:
            right, found, wanted = sums
            total = first * found + second * wanted
            return float(right / total) if total else float(found == wanted)

        each = np.ones(len(counts))
        return estimate(statistic, counts, each, np.zeros(len(counts), dtype=np.int64), unseen=outcomes(counts))

    return Measure(of(1, 0), of(0, 1), of(0.5, 0.5))


def _words(value: Any) -> list[str]:
    """Return the words of a text, a span, or several."""
    if value is None:
        return []
    if isinstance(value, list):
        return [word for item in value for word in _words(item)]
    text = value.get("text", "") if isinstance(value, dict) else str(value)
    return str(text).casefold().split()


def _plain(value: Any, *, folded: bool = True) -> Hashable:
    """Return a value that can be compared: spans by their text, white space aside, and case if ``folded``; NaN as null.

    CSV and JSON have the same for both.
    """
    if isinstance(value, dict):
        if "text" in value and value.keys() <= _OF_SPANS:
            return _plain(value["text"], folded=folded)
        return tuple((name, _plain(item, folded=folded)) for name, item in sorted(value.items()))
    if isinstance(value, list):
        return tuple(_plain(item, folded=folded) for item in value)
    if isinstance(value, str):
        return " ".join((value.casefold() if folded else value).split())
    if isinstance(value, float) and math.isnan(value):
        return None
    return value  # type: ignore[no-any-return]
