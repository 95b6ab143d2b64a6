"""Several files as one corpus: their rows one after the other, their columns together."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.arrow import own_type
from falconql.runtime.io.base import TableSource
from falconql.runtime.io.columns import batch_of, positions
from falconql.runtime.io.csv import CsvSource
from falconql.runtime.io.infer import Kind, join
from falconql.runtime.io.json import JsonField, JsonSource
from falconql.runtime.io.partitions import range_of
from falconql.runtime.io.pruning import Range, may_be_true
from falconql.runtime.normalise import normalise


class SeveralFiles:
    """Files of like columns. One that a file lacks is null there; a type widens to hold all files.

    Args:
        sources: the files.
        name: of all together.
        partitions: columns that the names of folders give, one value per file; they come last, and in the place
            of columns of their name. Files whose values rule a filter out are not read.

    Raises:
        DataError: a column has types with nothing in common.
    """

    def __init__(
        self, sources: Sequence[TableSource], name: str, partitions: Mapping[str, pa.Array] | None = None
    ) -> None:
        self.sources = list(sources)
        self.name = name
        self.partitions = dict(partitions or {})
        self._widen_texts()
        held = [field for field in self._together() if field.name not in self.partitions]
        self.schema = pa.schema([*held, *(pa.field(name, values.type) for name, values in self.partitions.items())])
        rows = [source.rows for source in self.sources]
        self.rows: int | None = None if None in rows else sum(row or 0 for row in rows)

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        fields = [self.schema.field(i) for i in positions(self.schema, columns, self.name)]
        for number, source in enumerate(self.sources):
            if not self.is_read(number, filter):
                continue
            known = set(source.schema.names) - _undecided(source) - set(self.partitions)
            present = [field.name for field in fields if field.name in known]
            passed = self.filter_for(source, columns, filter)
            for batch in source.batches(present, passed, batch_rows=batch_rows):
                arrays = [
                    _cast(batch.column(present.index(field.name)), field, source.name)
                    if field.name in known
                    else self._constant(number, field, batch.num_rows)
                    for field in fields
                ]
                yield batch_of(arrays, columns, batch.num_rows)

    def filter_for(self, source: TableSource, columns: Sequence[str], filter: Expr | None) -> Expr | None:
        """Return the filter one of the files is read with: on a column that is not there it has nothing to judge by."""
        known = set(source.schema.names) - _undecided(source)
        held = set(columns) - self.partitions.keys()
        return filter if known.issuperset(held) and not self._shadowed(source) else None

    def is_read(self, number: int, filter: Expr | None) -> bool:
        """Return whether the rows of a file can pass a filter, by the values of its partition."""
        return filter is None or may_be_true(filter, self._ranges(number))

    def part(self, sources: Sequence[TableSource], numbers: Sequence[int]) -> SeveralFiles:
        """Return some files, or parts of them, as a corpus of its own, with the columns and types of all.

        Args:
            sources: the files, or parts of them.
            numbers: which of these files each of them is or belongs to.
        """
        found = copy.copy(self)
        found.sources = list(sources)
        found.partitions = {
            name: values.take(pa.array(numbers, pa.int64())) for name, values in self.partitions.items()
        }
        rows = [source.rows for source in sources]
        found.rows = None if None in rows else sum(row or 0 for row in rows)
        return found

    def joined(self, parts: Sequence[SeveralFiles]) -> SeveralFiles:
        """Return parts of this corpus, which have sources of their own, as one."""
        found = self.part([source for part in parts for source in part.sources], [])
        found.partitions = {
            name: pa.concat_arrays([part.partitions[name] for part in parts]) for name in self.partitions
        }
        return found

    def _constant(self, number: int, field: pa.Field, rows: int) -> pa.Array:
        values = self.partitions.get(field.name)
        return pa.nulls(rows, field.type) if values is None else pa.repeat(values[number], rows)

    def _ranges(self, number: int) -> dict[str, Range]:
        return {name: range_of(values[number]) for name, values in self.partitions.items()}

    def _shadowed(self, source: TableSource) -> bool:
        """Return whether a file has a column of a partition's name, whose statistics say something else."""
        return bool(self.partitions.keys() & set(source.schema.names))

    def _widen_texts(self) -> None:
        """Let files agree whose types are guessed: a column of numbers here and of words there is text in both."""
        # Of all files together, whichever of them lack a column.
        tables = [source for source in self.sources if isinstance(source, CsvSource)]
        kinds: dict[str, Kind] = {}
        for table in tables:
            kinds |= {name: join(kinds.get(name, kind), kind) for name, kind in table.kinds_by_name.items()}
        for table in tables:
            table.widen(kinds)
        objects = [source for source in self.sources if isinstance(source, JsonSource)]
        fields: dict[str, JsonField] = {}
        for each in objects:
            fields |= {name: fields.get(name, field).joined(field) for name, field in each.fields.items()}
        for each in objects:
            each.widen(fields)

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
            if field.type == before.type:
                fields[field.name] = before
                continue
            pair = [pa.schema([each.with_type(own_type(each.type))]) for each in (before, field)]
            try:
                both = pa.unify_schemas(pair, promote_options="permissive")
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


def _cast(values: pa.Array, field: pa.Field, name: str) -> pa.Array:
    if values.type == field.type:
        return values
    try:
        own = normalise(values)
        return own if own.type == field.type else own.cast(field.type, safe=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"{name}: the column `{field.name}` is {values.type}, and cannot be read as {field.type} like other files: "
            f"{error}",
            hint="give the column one type in all files",
        ) from error
