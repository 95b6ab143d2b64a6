"""JSON objects as a corpus, one per line or all in one array.

A file is cut into blocks at line ends. The fields and their types come from all objects (of the first
``LOOK_BYTES``): whole numbers widen to decimal ones, objects to all their fields. A field whose texts all
read as dates or times is Date or Timestamp; one with whole numbers beyond 64 bits and no decimal ones is
Text, so that long ids stay whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from falconql.runtime.errors import DataError
from falconql.runtime.expression import Expr
from falconql.runtime.io.columns import batch_of, cut, positions
from falconql.runtime.io.infer import ARROW, DATES, WORDS, Kind, convert, join, misfit, widen
from falconql.runtime.io.inputs import InputFile
from falconql.runtime.io.json_lines import Block, Unit, blocks, lines_of
from falconql.runtime.io.json_problems import MOST_DEPTH, Parse, Path, depth, explain, has_long_integers
from falconql.runtime.io.json_types import (
    LONG_INTEGER,
    MixedTypes,
    as_text,
    has_long_integer,
    merge,
    without_nulls,
    without_times,
)

LOOK_BYTES = 32 << 20
_FIRST_LONG = float(2**63)
_NULL_ROW = re.compile(rb"\n\s*null")


@dataclass(slots=True)
class JsonField:
    """What is known of a field: the type to read it as, and for texts what they all are."""

    type: pa.DataType
    kind: Kind = Kind.NULL

    @property
    def final(self) -> pa.DataType:
        if has_long_integer(self.type):
            return as_text(without_nulls(self.type))
        return ARROW[self.kind] if self.type == pa.string() and self.kind in DATES else without_nulls(self.type)

    def joined(self, other: JsonField) -> JsonField:
        """Return what covers both; this one where nothing does."""
        try:
            return JsonField(merge(self.type, other.type), join(self.kind, other.kind))
        except MixedTypes:
            return self


class JsonSource:
    """A file of JSON objects.

    ``undecided`` are the fields without any value.

    Raises:
        DataError: it is empty, no JSON, no UTF-8, or a field changes its type.
    """

    def __init__(self, file: InputFile, *, look_bytes: int = LOOK_BYTES) -> None:
        self.name = file.name
        self.file, self.unit = lines_of(file)
        self.fields: dict[str, JsonField] = {}
        self.rows: int | None = self._look(look_bytes)
        self._describe()

    def _describe(self) -> None:
        self.undecided = frozenset(name for name, field in self.fields.items() if pa.types.is_null(field.type))
        self.schema = pa.schema([(name, field.final) for name, field in self.fields.items()])

    def widen(self, fields: Mapping[str, JsonField]) -> None:
        """Take into account what other files hold that are read as one with this."""
        self.fields = {name: field.joined(fields.get(name, field)) for name, field in self.fields.items()}
        self._describe()

    def batches(self, columns: Sequence[str], filter: Expr | None, *, batch_rows: int) -> Iterator[pa.RecordBatch]:
        positions(self.schema, columns, self.name)
        wanted = pa.schema([(name, without_nulls(self.fields[name].type)) for name in columns])
        # Beyond the part looked at, a new field would be lost without a word where all are asked for.
        complete = self.rows is None and set(columns) == set(self.fields)
        for block in blocks(self.file, self.unit):
            if self.rows is None:
                # Not all of it has been looked at.
                self._check_depth(block)
            table = self._parsed(block, wanted, unexpected="error" if complete else "ignore")
            arrays = [self._converted(table.column(name), name, block) for name in columns]
            yield from cut(batch_of(arrays, columns, table.num_rows), batch_rows)

    def _converted(self, column: pa.ChunkedArray, name: str, block: Block) -> pa.Array:
        values = column.combine_chunks()
        field = self.fields[name]
        if has_long_integer(field.type):
            return pc.cast(values, field.final)
        if field.final == values.type:
            return values
        found = convert(values, field.kind)
        if found is None:
            at = misfit(values, field.kind)
            where = f"{self.name}, {block.place_of_row(at)}"
            raise DataError(
                f"{where}: `{values[at].as_py()}` in field `{name}` is not {WORDS[field.kind]}, as all before it are",
                hint="correct the value, or save the corpus as Parquet, which knows the types of its columns",
            )
        return found

    def _look(self, look_bytes: int) -> int | None:
        """Find the fields; return the number of objects if all were seen."""
        rows = seen_bytes = 0
        for block in blocks(self.file, self.unit):
            if seen_bytes > look_bytes:
                self._decide()
                return None
            self._check_depth(block)
            table = self._parsed(block, None)
            try:
                self._learn(table, block)
            except MixedTypes:
                raise self._explained(block, "a field changes its type") from None
            rows += table.num_rows
            seen_bytes += len(block.data)
        if not rows and self.unit is Unit.LINE:
            raise DataError(f"{self.name} is empty", hint="each line is one JSON object")
        return rows

    def _decide(self) -> None:
        """Take fields without a value for text: what is not read yet may hold one."""
        for name, field in self.fields.items():
            if pa.types.is_null(field.type):
                self.fields[name] = JsonField(pa.string(), Kind.TEXT)

    def _learn(self, table: pa.Table, block: Block) -> None:
        times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
        as_text = self._parsed(block, pa.schema([(name, pa.string()) for name in times])) if times else table
        types = table.schema
        try:
            table.validate()
        except pa.ArrowInvalid:
            # Arrow counts all nulls with which a list begins as one, unless it is told of what type the items are.
            table = self._parsed(block, pa.schema([(field.name, without_nulls(field.type)) for field in types]))
        for field in types:
            type_ = _long_integers(table.column(field.name).combine_chunks(), field.type, (field.name,), block)
            known = self.fields.setdefault(field.name, JsonField(pa.null()))
            known.type = merge(known.type, type_)
            if type_ == pa.string():
                texts = as_text if field.name in times else table
                known.kind = widen(known.kind, texts.column(field.name).combine_chunks(), DATES)

    def _check_depth(self, block: Block) -> None:
        """Refuse what is nested so deeply that Arrow ends the process."""
        if depth(block.data) > MOST_DEPTH:
            raise self._explained(block, "nested too deeply")

    def _parsed(self, block: Block, schema: pa.Schema | None, *, unexpected: str = "ignore") -> pa.Table:
        import pyarrow.json as arrow_json

        options = arrow_json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else unexpected
        )

        def parsed(data: bytes) -> pa.Table:
            # One block for Arrow too: it takes the types of a table from its first block.
            whole = arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1)
            return arrow_json.read_json(pa.BufferReader(data), read_options=whole, parse_options=options)

        if block.data.lstrip().startswith(b"null") or _NULL_ROW.search(block.data):
            # Arrow takes it for a row of nulls, and where it is the first one ends the process.
            raise self._explained(block, "a row is null")
        try:
            return parsed(block.data)
        except pa.ArrowInvalid as error:
            raise self._explained(block, str(error), parsed) from error

    def _explained(self, block: Block, reason: str, parse: Parse | None = None) -> DataError:
        return explain(block, self.name, {name: field.type for name, field in self.fields.items()}, reason, parse)


def _long_integers(values: pa.Array, type_: pa.DataType, path: Path, block: Block) -> pa.DataType:
    """Return a type as the file has it; Arrow takes whole numbers that are too long for decimal ones."""
    if pa.types.is_list(type_):
        return pa.list_(_long_integers(values.flatten(), type_.value_type, (*path, None), block))
    if pa.types.is_struct(type_):
        parts = zip(type_, values.flatten(), strict=True)
        found = ((field.name, _long_integers(part, field.type, (*path, field.name), block)) for field, part in parts)
        return pa.struct(list(found))
    if pa.types.is_floating(type_):
        largest = pc.max(pc.abs(values)).as_py()
        if largest is not None and largest >= _FIRST_LONG and has_long_integers(block, path):
            return LONG_INTEGER
    return without_times(type_)
