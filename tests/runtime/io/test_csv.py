"""Delimited files: what they hold, which types they get, and where they are broken."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import random
import subprocess
import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from falconql.runtime.errors import DataError
from falconql.runtime.io import csv, csv_problems, open_source, utf8
from falconql.runtime.io.csv import CsvSource
from falconql.runtime.io.csv_problems import explain_misfit
from falconql.runtime.io.dialect import Dialect, closed_by_another, look
from falconql.runtime.io.infer import Kind
from falconql.runtime.io.inputs import open_input
from tests.runtime.io.reading import refused, rows_of, table_of, written

TEXT, INT, FLOAT, BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
DATE, TIME, INSTANT = pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC")

TYPES = [
    (["1", "-20", ""], INT),
    (["1", "2.5"], FLOAT),
    (["1e5", ".5", "-0.0"], FLOAT),
    (["1", "x"], TEXT),
    (["007", "123"], TEXT),
    (["0", "10"], INT),
    (["+49170123", "1"], TEXT),
    (["12345678901234567890", "1"], TEXT),
    (["9223372036854775807", "-9223372036854775808"], INT),
    (["0x1F"], TEXT),
    (["1e400", "12e3"], TEXT),
    (["inf", "1.5"], FLOAT),
    (["1,5"], TEXT),
    (["true", "False", "TRUE", ""], BOOL),
    (["true", "1"], TEXT),
    (["yes", "no"], TEXT),
    (["2024-02-29", ""], DATE),
    (["2024-02-30"], TEXT),
    (["2024-01-01", "2024-01-01 10:00"], TIME),
    (["2024-01-01T10:00:00.25", "2024-01-01"], TIME),
    (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00+02:00"], INSTANT),
    (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], TEXT),
    (["2024-01-01", "5"], TEXT),
    (["NA", "1"], TEXT),
    (["N/A"], TEXT),
    (["", ""], TEXT),
    ([" 5", "6 "], INT),
]


@pytest.mark.parametrize(("values", "type_"), TYPES, ids=lambda value: str(value))
def test_a_column_has_the_narrowest_type_that_all_its_values_have(
    tmp_path: Path, values: list[str], type_: pa.DataType
) -> None:
    rows = "".join(f'"{value}",x\n' if "," in value else f"{value},x\n" for value in values)
    source = open_source(written(tmp_path, "a.csv", f"value,other\n{rows}"))
    assert source.schema.field("value").type == type_
    assert table_of(source).num_rows == len(values) == source.rows


@pytest.mark.parametrize("before", ["\n", "\n\n", "\r\n\r\n", "\ufeff\n"])
@pytest.mark.parametrize("header", ["id,text", '"id","text"'])
def test_blank_lines_before_the_header_are_no_rows(tmp_path: Path, before: str, header: str) -> None:
    source = open_source(written(tmp_path, "a.csv", f"{before}{header}\n1,a\n\n2,b\n"))
    assert source.schema.field("id").type == INT
    assert rows_of(source) == [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]


def test_a_value_late_in_the_file_widens_its_column(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number}\n" for number in range(400_000))
    source = open_source(written(tmp_path, "a.csv", f"a,b\n{rows}0.5,x\n"))
    assert source.schema.types == [FLOAT, TEXT]
    assert source.rows == 400_001
    last = table_of(source).slice(400_000).to_pylist()
    assert last == [{"a": 0.5, "b": "x"}]


def test_an_empty_field_is_null_and_an_empty_quoted_text_is_empty(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.csv", 'n,text\n"1",""\n"",x\n,\n'))
    assert rows_of(source) == [{"n": 1, "text": ""}, {"n": None, "text": "x"}, {"n": None, "text": None}]


@pytest.mark.parametrize("rows", ['1,""\n2,\n', '1,\n2,""\n'])
def test_a_column_of_nothing_but_empty_texts_has_them(tmp_path: Path, rows: str) -> None:
    def texts(location: object) -> list[object]:
        return [row["b"] for row in rows_of(open_source(location))]

    expected = ["" if '""' in row else None for row in rows.splitlines()]
    assert texts(written(tmp_path, "a.csv", f"id,b\n{rows}")) == expected
    written(tmp_path, "b.csv", "id,b\n3,\n")
    assert texts(str(tmp_path)) == [*expected, None]
    written(tmp_path, "b.csv", "id,b\n3,4\n")
    assert texts(str(tmp_path)) == [None, None, 4]


def test_nothing_but_empty_texts_in_one_column_is_null(tmp_path: Path) -> None:
    only = written(tmp_path, "a.csv", 'n\n""\n""\n')
    assert rows_of(open_source(only)) == [{"n": None}, {"n": None}]
    written(tmp_path, "b.csv", 'n\n""\n')
    assert rows_of(open_source(str(tmp_path))) == [{"n": None}] * 3
    # Beside other texts it may be either, and is as it was written.
    assert rows_of(open_source(written(tmp_path, "c.csv", 'n\n""\nx\n'))) == [{"n": ""}, {"n": "x"}]


def test_a_column_of_nothing_but_spaces_is_text(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,note\n1,  \n2,\n")
    source = open_source(path)
    assert source.schema.field("note").type == TEXT
    assert rows_of(source) == [{"id": 1, "note": "  "}, {"id": 2, "note": None}]
    written(tmp_path, "b.csv", "id,note\n3,2024-05-31\n")
    assert rows_of(open_source(str(tmp_path)))[::2] == [
        {"id": 1, "note": None},
        {"id": 3, "note": dt.date(2024, 5, 31)},
    ]


def test_dates_and_times_are_values(tmp_path: Path) -> None:
    data = "d,t,z\n2024-03-01,2024-03-01 10:00:00.5,2024-03-01T10:00:00+02:00\n"
    row = rows_of(open_source(written(tmp_path, "a.csv", data)))[0]
    assert row["d"] == dt.date(2024, 3, 1)
    assert row["t"] == dt.datetime(2024, 3, 1, 10, 0, 0, 500_000)
    assert row["z"] == dt.datetime(2024, 3, 1, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    data = delimiter.join(["id", "text"]) + "\n" + delimiter.join(["1", '"one, two; three | four\tfive"']) + "\n"
    row = {"id": 1, "text": "one, two; three | four\tfive"}
    assert rows_of(open_source(written(tmp_path, "a.csv", data))) == [row]


def test_commas_inside_texts_do_not_make_them_the_delimiter(tmp_path: Path) -> None:
    data = "id;text\n1;a, b, c\n2;d, e\n3;f\n"
    assert rows_of(open_source(written(tmp_path, "a.csv", data)))[0] == {"id": 1, "text": "a, b, c"}


def test_a_tsv_file_is_cut_at_tabs_only(tmp_path: Path) -> None:
    assert rows_of(open_source(written(tmp_path, "a.tsv", "text\na, b\n"))) == [{"text": "a, b"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, end: str) -> None:
    data = end.join(["a,b", "1,x", "2,y", ""])
    assert rows_of(open_source(written(tmp_path, "a.csv", data))) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert open_source(written(tmp_path, "a.csv", b"\xef\xbb\xbfa,b\n1,2\n")).schema.names == ["a", "b"]


def test_line_breaks_and_quotes_inside_fields(tmp_path: Path) -> None:
    data = 'id,text\n1,"two\nlines, and ""quotes"""\n2,plain "quote" inside\n\n3,\n'
    texts = [row["text"] for row in rows_of(open_source(written(tmp_path, "a.csv", data)))]
    assert texts == ['two\nlines, and "quotes"', 'plain "quote" inside', None]


def test_names_of_columns(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.csv", ' id ,"two\nlines",,select\n1,2,3,4\n'))
    assert source.schema.names == ["id", "two\nlines", "column_3", "select"]
    assert rows_of(source)[0] == {"id": 1, "two\nlines": 2, "column_3": 3, "select": 4}


@pytest.mark.parametrize("data", ["id,text", "id,text\n", "id,text\r\n\r\n"])
def test_a_header_alone_gives_no_rows(tmp_path: Path, data: str) -> None:
    source = open_source(written(tmp_path, "a.csv", data))
    assert (source.schema.names, source.rows, rows_of(source)) == (["id", "text"], 0, [])


@pytest.mark.parametrize("data", ["", "\n\n", "\ufeff"])
def test_an_empty_file_says_so(tmp_path: Path, data: str) -> None:
    refused(written(tmp_path, "a.csv", data), "a.csv is empty", "header")


@pytest.mark.parametrize(
    ("row", "count"), [("1,2,3", "3 fields"), ("1", "1 field "), ('1,"x\ny",z,w', "4 fields")], ids=str
)
def test_a_row_of_the_wrong_width_is_named_with_its_line(tmp_path: Path, row: str, count: str) -> None:
    data = f'a,b\n1,"line\nbreak"\n\n2,x\n{row}\n3,y\n'
    refused(written(tmp_path, "a.csv", data), "a.csv, line 6:", count, "the header has 2", hint="quotes")


def test_a_broken_row_is_found_far_into_the_file(tmp_path: Path) -> None:
    rows = "".join(f"{number},{'text ' * 10}\n" for number in range(200_000))
    refused(written(tmp_path, "a.csv", f"a,b\n{rows}1,2,3\n"), "line 200002", "3 fields")


@pytest.mark.parametrize("tail", ["", "\n", "\n2,x\n3,y\n"])
def test_a_quote_that_is_never_closed_is_named_with_its_line(tmp_path: Path, tail: str) -> None:
    data = f'a,b\n1,"fine\ntext"\n2,"never closed{tail}'
    refused(written(tmp_path, "a.csv", data), "line 4", "never closed")


@pytest.mark.parametrize(
    "rest",
    [
        '2,"hello world,5\n3,w,4\n',
        '2,"hello world,5\n',
        '2,"hello world,5',
        '2,"hello world,5\n3,"w",4\n',
        '2,"hello world,5\n3,w,4\n4,"ok",3\n',
    ],
)
def test_a_quote_never_closed_in_a_row_of_any_width(tmp_path: Path, rest: str) -> None:
    refused(written(tmp_path, "a.csv", f"id,text,stars\n1,good,3\n{rest}"), "line 3", "never closed", hint='""')


def test_a_row_over_several_lines_of_the_wrong_width(tmp_path: Path) -> None:
    refused(written(tmp_path, "a.csv", 'a,b\n1,"x\ny",z\n'), "line 2: 3 fields", hint="is a quote in it never closed?")


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;", "\nsep=;\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_delimiter_that_excel_names(tmp_path: Path, first: str, end: str) -> None:
    lines = [*first.split("\n"), "id;text", "1;a, b", "2;c, d", ""]
    source = open_source(written(tmp_path, "a.csv", end.join(lines)))
    assert (source.rows, rows_of(source)) == (2, [{"id": 1, "text": "a, b"}, {"id": 2, "text": "c, d"}])
    line = len(lines)
    refused(written(tmp_path, "b.csv", end.join([*lines[:-1], "3;x;y", ""])), f"line {line}: 3 fields", "has 2")
    refused(written(tmp_path, "c.csv", end.join([*lines[:-1], '3;"x', ""])), f"line {line}:", "never closed")


def test_a_delimiter_that_excel_names_and_nothing_else(tmp_path: Path) -> None:
    refused(written(tmp_path, "a.csv", "sep=;\n"), "has no header line")
    source = open_source(written(tmp_path, "b.csv", "sep=;\na;b\n"))
    assert (source.schema.names, rows_of(source)) == (["a", "b"], [])


def test_a_value_that_misfits_is_named_with_its_line_after_the_delimiter(tmp_path: Path) -> None:
    file = open_input(written(tmp_path, "a.csv", "sep=;\na;b\n1;2\n3;x\n"), "a.csv")
    dialect = look(file.head(), whole=True, name="a.csv", delimiter=None)
    assert "a.csv, line 4: `x` in column `b`" in str(explain_misfit(file, dialect, 1, 1, "x", Kind.INT))


def test_lines_that_end_in_carriage_returns_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As older programs on a Mac write them."""
    rows = rows_of(open_source(written(tmp_path, "a.csv", 'a,b\r1,19" screen\r2,"x\ry"\r')))
    assert rows == [{"a": 1, "b": '19" screen'}, {"a": 2, "b": "x\ry"}]
    refused(written(tmp_path, "b.csv", 'a,b\r1,"x"\r2,"open\r3,z\r'), "b.csv, line 3: a quote", "never closed")
    refused(written(tmp_path, "c.csv", 'a,b\r1,"19"" x"\r2,y,z\r'), "c.csv, line 3: 3 fields")
    monkeypatch.setattr(csv, "_BLOCK_BYTES", 100)
    path = written(tmp_path, "d.csv", "a\r" + "1\r" * 500 + "x\r")
    with pytest.raises(DataError, match="line 502: `x` in column `a`"):
        rows_of(CsvSource(open_input(path, "d.csv"), look_bytes=1))


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_line_ends_inside_quotes_stay_whole_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """As Excel writes them: a block that ended between the two signs would lose the second."""
    texts = [f"{'x' * number}\r\n\r\r\ny\n\r" for number in range(64)]
    data = "a,b\r\n" + "".join(f'{number},"{text}"\r\n' for number, text in enumerate(texts))
    path = written(tmp_path, f"a.{ending}", gzip.compress(data.encode()) if ending.endswith("gz") else data)
    for size in (128, 129, 131):
        monkeypatch.setattr(csv, "_BLOCK_BYTES", size)
        assert [row["b"] for row in rows_of(open_source(path))] == texts


@pytest.mark.parametrize("last", ["", "batches.close()"])
def test_a_process_may_end_while_a_file_is_read(tmp_path: Path, last: str) -> None:
    lines = b"".join(b"%d,a text that is long enough\n" % number for number in range(1_000_000))
    path = written(tmp_path, "a.csv.gz", gzip.compress(b"a,b\n" + lines, 1))
    program = (
        "import sys; from falconql.runtime.io import open_source\n"
        "source = open_source(sys.argv[1]); batches = source.batches(['a'], None, batch_rows=10)\n"
        f"print(next(batches).num_rows); {last}"
    )
    ended = subprocess.run([sys.executable, "-c", program, path], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"10\n", b"")


@pytest.mark.parametrize("returns", [False, True])
def test_lines_are_those_of_python_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, returns: bool
) -> None:
    monkeypatch.setattr(utf8, "_BLOCK_BYTES", 2)
    for signs in product("a\r\n\N{GRINNING FACE}", repeat=5):
        text = "".join(signs)
        file = open_input(written(tmp_path, "a.csv", text), "a.csv")
        found = list(utf8.decoded_lines(file, returns=returns))
        assert found == list(io.StringIO(text, newline="" if returns else "\n"))


def test_a_quote_never_closed_in_a_large_file(tmp_path: Path) -> None:
    rows = "".join(f"{number},{'text ' * 10}\n" for number in range(100_000))
    refused(written(tmp_path, "a.csv", f'a,b\n{rows}1,"open\n{rows}'), "line 100002", "never closed")


def test_a_header_longer_than_what_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"column {number:06}" for number in range(100_000)]
    path = written(tmp_path, "a.csv", ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    source = open_source(path)
    assert (source.schema.names, source.rows) == (names, 1)
    assert rows_of(source, [names[-1]]) == [{names[-1]: 1}]
    monkeypatch.setattr(csv, "_MOST_HEADER_BYTES", 1 << 20)
    refused(path, "a header of more than 1 MB", hint="a quote in it is never closed")


def test_a_quote_never_closed_in_the_header(tmp_path: Path) -> None:
    refused(written(tmp_path, "a.csv", '"a,b\n1,2\n'), "line 1: a quote", "never closed")
    refused(written(tmp_path, "b.csv", '"a,b\n' + "1,text\n" * 200_000), "line 1: a quote", "never closed")


@pytest.mark.parametrize("columns", [[], ["a"], ["b"]])
def test_a_quote_never_closed_behind_the_part_looked_at_whatever_is_read(tmp_path: Path, columns: list[str]) -> None:
    rows = "".join(f"{number},{'text ' * 10}\n" for number in range(100_000))
    path = written(tmp_path, "a.csv", f'a,b\n{rows}1,"open\n{rows}')
    source = CsvSource(open_input(path, path), look_bytes=100)
    with pytest.raises(DataError, match="line 100002: a quote in the row that begins here is never closed"):
        list(source.batches(columns, None, batch_rows=1000))


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("columns", [[], ["a"], ["b"]])
def test_a_large_file_that_ends_in_a_quote(tmp_path: Path, ending: str, columns: list[str]) -> None:
    rows = "".join(f"{number},{'text ' * 10}\n" for number in range(30_000))
    for name, end, closed in (("a", '7,"cut of', False), ("b", '7,"cut off"', True), ("c", "7,cut off", True)):
        data = f"a,b\n{rows}{end}".encode()
        path = written(tmp_path, f"{name}.csv{ending}", gzip.compress(data, 1) if ending else data)
        source = CsvSource(open_input(path, path), look_bytes=100)
        if closed:
            assert sum(batch.num_rows for batch in source.batches(columns, None, batch_rows=1000)) == 30_001
            continue
        with pytest.raises(DataError, match="line 30002: a quote in the row that begins here is never closed"):
            list(source.batches(columns, None, batch_rows=1000))


def test_a_large_file_that_ends_a_line_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "check_quotes", lambda *_: pytest.fail("it was read again"))
    data = b"a,b\n" + b"".join(b"%d,a text that is long enough\r\n" % number for number in range(60_000))
    assert open_source(written(tmp_path, "a.csv", data)).rows == 60_000


def test_a_process_may_end_while_a_compressed_file_is_read(tmp_path: Path) -> None:
    data = b"a,b\n" + b"".join(b"%d,a text that is long enough\n" % number for number in range(1_000_000))
    path = written(tmp_path, "a.csv.gz", gzip.compress(data, 1))
    program = (
        "import sys; from falconql.runtime.io import open_source\n"
        "source = open_source(sys.argv[1]); batches = source.batches(['a'], None, batch_rows=10)\n"
        "print(next(batches).num_rows)"
    )
    ended = subprocess.run([sys.executable, "-c", program, path], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"10\n", b"")


def test_compressed_data_that_is_damaged_far_behind(tmp_path: Path) -> None:
    data = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (number, number**5) for number in range(150_000)), 1)
    refused(written(tmp_path, "a.csv.gz", data[: len(data) - 5000]), "compressed data is damaged or cut off")


def test_the_last_column_is_read_only_until_its_quotes_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.csv as arrow_csv

    read: list[list[str]] = []
    opened = arrow_csv.open_csv

    def open_csv(stream: Any, *, convert_options: Any, **options: Any) -> Any:
        read.append(convert_options.include_columns)
        return opened(stream, convert_options=convert_options, **options)

    monkeypatch.setattr(arrow_csv, "open_csv", open_csv)
    rows = "".join(f"{number},x,{'text ' * 10}\n" for number in range(30_000))
    path = written(tmp_path, "a.csv", f"a,b,c\n{rows}")
    source = CsvSource(open_input(path, path), look_bytes=100)
    for columns in (["a"], ["a"], []):
        assert sum(batch.num_rows for batch in source.batches(columns, None, batch_rows=1000)) == 30_000
    assert read == [["f0", "f1", "f2"], ["f0", "f2"], ["f0"], ["f2"]]


def test_the_sign_that_ends_a_file_here_may_end_a_value(tmp_path: Path) -> None:
    refused(written(tmp_path, "a.csv", "a,b\n1,x\n1,2,y\x03\n2,z\n"), "line 3: 3 fields where the header has 2")
    assert rows_of(open_source(written(tmp_path, "b.csv", 'a,b\n1,2"\x03\n'))) == [{"a": 1, "b": '2"\x03'}]


def test_rows_of_one_line_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int | None] = []

    def looked_again(lines: Iterable[str], dialect: Dialect) -> int | None:
        found.append(closed_by_another(lines, dialect))
        return found[-1]

    monkeypatch.setattr(csv_problems, "closed_by_another", looked_again)
    open_source(written(tmp_path, "a.csv", 'a,b\n1,19" screen\n'))
    assert found == []
    open_source(written(tmp_path, "b.csv", 'a,b\n1,19" screen\n2,"x\ny"\n'))
    assert found == [None]


def test_stray_quotes_are_no_open_quotes(tmp_path: Path) -> None:
    assert rows_of(open_source(written(tmp_path, "a.csv", 'a,b\n1,19" screen\n'))) == [{"a": 1, "b": '19" screen'}]


def test_bytes_that_are_not_utf8_are_named_with_line_and_offset(tmp_path: Path) -> None:
    refused(written(tmp_path, "a.csv", b"a,b\n1,caf\xe9\n"), "0xe9", "line 2", "offset 9", hint="iconv")
    late = b"a,b\n" + b"1,ok\n" * 400_000 + b"2,caf\xe9\n"
    refused(written(tmp_path, "b.csv", late), "0xe9", "line 400002", f"offset {len(late) - 2}", hint="WINDOWS-1252")


def test_utf16_and_binary_files_are_named_as_such(tmp_path: Path) -> None:
    refused(written(tmp_path, "a.csv", "a,b\n1,2\n".encode("utf-16")), "UTF-16", hint="iconv -f UTF-16")
    refused(written(tmp_path, "b.csv", b"a,b\n1,\x00\n"), "not text")


def test_duplicate_names_leave_the_other_columns_usable(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "a,a,b\n1,x,2\n")
    assert open_source(path).schema.names == ["a", "a", "b"]
    assert rows_of(open_source(path), ["b"]) == [{"b": 2}]
    refused(path, "2 columns called `a`", columns=["a"])


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    refused(written(tmp_path, "a.csv", "price,b\n1,2\n"), "no column `prise`", hint="`price`", columns=["prise"])


def test_only_the_columns_asked_for_in_the_order_asked(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.csv", "a,b,c\n1,2,3\n4,5,6\n"))
    assert list(rows_of(source, ["c", "a"])[1].items()) == [("c", 6), ("a", 4)]
    counted = list(source.batches([], None, batch_rows=10))
    assert [(batch.num_rows, batch.num_columns) for batch in counted] == [(2, 0)]


def test_texts_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "_BLOCK_BYTES", 1_000)
    texts = ["x" * 10, "𝄞日本 👩‍👩‍👧 " * 3_000, "y", "z" * 200_000]
    data = "id,text\n" + "".join(f'{number},"{text}"\n' for number, text in enumerate(texts))
    assert [row["text"] for row in rows_of(open_source(written(tmp_path, "a.csv", data)))] == texts


def test_a_value_beyond_the_part_looked_at_that_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "_BLOCK_BYTES", 1_000)
    path = written(tmp_path, "a.csv", "a,b\n" + "1,\n" * 1_000 + "oops,late\n" + "2,\n" * 1_000)
    source = CsvSource(open_input(path, path), look_bytes=100)
    assert source.schema.types == [INT, TEXT]
    assert source.rows is None
    assert "late" in table_of(source, ["b"])["b"].to_pylist()
    with pytest.raises(DataError, match="line 1002: `oops` in column `a` is not a whole number"):
        table_of(source, ["a"])


def test_any_text_can_be_a_value(tmp_path: Path) -> None:
    import csv as standard

    chance = random.Random(3)
    signs = ["a", '"', ",", "\n", "\r\n", ";", "'", "é", "日", "👩‍👩‍👧", " ", "#"]
    texts = ["".join(chance.choices(signs, k=chance.randint(0, 8))) for _ in range(500)]
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = standard.writer(file, quoting=standard.QUOTE_ALL)
        writer.writerows([["id", "text"], *enumerate(texts)])
    assert [row["text"] for row in rows_of(open_source(str(path)))] == texts
