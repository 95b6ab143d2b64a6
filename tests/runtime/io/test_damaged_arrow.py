"""Arrow files that say what is not so: read as they are, they would end the process."""

from __future__ import annotations

import struct
from pathlib import Path

import pyarrow as pa
import pytest

from tests.runtime.io.reading import refused

TABLE = pa.table({"text": ["one", "two"], "n": pa.array([1, None])})
ENDS = struct.pack("<3i", 0, 3, 6)
LENGTH_AND_NULLS = struct.pack("<2q", 2, 1)


@pytest.mark.parametrize("kind", ["file", "stream"])
@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (ENDS, struct.pack("<3i", 0, 3, 1 << 30), "the column `text` is damaged"),
        (ENDS, struct.pack("<3i", 0, -3, 6), "the column `text` is damaged"),
        (b"onetwo", b"one\xfft\xff", "the column `text` has text that is not UTF-8"),
        (LENGTH_AND_NULLS, struct.pack("<2q", 2, 5), "the column `n` is damaged"),
    ],
    ids=["beyond the end", "before the beginning", "no UTF-8", "more nulls than rows"],
)
def test_lengths_and_places_are_checked(tmp_path: Path, kind: str, right: bytes, wrong: bytes, message: str) -> None:
    sink = pa.BufferOutputStream()
    with (pa.ipc.new_file if kind == "file" else pa.ipc.new_stream)(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    data = sink.getvalue().to_pybytes()
    assert data.count(right) == 1
    path = tmp_path / "a.arrow"
    path.write_bytes(data.replace(right, wrong))
    refused(str(path), message)
