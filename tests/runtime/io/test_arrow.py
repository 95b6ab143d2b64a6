"""Which Arrow type is which FalconQL type, and back."""

from __future__ import annotations

import pyarrow as pa
import pytest

from falconql.runtime.io.arrow import SPAN_TYPE, fields_from_schema, type_from_arrow, type_to_arrow
from falconql.runtime.plan import Field
from falconql.runtime.types import (
    BOOL,
    DATE,
    FLOAT,
    INT,
    LABEL,
    NULL,
    SPAN,
    TEXT,
    TIMESTAMP,
    UNKNOWN,
    Type,
    list_of,
    other,
)

FROM_ARROW = [
    (pa.bool_(), BOOL),
    *((integer, INT) for integer in (pa.int8(), pa.int16(), pa.int32(), pa.int64())),
    *((integer, INT) for integer in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())),
    *((number, FLOAT) for number in (pa.float16(), pa.float32(), pa.float64())),
    *((number, FLOAT) for number in (pa.decimal128(10, 2), pa.decimal256(50, 2))),
    *((text, TEXT) for text in (pa.string(), pa.large_string(), pa.string_view())),
    *((day, DATE) for day in (pa.date32(), pa.date64())),
    *((moment, TIMESTAMP) for moment in (pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us"))),
    *((moment, TIMESTAMP) for moment in (pa.timestamp("ns"), pa.timestamp("us", "Europe/Berlin"))),
    (pa.dictionary(pa.int32(), pa.string()), TEXT),
    (pa.dictionary(pa.int8(), pa.int64()), INT),
    (pa.list_(pa.string()), list_of(TEXT)),
    (pa.large_list(pa.large_string()), list_of(TEXT)),
    (pa.list_(pa.int32(), 3), list_of(INT)),
    (pa.list_view(pa.date32()), list_of(DATE)),
    (pa.list_(pa.list_(pa.bool_())), list_of(list_of(BOOL))),
    (SPAN_TYPE, SPAN),
    (pa.list_(SPAN_TYPE), list_of(SPAN)),
    *(
        (unusual, other(str(unusual)))
        for unusual in (
            pa.struct([("a", pa.int64())]),
            pa.map_(pa.string(), pa.int64()),
            pa.binary(),
            pa.large_binary(),
            pa.binary(4),
            pa.time32("s"),
            pa.time64("us"),
            pa.duration("s"),
            pa.null(),
            pa.list_(pa.binary()),
            pa.month_day_nano_interval(),
        )
    ),
]


@pytest.mark.parametrize(("arrow", "expected"), FROM_ARROW, ids=[str(arrow) for arrow, _ in FROM_ARROW])
def test_type_from_arrow(arrow: pa.DataType, expected: Type) -> None:
    assert type_from_arrow(arrow) == expected


@pytest.mark.parametrize("type_", [BOOL, INT, FLOAT, TEXT, DATE, TIMESTAMP, SPAN, list_of(TEXT), list_of(SPAN)])
def test_a_type_written_to_arrow_reads_back_as_itself(type_: Type) -> None:
    assert type_from_arrow(type_to_arrow(type_)) == type_


def test_labels_and_nulls_in_arrow() -> None:
    assert type_to_arrow(LABEL) == pa.bool_()
    assert type_to_arrow(NULL) == pa.null()


@pytest.mark.parametrize("type_", [UNKNOWN, other("binary"), list_of(other("binary"))])
def test_what_has_no_type_in_arrow(type_: Type) -> None:
    with pytest.raises(ValueError, match="no Arrow type"):
        type_to_arrow(type_)


def test_fields_keep_order_and_repeated_names() -> None:
    schema = pa.schema([("b", pa.string()), ("a", pa.int8()), ("b", pa.binary())])
    assert fields_from_schema(schema) == (Field("b", TEXT), Field("a", INT), Field("b", other("binary")))
