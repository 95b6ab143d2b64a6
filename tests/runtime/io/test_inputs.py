"""Compressed files, standard input, pipes, and several files as one."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import resource
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falconql.runtime.errors import DataError
from falconql.runtime.io import open_source
from tests.runtime.io.reading import refused, rows_of, table_of, written

CSV = "id,text\n1,a\n2,日本\n"
ROWS = [{"id": 1, "text": "a"}, {"id": 2, "text": "日本"}]


def packed(data: bytes, ending: str) -> bytes:
    codec = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}[ending]
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, codec) as stream:
        stream.write(data)
    return bytes(out.getvalue())


def parquet_bytes() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


def arrow_bytes(make: object = pa.ipc.new_stream) -> bytes:
    out = io.BytesIO()
    table = pa.Table.from_pylist(ROWS)
    with make(out, table.schema) as writer:  # type: ignore[operator]
        writer.write_table(table)
    return out.getvalue()


CONTENTS = {
    "a.csv": CSV.encode(),
    "a.tsv": CSV.replace(",", "\t").encode(),
    "a.jsonl": b'{"id": 1, "text": "a"}\n{"id": 2, "text": "\xe6\x97\xa5\xe6\x9c\xac"}\n',
    "a.json": b'[{"id": 1, "text": "a"}, {"id": 2, "text": "\\u65e5\\u672c"}]',
    "a.parquet": parquet_bytes(),
    "a.arrow": arrow_bytes(),
    "a.feather": arrow_bytes(pa.ipc.new_file),
}


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".zst", ".lz4"])
@pytest.mark.parametrize("name", CONTENTS)
def test_compressed_files(tmp_path: Path, name: str, ending: str) -> None:
    source = open_source(written(tmp_path, name + ending, packed(CONTENTS[name], ending)))
    for _ in range(2):
        assert rows_of(source) == ROWS


def test_compression_is_found_from_the_content(tmp_path: Path) -> None:
    assert rows_of(open_source(written(tmp_path, "a.csv", gzip.compress(CSV.encode())))) == ROWS
    assert rows_of(open_source(written(tmp_path, "b.csv.gz", CSV))) == ROWS
    parts = gzip.compress(CSV.encode()) + gzip.compress(b"3,c\n")
    assert len(rows_of(open_source(written(tmp_path, "c.csv.gz", parts)))) == 3
    texts = "BZhang is a name\n"
    assert rows_of(open_source(written(tmp_path, "d.txt", texts))) == [{"line": 1, "text": "BZhang is a name"}]


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".zst", ".lz4"])
def test_a_compressed_file_that_is_cut_off(tmp_path: Path, ending: str) -> None:
    data = packed(os.urandom(20_000).hex().encode(), ending)
    refused(written(tmp_path, "a.csv" + ending, data[: len(data) // 2]), "cannot read", "damaged or cut off")


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress], ids=["plain", "gzip", "bz2"])
def test_standard_input_tells_its_format_and_can_be_read_again(name: str, compress: object) -> None:
    data = compress(CONTENTS[name])  # type: ignore[operator]
    source = open_source("-", stdin=io.BytesIO(data))
    assert source.name == "standard input"
    for _ in range(2):
        assert rows_of(source) == ROWS


def test_standard_input_of_a_given_format() -> None:
    assert rows_of(open_source("-", format="txt", stdin=io.BytesIO(b"one\ntwo\n")), ["text"])[1] == {"text": "two"}
    assert rows_of(open_source("-", format="csv", stdin=io.BytesIO(b"text\n{x}\n"))) == [{"text": "{x}"}]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "standard input is empty"),
        (b"a,b\n1\n", "standard input, line 2: 1 field where"),
        (b'{"a": 1}\n{"a": }', "standard input, line 2: not JSON"),
        (b"%PDF-1.4", "standard input is a PDF file"),
    ],
)
def test_what_is_wrong_with_standard_input(data: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        open_source("-", stdin=io.BytesIO(data))


def test_the_copy_of_standard_input_goes_with_its_last_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = open_source("-", stdin=io.BytesIO(CSV.encode()))
    assert len(list(tmp_path.iterdir())) == 1
    assert rows_of(source) == ROWS
    del source
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_for_standard_input() -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, unlimited[1]))
    try:
        with pytest.raises(DataError, match="standard input cannot be kept in a temporary file") as caught:
            open_source("-", stdin=io.BytesIO(b"x" * 10_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert "TMPDIR" in (caught.value.hint or "")


def test_a_pipe_with_a_name(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(CSV.encode(),))
    writer.start()
    source = open_source(str(path))
    writer.join()
    for _ in range(2):
        assert rows_of(source) == ROWS


def test_files_of_different_columns_are_put_together(tmp_path: Path) -> None:
    for number, table in enumerate(
        [
            pa.table({"id": pa.array([1, 2], pa.int32()), "text": ["a", "b"]}),
            pa.table({"text": ["c"], "stars": [0.5], "id": [3]}),
            pa.table({"id": [4.5], "text": pa.nulls(1)}),
        ]
    ):
        pq.write_table(table, tmp_path / f"{number}.parquet")
    source = open_source(str(tmp_path))
    assert source.schema == pa.schema({"id": pa.float64(), "text": pa.string(), "stars": pa.float64()})
    assert source.rows == 4
    assert table_of(source, ["stars", "id"]).to_pydict() == {"stars": [None, None, 0.5, None], "id": [1, 2, 3, 4.5]}
    assert sum(batch.num_rows for batch in source.batches([], None, batch_rows=10)) == 4


def test_types_of_delimited_files_widen_over_all_files(tmp_path: Path) -> None:
    for number, (value, other) in enumerate([("1", ""), ("007", "2.5"), ("x", "3")]):
        written(tmp_path, f"{number}.csv", f"a,b\n{value},{other}\n")
    source = open_source(str(tmp_path / "*.csv"))
    assert rows_of(source) == [{"a": "1", "b": None}, {"a": "007", "b": 2.5}, {"a": "x", "b": 3.0}]


def test_a_json_field_without_values_in_one_file_takes_its_type_from_the_others(tmp_path: Path) -> None:
    for number, value in enumerate(["null", "5", '{"x": 1}'][:2]):
        written(tmp_path, f"{number}.jsonl", f'{{"a": {value}}}')
    assert rows_of(open_source(str(tmp_path))) == [{"a": None}, {"a": 5}]
    written(tmp_path, "1.jsonl", '{"a": {"x": 1}}')
    assert rows_of(open_source(str(tmp_path))) == [{"a": None}, {"a": {"x": 1}}]


def test_types_with_nothing_in_common_are_named_with_file_and_column(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "2.parquet")
    refused(str(tmp_path), "2.parquet", "column `b` is string, and int64 in the files before")


def test_duplicate_names_in_files_that_differ(tmp_path: Path) -> None:
    written(tmp_path, "1.csv", "a,a,b\n1,2,3\n")
    written(tmp_path, "2.csv", "a,a,b\n4,5,6\n")
    assert rows_of(open_source(str(tmp_path)), ["b"]) == [{"b": 3}, {"b": 6}]
    written(tmp_path, "2.csv", "b,a,a\n4,5,6\n")
    refused(str(tmp_path), "columns of the same name")


def test_a_broken_file_among_several_is_named(tmp_path: Path) -> None:
    written(tmp_path, "1.csv", "a,b\n1,2\n")
    written(tmp_path, "2.csv", "a,b\n1,2,3\n")
    refused(str(tmp_path), "2.csv, line 2")
