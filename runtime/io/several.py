"""Several files as one corpus: their rows one after the other, their columns together."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.base import TableSource
from falconql.runtime.io.columns import batch_of, positions
from falconql.runtime.io.csv import CsvSource


class SeveralFiles:
    """Files of like columns. One that a file lacks is null there; a type widens to hold all files.

    Raises:
        DataError: a column has types with nothing in common.
    """

    def __init__(self, sources: Sequence[TableSource], name: str) -> None:
        self.sources = list(sources)
        self.name = name
        self._widen_texts()
        self.schema = self._together()
        rows = [source.rows for source in self.sources]
        self.rows: int | None = None if None in rows else sum(row or 0 for row in rows)

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        fields = [self.schema.field(i) for i in positions(self.schema, columns, self.name)]
        for source in self.sources:
            known = set(source.schema.names) - _undecided(source)
            present = [field.name for field in fields if field.name in known]
            passed = self.filter_for(source, columns, filter)
            for batch in source.batches(present, passed, batch_rows=batch_rows):
                arrays = [
                    batch.column(present.index(field.name)).cast(field.type)
                    if field.name in known
                    else pa.nulls(batch.num_rows, field.type)
                    for field in fields
                ]
                yield batch_of(arrays, columns, batch.num_rows)

    def filter_for(self, source: TableSource, columns: Sequence[str], filter: Expr | None) -> Expr | None:
        """Return the filter one of the files is read with: on a column that is not there it has nothing to judge by."""
        known = set(source.schema.names) - _undecided(source)
        return filter if known.issuperset(columns) else None

    def part(self, sources: Sequence[TableSource]) -> SeveralFiles:
        """Return some of the files as a corpus of its own, with the columns and types of all."""
        found = copy.copy(self)
        found.sources = list(sources)
        rows = [source.rows for source in sources]
        found.rows = None if None in rows else sum(row or 0 for row in rows)
        return found

    def _widen_texts(self) -> None:
        """Let delimited files agree: a column of numbers here and of words there is text in both."""
        texts = [source for source in self.sources if isinstance(source, CsvSource)]
        for source in texts:
            texts[0].widen(source)
        for source in texts[1:]:
            source.widen(texts[0])

    def _together(self) -> pa.Schema:
        schema = _decided(self.sources[0])
        for source in self.sources[1:]:
            if source.schema.equals(schema):
                continue
            for names, where in ((schema.names, self.name), (source.schema.names, source.name)):
                if len(set(names)) < len(names):
                    raise DataError(
                        f"{where} has columns of the same name, so the files cannot be put together",
                        hint="rename them, so that each name occurs once",
                    )
            schema = self._unified(schema, source)
        return pa.schema([field.with_type(pa.string()) if field.type == pa.null() else field for field in schema])

    def _unified(self, schema: pa.Schema, source: TableSource) -> pa.Schema:
        fields = {field.name: field for field in schema}
        for field in _decided(source):
            before = fields.get(field.name, field)
            try:
                both = pa.unify_schemas([pa.schema([before]), pa.schema([field])], promote_options="permissive")
            except (pa.ArrowInvalid, pa.ArrowTypeError):
                raise DataError(
                    f"{source.name}: the column `{field.name}` is {field.type}, and {before.type} in the files before",
                    hint="give the column one type in all files",
                ) from None
            fields[field.name] = both.field(0)
        return pa.schema(list(fields.values()))


def _undecided(source: TableSource) -> frozenset[str]:
    """Return the columns that are text only because they hold nothing."""
    return getattr(source, "undecided", frozenset())


def _decided(source: TableSource) -> pa.Schema:
    undecided = _undecided(source)
    return pa.schema([field.with_type(pa.null()) if field.name in undecided else field for field in source.schema])
