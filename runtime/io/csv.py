"""CSV and its relatives: the delimiter is found in the first line, types in the whole file.

Arrow's streaming reader fixes types from its first block and fails far into the file when a later
value does not fit. So a first pass looks at every value (of the first ``INFERENCE_BYTES``) and
finds the narrowest type that holds for all: Bool, Int, Float, Date, Timestamp, Text. Digits with a
leading zero (007, phone numbers) stay Text. An empty field without quotes is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.opening import invalid_utf8, open_bytes, unreadable

INFERENCE_BYTES = 64 << 20
BLOCK_BYTES = 1 << 20
LARGEST_ROW_BYTES = 256 << 20
_LEADING_ZERO = r"^[+-]?0[0-9]"
_CANDIDATES = (pa.bool_(), pa.int64(), pa.float64(), pa.date32(), pa.timestamp("us"))


class CsvSource:
    """One CSV file."""

    def __init__(self, path: Path, delimiter: str | None = None, name: str | None = None) -> None:
        self.path = path
        self.name = name or str(path)
        header = self._first_line()
        self.delimiter = delimiter or find_delimiter(header)
        self.block_bytes = BLOCK_BYTES
        names = self._names()
        types, self.rows = self._infer(len(names))
        self.schema = pa.schema([pa.field(n, t) for n, t in zip(names, types, strict=True)])

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        positions = [unique_position(self.schema, name, self.name) for name in columns]
        internal = [str(position) for position in positions]
        # A reader told to include no column includes all, so that rows are counted by one column.
        include = internal or ["0"]
        types = {number: self.schema.field(int(number)).type for number in include}
        options = self._convert(types, include)
        for batch in self._read(options, len(self.schema)):
            if not columns:
                batch = pa.RecordBatch.from_struct_array(pa.array([{}] * batch.num_rows, type=pa.struct([])))
            else:
                batch = pa.RecordBatch.from_arrays(batch.columns, names=list(columns))
            yield from cut(batch, batch_rows)

    def _convert(self, types: dict[str, pa.DataType], include: list[str]) -> Any:
        return pa_csv.ConvertOptions(
            column_types=types,
            include_columns=include,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
        )

    def _first_line(self) -> bytes:
        with open_bytes(self.path) as stream:
            data: bytes = stream.read(1 << 16)
        if not data.strip():
            raise DataError(f"{self.name} is empty", hint="a CSV file begins with a line of column names")
        return data.removeprefix(b"\xef\xbb\xbf")

    def _names(self) -> list[str]:
        """Return the column names; those of empty headers are ``column1`` and so on."""
        with open_bytes(self.path) as stream:
            first = _head(stream)
        try:
            options = pa_csv.ReadOptions(autogenerate_column_names=True)
            table = pa_csv.read_csv(
                pa.BufferReader(first), read_options=options, parse_options=self._parse(), convert_options=_as_text()
            )
        except pa.ArrowInvalid as error:
            raise self._explained(error) from error
        names = [str(column[0].as_py() or "").strip() for column in table.columns]
        return [name or f"column{position}" for position, name in enumerate(names, 1)]

    def _parse(self, problems: list[Any] | None = None) -> Any:
        def refuse(row: Any) -> str:
            if problems is not None:
                problems.append(row)
            return "error"

        return pa_csv.ParseOptions(
            delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=refuse, ignore_empty_lines=True
        )

    def _infer(self, width: int) -> tuple[list[pa.DataType], int | None]:
        """Return the type of each column, and the rows if the whole file was looked at."""
        finders = [_TypeFinder() for _ in range(width)]
        rows = size = 0
        for batch in self._read(_as_text([str(i) for i in range(width)]), width):
            rows += batch.num_rows
            size += batch.nbytes
            for finder, column in zip(finders, batch.columns, strict=True):
                finder.look_at(column)
            if size > INFERENCE_BYTES:
                return [finder.type for finder in finders], None
        return [finder.type for finder in finders], rows

    def _read(self, convert: Any, width: int) -> Iterator[pa.RecordBatch]:
        while True:
            problems: list[Any] = []
            options = pa_csv.ReadOptions(
                column_names=[str(i) for i in range(width)], skip_rows=1, block_size=self.block_bytes, use_threads=False
            )
            started = False
            try:
                with open_bytes(self.path) as stream:
                    reader = pa_csv.open_csv(
                        stream, read_options=options, parse_options=self._parse(problems), convert_options=convert
                    )
                    for batch in reader:
                        started = True
                        yield batch
                return
            except pa.ArrowInvalid as error:
                if "straddling" in str(error) and not started and self.block_bytes < LARGEST_ROW_BYTES:
                    self.block_bytes *= 8
                    continue
                if "Empty CSV" in str(error):
                    return
                raise self._explained(error, problems) from error
            except OSError as error:
                raise unreadable(self.path, error) from error

    def _explained(self, error: Exception, problems: Sequence[Any] = ()) -> DataError:
        text = str(error)
        if "UTF8" in text or "utf8" in text.lower():
            return invalid_utf8(self.path) or DataError(f"{self.name} is not UTF-8")
        if problems:
            row = problems[-1]
            line = self._line_of(row)
            message = f"{self.name}: {line} has {row.actual_columns} fields where the header has {row.expected_columns}"
            return DataError(message, hint="a field that holds the delimiter or a line break must be in double quotes")
        if "straddling" in text:
            return DataError(
                f"{self.name}: a row is longer than {LARGEST_ROW_BYTES >> 20} MB", hint="is a quote never closed?"
            )
        return DataError(
            f"{self.name}: {_first_sentence(text)}",
            hint="save it as Parquet, or give the column a text value early in the file",
        )

    def _line_of(self, row: Any) -> str:
        """Return where a broken row is, as people count lines."""
        start = row.text.encode("utf-8", "surrogatepass")[:200]
        line = 1
        with open_bytes(self.path) as stream:
            data: bytes = stream.read(INFERENCE_BYTES)
        found = data.find(b"\n" + start)
        if found >= 0:
            line = data.count(b"\n", 0, found) + 2
            return f"line {line}"
        return f"row {row.number}" if row.number else "a row"


def find_delimiter(head: bytes) -> str:
    """Return the sign that separates the fields of the first line: comma, semicolon, tab or bar."""
    line, quoted = [], False
    for char in head.decode("utf-8", "replace"):
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "\r\n":
            break
        elif not quoted:
            line.append(char)
    counts = {sign: line.count(sign) for sign in ",;\t|"}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else ","


def _head(stream: Any) -> bytes:
    """Return the first record of a CSV stream, quoted line breaks included."""
    data: bytes = b""
    while block := stream.read(1 << 16):
        data += block
        quoted = False
        for position, byte in enumerate(data):
            if byte == 0x22:
                quoted = not quoted
            elif byte in b"\r\n" and not quoted and data[:position].strip():
                return data[: position + 1]
        if len(data) > 16 << 20:
            break
    return data + b"\n"


def _as_text(names: list[str] | None = None) -> Any:
    types = (
        {name: pa.string() for name in names} if names is not None else {f"f{i}": pa.string() for i in range(10_000)}
    )
    return pa_csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )


class _TypeFinder:
    """Finds the narrowest type that every value of a column fits."""

    def __init__(self) -> None:
        self.candidates = list(_CANDIDATES)
        self.seen = False

    @property
    def type(self) -> pa.DataType:
        return self.candidates[0] if self.candidates and self.seen else pa.string()

    def look_at(self, column: pa.Array) -> None:
        if column.null_count == len(column):
            return
        self.seen = True
        if pc.any(pc.match_substring_regex(column, _LEADING_ZERO)).as_py():
            self.candidates = [c for c in self.candidates if pa.types.is_temporal(c)]
        self.candidates = [candidate for candidate in self.candidates if _fits(column, candidate)]


def _fits(column: pa.Array, type_: pa.DataType) -> bool:
    """Return whether Arrow's CSV reader would take every value of a column as ``type_``."""
    if pa.types.is_boolean(type_):
        words = pa.array(["true", "True", "TRUE", "false", "False", "FALSE"])
        return bool(pc.all(pc.is_in(column.drop_null(), value_set=words)).as_py())
    # The cast takes "nan" and "inf", which in a table of texts are words.
    if pa.types.is_floating(type_) and pc.any(pc.match_substring_regex(column, r"[A-DF-Za-df-z]")).as_py():
        return False
    try:
        column.cast(type_)
    except pa.ArrowInvalid:
        return False
    return True


def unique_position(schema: pa.Schema, name: str, source: str) -> int:
    """Return where a column stands.

    Raises:
        DataError: there is none of that name, or more than one.
    """
    found = schema.get_all_field_indices(name)
    if len(found) == 1:
        return int(found[0])
    if not found:
        raise DataError(f"{source} has no column `{name}`")
    raise DataError(
        f"{source} has {len(found)} columns called `{name}`", hint="rename them, so that each name occurs once"
    )


def cut(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a batch in pieces of at most ``rows`` rows."""
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _first_sentence(text: str) -> str:
    return text.splitlines()[0][:300]
