"""What a caller hands over: query files, parameters, columns, rows to look at before planning."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falconql.catalog import ParameterValue
from falconql.errors import DataError

if TYPE_CHECKING:
    from falconql.check.typed import TypedQuery
    from falconql.plan.stats import Stats
    from falconql.runtime.expression import Expr
    from falconql.runtime.io.base import TableSource


_HEAD_BYTES = 1 << 12
_KINDS = {
    "csv": "a CSV file",
    "tsv": "a TSV file",
    "jsonl": "a JSON Lines file",
    "json": "a JSON file",
    "parquet": "a Parquet file",
    "arrow": "an Arrow file",
}
# What a query in a text file begins with, after comments.
_FIRST_CLAUSE = re.compile(
    # A comment takes its whole line: what could be cut in many ways would be tried in all of them.
    rb"(?:\xef\xbb\xbf)?(?:\s|--[^\n]*(?:\n|$))*(?:(?:from|text|using|let|each|where|group|select|order|limit)\b|$)",
    re.IGNORECASE,
)


def read_query(path: Path) -> str:
    """Return the text of a query file.

    Raises:
        DataError: there is no such file, it cannot be read, it holds data, or it is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if (kind := _data_kind(path.name, head)) is not None:
                raise DataError(
                    f"{path} is {kind}, not a query", hint="give it with --from, and a query with -e or as a .fql file"
                )
            return decode_query(head + file.read(), str(path))
    except FileNotFoundError:
        raise DataError(f"there is no query file {path}", hint="`-e 'text'` takes a query as text") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, not a query file", hint="a corpus goes after --from") from None
    except OSError as error:
        raise DataError(f"cannot read the query file {path}: {error.strerror}") from error


def is_name_of_file(text: str) -> bool:
    """Return whether a text that was given as a query is the name of a file with one."""
    return text.lower().endswith(".fql") and "\n" not in text and "--" not in text


def _data_kind(name: str, head: bytes) -> str | None:
    """Return what a file is that holds data, by its ending or by how it begins; None for one that may be a query."""
    from falconql.runtime.io.formats import compression_of, foreign_content, format_of_content, format_of_name

    format_, compression = format_of_name(name)
    if compression is not None or compression_of(head) is not None:
        return "a compressed file"
    if format_ == "txt":
        return None if _FIRST_CLAUSE.match(head) else "a text file"
    # No query begins with a brace or a bracket.
    found = format_ or format_of_content(head)
    return foreign_content(head) if found is None else _KINDS[found]


def decode_query(data: bytes, name: str) -> str:
    """Return the text of a query, which must be UTF-8; a byte order mark is dropped.

    Raises:
        DataError: it is not UTF-8; the message names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name} is not UTF-8: byte 0x{data[error.start]:02x} in line {line}",
            hint="save the query as UTF-8 text",
        ) from error


def parameter_value(name: str, value: Any) -> ParameterValue:
    """Return a Python value as one that a query can use; dates become ISO 8601 texts.

    Raises:
        TypeError: it is of a type that queries do not know.
        DataError: it is a text that is not Unicode.
    """
    if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise DataError(f"parameter ${name}: {value!a} is not Unicode", hint="write it as UTF-8")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (dt.date, dt.datetime)):
        if value != value:  # pandas' NaT
            return None
        if isinstance(value, dt.datetime) and getattr(value, "nanosecond", False):
            # Points in time are known to the microsecond; those of pandas may be finer.
            return value.isoformat(timespec="microseconds")
        return value.isoformat()
    if callable(getattr(value, "item", None)) and not getattr(value, "ndim", 0):  # a NumPy scalar
        found = value.item()
        if isinstance(found, int) and value.dtype.kind == "M":
            found = value.astype("datetime64[us]").item()
        return parameter_value(name, found)
    raise TypeError(f"parameter ${name}: a {type(value).__name__} cannot stand in a query")


def way_to_a_table(data: Any) -> str | None:
    """Return how what could not be read becomes a table, None where it is not known."""
    if isinstance(data, (list, tuple)) and data and all(isinstance(row, Mapping) for row in data):
        return "make one of these rows: pyarrow.Table.from_pylist(rows)"
    if isinstance(data, (list, tuple)) and data and all(isinstance(path, os.PathLike) for path in data):
        return 'a pattern reads several files: "data/*.csv"'
    if type(data).__name__ == "LazyFrame":
        return "collect it: frame.collect()"
    if isinstance(data, (list, tuple)) or type(data).__name__.endswith(("Series", "Array", "array")):
        return 'name its column: {"text": texts}'
    return None


def arrow_table(columns: Mapping[Any, Any]) -> Any:
    """Return columns given as lists as an Arrow table.

    Raises:
        DataError: they have different lengths or mixed types, or one is a single text.
    """
    import pyarrow as pa

    for name, values in columns.items():
        if isinstance(values, (str, bytes)):
            raise DataError(f"the column {name!r} is one text", hint="a column is a list of values: [text]")
    made = []
    for name, values in columns.items():
        try:
            made += pa.table([values], names=[""]).columns
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"the column {name!r} cannot be read: {error}",
                hint="a column is a list of values of one type, None where there is none",
            ) from error
    # Names that are no texts may read alike; a table repeats them, and the check says so.
    names = [name if isinstance(name, (str, bytes)) else str(name) for name in columns]
    try:
        return pa.table(made, names=names)
    except pa.ArrowException as error:
        raise DataError(f"these columns do not make a table: {error}") from error


def stats_for(typed: TypedQuery, source: TableSource, *, told: bool = False) -> Stats:
    """Look at some rows where it can pay: model calls in a condition, and many more rows than are looked at.

    Before a language model is asked, and where somebody is told (``told``) how long a plan will take, it always pays:
    that depends on how long the texts are.
    """
    from falconql.plan.stats import Stats
    from falconql.runtime.expression import And, Or
    from falconql.runtime.io.stats import SAMPLED_ROWS, sample

    if typed.proxy.llm and typed.calls:
        return _llm_stats(typed, source)
    rows = source.rows
    few = rows is not None and rows < 2 * SAMPLED_ROWS
    if not typed.calls:
        return Stats(rows)
    if isinstance(typed.where, (And, Or)):
        # What is told is the plan that will run: with few rows nothing is known of them, there as here.
        return Stats(rows) if few else Stats(rows, sample(source, sorted(_columns((typed.where,), typed))))
    return Stats(rows, sample(source, sorted(_columns(_read(typed), typed)))) if told else Stats(rows)


def _read(typed: TypedQuery) -> tuple[Expr, ...]:
    """Return what is read of each row: the texts of the calls, and the condition."""
    return (*(call.text for call in typed.calls), *(() if typed.where is None else (typed.where,)))


def _columns(read: tuple[Expr, ...], typed: TypedQuery) -> frozenset[str]:
    from falconql.plan.logical import references

    return frozenset(references(read, typed.calls).columns)


def _llm_stats(typed: TypedQuery, source: TableSource) -> Stats:
    from falconql.annotating.annotator import Settings
    from falconql.annotating.prompt import OVERHEAD_TOKENS
    from falconql.plan.stats import LLM_SECONDS_PER_TOKEN, Stats
    from falconql.runtime.io.stats import sample

    looked_at = sample(source, sorted(_columns(_read(typed), typed)))
    return Stats(
        source.rows,
        looked_at,
        seconds_per_token=LLM_SECONDS_PER_TOKEN,
        special_tokens=OVERHEAD_TOKENS,
        chooses=True,
        count_requests=Settings.from_environment().windows_of,
    )
