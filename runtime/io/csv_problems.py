"""Where a delimited file is broken: slow second looks, made only after something went wrong."""

from __future__ import annotations

import csv
from itertools import chain

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.io.dialect import Dialect, closed_by_another, records
from falconql.runtime.io.infer import WORDS, Kind
from falconql.runtime.io.inputs import STDIN, InputFile
from falconql.runtime.io.utf8 import decoded_lines

_BLOCK_BYTES = 1 << 20
_END = "\N{END OF TEXT}"
_SHOWN_CHARACTERS = 60


def explain(file: InputFile, dialect: Dialect, error: pa.ArrowInvalid) -> DataError:
    """Return the error for what Arrow could not parse."""
    try:
        problem = wrong_width(file, dialect)
    except DataError as found:
        return found
    except csv.Error:
        problem = None
    if problem is not None:
        return problem
    if "straddl" in str(error):
        return DataError(f"{file.name} has a row of more than a gigabyte", hint="perhaps a quote is never closed")
    return DataError(f"cannot read {file.name}: {error}")


def wrong_width(file: InputFile, dialect: Dialect) -> DataError | None:
    """Return the error for the first row that has more or fewer fields than the header."""
    expected = len(dialect.names)
    for line, record in records(chain(decoded_lines(file, returns=True), ("\n", _END)), dialect):
        if record == [_END]:
            break
        if record[-1].endswith("\n" + _END):
            return _never_closed(file, line)
        if len(record) != expected:
            fields = f"{len(record)} field{'s' if len(record) != 1 else ''}"
            hint = f"put quotes around a text that contains {_spoken(dialect.delimiter)}, or complete the row"
            if any("\n" in field for field in record):
                hint += "; it goes on over several lines: is a quote in it never closed?"
            elif file.name == STDIN:
                hint += "; if it is no table but text, save it in a file that ends in .txt"
            return DataError(f"{file.name}, line {line}: {fields} where the header has {expected}", hint=hint)
    return None


def check_quotes(file: InputFile, dialect: Dialect) -> None:
    """Refuse a file that ends inside a quoted field: Arrow takes the rest of the file for its text.

    Raises:
        DataError: a quote is not closed; the message names the line in which its row begins.
    """
    if _quotes(file) % 2 == 0:
        return
    # Stray quotes inside fields are harmless, so an odd number of them alone proves nothing: a line
    # added at the end must come out as a record of its own.
    several, last = False, (0, [""])
    for last in records(chain(decoded_lines(file, returns=True), ("\n", _END)), dialect):
        several = several or any("\n" in field for field in last[1])
    if last[1] != [_END]:
        raise _never_closed(file, last[0])
    if several and (line := closed_by_another(decoded_lines(file, returns=True), dialect)) is not None:
        raise _never_closed(file, line)


def _never_closed(file: InputFile, line: int) -> DataError:
    return DataError(
        f"{file.name}, line {line}: a quote in the row that begins here is never closed",
        hint='a quote inside a quoted text is written twice: ""',
    )


def _quotes(file: InputFile) -> int:
    count = 0
    with file.open() as stream:
        while block := stream.read(_BLOCK_BYTES):
            count += block.count(b'"')
    return count


def explain_misfit(file: InputFile, dialect: Dialect, column: int, row: int, value: str, kind: Kind) -> DataError:
    """Return the error for a value that does not fit the type its column has in the part looked at first."""
    name = dialect.names[column]
    found = records(decoded_lines(file, returns=True), dialect)
    line = next((line for i, (line, _) in enumerate(found) if i == row + 1), 0)
    return DataError(
        f"{file.name}, line {line}: `{shown(value)}` in column `{name}` is not {WORDS[kind]}, as all before it are",
        hint="correct the value, or save the corpus as Parquet, which knows the types of its columns",
    )


def shown(value: str) -> str:
    """Return a value for a message, cut if long."""
    return value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"


def _spoken(delimiter: str) -> str:
    return {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}.get(delimiter, f"`{delimiter}`")
