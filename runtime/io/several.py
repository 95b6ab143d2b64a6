"""Several files as one corpus: their rows one after the other, their columns together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.base import TableSource
from falconql.runtime.io.csv import unique_position


class SeveralFiles:
    """Files of like schema. A column that a file lacks is null there; numbers widen to hold all files."""

    def __init__(self, sources: Sequence[TableSource], name: str) -> None:
        self.sources = list(sources)
        self.name = name
        self.schema = self._together()
        rows = [source.rows for source in self.sources]
        self.rows = None if None in rows else sum(row for row in rows if row is not None)

    def _together(self) -> pa.Schema:
        schema = self.sources[0].schema.remove_metadata()
        for source in self.sources[1:]:
            try:
                schema = pa.unify_schemas([schema, source.schema.remove_metadata()], promote_options="permissive")
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                raise self._conflict(schema, source) from error
        return schema

    def _conflict(self, schema: pa.Schema, source: TableSource) -> DataError:
        for field in source.schema:
            known = schema.get_all_field_indices(field.name)
            if len(known) != 1:
                continue
            try:
                before = schema.field(known[0])
                pa.unify_schemas([pa.schema([before]), pa.schema([field])], promote_options="permissive")
            except (pa.ArrowInvalid, pa.ArrowTypeError):
                message = (
                    f"{source.name}: the column `{field.name}` is {field.type}, and {before.type} in the files before"
                )
                return DataError(message, hint="give the column one type in all files")
        return DataError(f"{source.name}: its columns do not fit those of the files before")

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        fields = [self.schema.field(unique_position(self.schema, name, self.name)) for name in columns]
        for source in self.sources:
            present = [field.name for field in fields if field.name in source.schema.names]
            for batch in source.batches(
                present, filter if len(present) == len(fields) else None, batch_rows=batch_rows
            ):
                if not columns:
                    yield batch
                    continue
                arrays = [
                    batch.column(f.name).cast(f.type) if f.name in present else pa.nulls(batch.num_rows, f.type)
                    for f in fields
                ]
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
