"""Compressed files, standard input, pipes, and several files as one."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import os
import resource
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falconql.runtime.errors import DataError
from falconql.runtime.io import open_source
from falconql.runtime.io.stats import sample
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


@pytest.mark.parametrize("behind", [b"junk", bytes(512)])
def test_something_behind_compressed_data(tmp_path: Path, behind: bytes) -> None:
    data = gzip.compress(b"a\n1\n") + behind
    refused(written(tmp_path, "a.csv.gz", data), "compressed data is damaged or cut off", hint="again")


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_nothing_that_is_compressed_is_empty(tmp_path: Path, compress: object) -> None:
    refused(written(tmp_path, "a.csv", compress(b"")), "a.csv is empty")  # type: ignore[operator]


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
    "data",
    [
        "ERROR disk full\nERROR net down\nINFO fine\n",
        "The Lenovo costs $1,299.\n",
        "It broke, after a day, and\nnobody answers\nmy letters; or calls\n",
        "2024-05-31 10:00:00,123 INFO start\n2024-05-31 10:00:01,004 INFO stop\n",
        "[2024-05-31 10:00:00] a | b\r\n[2024-05-31 10:00:00] c | d\r\n",
        "no end of line",
        "a caf\xe9 at the end of what is looked at " * 200,
    ],
)
def test_text_from_standard_input_loses_no_line(data: str) -> None:
    lines = [row["text"] for row in rows_of(open_source("-", stdin=io.BytesIO(data.encode())), ["text"])]
    assert lines == data.splitlines()


@pytest.mark.parametrize(
    "data",
    [
        "id\n1\n",
        "text\nIt broke\n",
        "first name,text\nAnn,x\n",
        '"the review"\n"It broke, sadly"\n',
        "id,text\n",
        "sep=;\nfirst name;x\n",
    ],
)
def test_a_table_from_standard_input_has_its_header(data: str) -> None:
    assert "line" not in open_source("-", stdin=io.BytesIO(data.encode())).schema.names


def test_broken_standard_input_tells_a_way_out() -> None:
    with pytest.raises(DataError) as caught:
        open_source("-", stdin=io.BytesIO(b"a,b c\n1,2\n1\n"))
    assert "save it in a file that ends in .txt" in str(caught.value)
    for data, encoding in ((b"a,b\n1,caf\xe9\n", "WINDOWS-1252"), ("a,b\n".encode("utf-16"), "UTF-16")):
        with pytest.raises(DataError) as caught:
            open_source("-", stdin=io.BytesIO(data))
        assert f"`iconv -f {encoding} -t UTF-8 |` before falconql, in the same pipe, re-encodes it" in str(caught.value)


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


def test_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: ["/nowhere"])
    with pytest.raises(DataError, match="standard input cannot be kept in a temporary file: No usable") as caught:
        open_source("-", stdin=io.BytesIO(CSV.encode()))
    assert "TMPDIR" in (caught.value.hint or "")


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    refused("-", "there is no standard input")


def test_a_pipe_with_a_name(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(CSV.encode(),))
    writer.start()
    source = open_source(str(path))
    writer.join()
    for _ in range(2):
        assert rows_of(source) == ROWS


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
@pytest.mark.parametrize("name", CONTENTS)
def test_a_name_that_is_not_utf8(tmp_path: Path, name: str) -> None:
    stem, ending = name.split(".")
    for folder, location in ((tmp_path, tmp_path / f"{stem}\udce9.{ending}"), (tmp_path / "more", tmp_path / "more")):
        path = folder / "k=\udce9" / f"{stem}\udce9.{ending}" if folder == location else location
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENTS[name])
        more = {"k": "\ufffd"} if folder == location else {}
        assert rows_of(open_source(str(location))) == [row | more for row in ROWS]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
def test_texts_in_files_whose_names_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "caf\udce9.txt").write_text("hello")
    (tmp_path / "café.txt").write_text("hello")
    paths = [row["path"] for row in rows_of(open_source(str(tmp_path)))]
    assert sorted(map(str, paths)) == ["café.txt", "caf\ufffd.txt"]


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


def test_types_widen_over_all_files_whichever_of_them_lack_a_column(tmp_path: Path) -> None:
    for number, values in enumerate(["", ",5", ",abc", ""]):
        written(tmp_path, f"{number}.csv", f"a{',b' * bool(values)}\n{number}{values}\n")
    assert [row["b"] for row in rows_of(open_source(str(tmp_path / "*.csv")))] == [None, "5", "abc", None]
    for number, more in enumerate(["", ', "b": "2024-01-01"', ', "b": "abc"', ', "b": null']):
        written(tmp_path, f"{number}.jsonl", f'{{"a": {number}{more}}}')
    assert [row["b"] for row in rows_of(open_source(str(tmp_path / "*.jsonl")))] == [None, "2024-01-01", "abc", None]


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


@pytest.mark.parametrize(
    ("first", "second", "type_", "values"),
    [
        (pa.array([Decimal("1234567.89")]), pa.array([2.5], pa.float32()), pa.float64(), [1234567.89, 2.5]),
        (pa.array([2**60, 1]), pa.array([Decimal("2.50")]), pa.float64(), [2.0**60, 1.0, 2.5]),
        (pa.array([2**60 + 1]), pa.array([1.5]), pa.float64(), [2.0**60, 1.5]),
        (pa.array([1], pa.int32()), pa.array([2**64 - 1, 3], pa.uint64()), pa.int64(), [1, None, 3]),
        (
            pa.array([dt.datetime(9999, 12, 31)], pa.timestamp("us")),
            pa.array([dt.datetime(2000, 1, 1)], pa.timestamp("ns")),
            pa.timestamp("us"),
            [dt.datetime(9999, 12, 31), dt.datetime(2000, 1, 1)],
        ),
        (pa.array([[2**60 + 1], None]), pa.array([[1.5]]), pa.list_(pa.float64()), [[2.0**60], None, [1.5]]),
        (pa.array(["a"]).dictionary_encode(), pa.array(["b"], pa.large_string()), pa.string(), ["a", "b"]),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_types_of_files_that_no_type_of_arrow_holds_together(
    tmp_path: Path, first: pa.Array, second: pa.Array, type_: pa.DataType, values: list[object], turned: bool
) -> None:
    names = ("2.parquet", "1.parquet") if turned else ("1.parquet", "2.parquet")
    for name, column in zip(names, (first, second), strict=True):
        pq.write_table(pa.table({"a": column}), tmp_path / name)
    source = open_source(str(tmp_path))
    assert source.schema.field("a").type == type_
    found = values[len(first) :] + values[: len(first)] if turned else values
    assert table_of(source)["a"].to_pylist() == found
    assert sample(source, ["a"])["a"].to_pylist() == found


def test_a_column_that_cannot_be_read_as_that_of_other_files(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [{"x": 1}]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [{"x": Decimal("1.25")}]}), tmp_path / "2.parquet")
    refused(str(tmp_path), "1.parquet: the column `a` is struct<x: int64>", "like other files", hint="one type")


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
