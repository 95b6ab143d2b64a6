"""Comma-separated and tab-separated files as a corpus.

Everything is read as text and converted here, so that the types found on opening and the values
read later follow one rule (``infer``). Up to ``look_bytes`` are read on opening; what comes after
must fit what was found before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.columns import batch_of, cut, positions
from falconql.runtime.io.csv_problems import check_quotes, explain, explain_misfit
from falconql.runtime.io.dialect import Dialect, look
from falconql.runtime.io.infer import ARROW, Kind, blank_to_null, convert, join, misfit, widen
from falconql.runtime.io.inputs import HEAD_BYTES, InputFile

LOOK_BYTES = 128 << 20
_BLOCK_BYTES = 4 << 20
_MOST_BLOCK_BYTES = 1 << 30
_MOST_HEADER_BYTES = 64 << 20


class CsvSource:
    """A delimited file with a header line.

    ``undecided`` are the columns without any value, not even an empty text in quotes. In a table of one column
    such a text is no value: a null cannot be written otherwise.

    Args:
        file: what to read.
        delimiter: None to find it out from the first lines.
        look_bytes: how much to read at most, on opening, to find the types.

    Raises:
        DataError: the file is empty, is no UTF-8 text, or a row has the wrong number of fields.
    """

    def __init__(self, file: InputFile, *, delimiter: str | None = None, look_bytes: int = LOOK_BYTES) -> None:
        self.file = file
        self.name = file.name
        self.dialect, self._small = _looked(file, delimiter)
        if self.dialect.header_only:
            check_quotes(file, self.dialect)
        self._block_bytes = _BLOCK_BYTES
        self._quotes_checked = False
        self.rows: int | None = None
        self._single = len(self.dialect.names) == 1
        self._filled = [False] * len(self.dialect.names)
        self._set_kinds(self._look(look_bytes))

    @property
    def kinds_by_name(self) -> dict[str, Kind]:
        """What is known of each column, by its name."""
        return dict(zip(self.dialect.names, self.kinds, strict=True))

    def widen(self, kinds: Mapping[str, Kind]) -> None:
        """Take into account what other files hold that are read as one with this."""
        self._set_kinds(
            [join(kind, kinds.get(name, kind)) for name, kind in zip(self.dialect.names, self.kinds, strict=True)]
        )

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        wanted = positions(self.schema, columns, self.name)
        row = 0
        for batch in self._texts(wanted or [len(self.dialect.names) - 1]):
            arrays = [self._converted(batch, i, at, row) for i, at in enumerate(wanted)]
            yield from cut(batch_of(arrays, columns, batch.num_rows), batch_rows)
            row += batch.num_rows

    def _converted(self, batch: pa.RecordBatch, i: int, column: int, row: int) -> pa.Array:
        values, kind = batch.column(i), self.kinds[column]
        found = convert(blank_to_null(values) if self._single and kind is Kind.NULL else values, kind)
        if found is None:
            at = misfit(values, kind)
            raise explain_misfit(self.file, self.dialect, column, row + at, values[at].as_py(), kind)
        return found

    def _set_kinds(self, kinds: list[Kind]) -> None:
        self.kinds = kinds
        columns = zip(self.dialect.names, kinds, self._filled, strict=True)
        self.undecided = frozenset(name for name, kind, filled in columns if kind is Kind.NULL and not filled)
        self.schema: pa.Schema = pa.schema(
            [(name, ARROW[kind]) for name, kind in zip(self.dialect.names, self.kinds, strict=True)]
        )

    def _look(self, look_bytes: int) -> list[Kind]:
        """Return the kinds of all columns; know the number of rows if the whole file was seen."""
        kinds = [Kind.NULL] * len(self.dialect.names)
        rows = seen_bytes = 0
        for batch in self._texts(range(len(kinds))):
            kinds = [widen(kind, batch.column(i)) for i, kind in enumerate(kinds)]
            for i, column in enumerate(batch.columns):
                self._filled[i] |= column.null_count < len(column) and not self._single
            rows += batch.num_rows
            seen_bytes += batch.nbytes
            if seen_bytes > look_bytes:
                # What is not read yet may hold anything.
                return [Kind.TEXT if kind is Kind.NULL else kind for kind in kinds]
        self.rows = rows
        return kinds

    def _texts(self, columns: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """Yield batches of these columns as text; empty fields without quotes are null."""
        if self.dialect.header_only:
            return
        done = 0
        while True:
            try:
                for batch in self._once(columns):
                    skip = min(done, batch.num_rows)
                    done -= skip
                    if skip < batch.num_rows:
                        yield batch.slice(skip)
                return
            except _RowTooLong as problem:
                # A row must fit into a block: begin again with larger ones, past the rows handed out.
                done = problem.rows
                self._block_bytes *= 8

    def _once(self, columns: Sequence[int]) -> Iterator[pa.RecordBatch]:
        # A quote that is never closed shows in the last column, if it does not change the width of its row.
        end = len(self.dialect.names) - 1
        read = columns if self._quotes_checked or end in columns else [*columns, end]
        rows, last = 0, None
        try:
            with closing(self.file.read_by(lambda stream: self._reader(stream, read))) as batches:
                for batch in batches:
                    yield batch.select(range(len(columns)))
                    rows += batch.num_rows
                    last = batch if batch.num_rows else last
        except pa.ArrowInvalid as error:
            if "straddl" in str(error) and self._block_bytes < _MOST_BLOCK_BYTES:
                raise _RowTooLong(rows) from None
            raise explain(self.file, self.dialect, error) from error
        if last is None or self._quotes_checked:
            return
        if self._small or _ends_in_many_lines(last.column(read.index(end))) or not self.file.ends_a_line():
            check_quotes(self.file, self.dialect)
        self._quotes_checked = True

    def _reader(self, stream: Any, columns: Sequence[int]) -> Any:
        import pyarrow.csv as arrow_csv

        names = [f"f{i}" for i in columns]
        return arrow_csv.open_csv(
            stream,
            # Made-up names, because those of the header may repeat.
            read_options=arrow_csv.ReadOptions(
                autogenerate_column_names=True,
                skip_rows=self.dialect.lines_before,
                skip_rows_after_names=1,
                block_size=self._block_bytes,
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=self.dialect.delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                include_columns=names,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )


def _looked(file: InputFile, delimiter: str | None) -> tuple[Dialect, bool]:
    """Return what the beginning of a file tells, as much of it as the header needs, and whether that is all of it."""
    size = HEAD_BYTES
    while True:
        head = file.head(size)
        whole = len(head) < size
        dialect = look(head, whole=whole, name=file.name, delimiter=delimiter)
        if not dialect.cut:
            return dialect, whole
        if size >= _MOST_HEADER_BYTES:
            raise DataError(
                f"{file.name} has a header of more than {_MOST_HEADER_BYTES >> 20} MB",
                hint="perhaps a quote in it is never closed",
            )
        size *= 2


def _ends_in_many_lines(column: pa.Array) -> bool:
    """Return whether the last value looks like a quote that swallowed the rest of the file."""
    last = column[-1].as_py()
    return last is not None and ("\n" in last or "\r" in last)


class _RowTooLong(Exception):
    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows
