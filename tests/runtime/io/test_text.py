"""Plain text: one row per line of a file, one row per file of a folder."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from falconql.runtime.io import open_source, text
from tests.runtime.io.reading import refused, rows_of, table_of, written


def test_a_text_file_is_one_row_per_line_that_is_not_blank(tmp_path: Path) -> None:
    source = open_source(written(tmp_path, "a.txt", "\ufefffirst\r\n\n  second, 日本 \n \t\nlast"))
    assert rows_of(source) == [
        {"line": 1, "text": "first"},
        {"line": 3, "text": "  second, 日本 "},
        {"line": 5, "text": "last"},
    ]
    assert rows_of(source, ["text"])[0] == {"text": "first"}


@pytest.mark.parametrize("name", ["a.log", "a.md", "a.LOG.gz"])
def test_logs_and_notes_are_text(tmp_path: Path, name: str) -> None:
    data = b"ERROR disk full\nINFO a,b\n"
    source = open_source(written(tmp_path, name, gzip.compress(data) if name.endswith(".gz") else data))
    assert rows_of(source) == [{"line": 1, "text": "ERROR disk full"}, {"line": 2, "text": "INFO a,b"}]


def test_a_log_of_json_is_json(tmp_path: Path) -> None:
    path = written(tmp_path, "a.log", '{"level": "INFO"}\n{"level": "ERROR"}\n')
    assert rows_of(open_source(path))[1] == {"level": "ERROR"}
    assert rows_of(open_source(path, format="txt"))[1] == {"line": 2, "text": '{"level": "ERROR"}'}


def test_notes_beside_the_data_are_passed_over(tmp_path: Path) -> None:
    written(tmp_path, "README.md", "# Data")
    written(tmp_path, "fetch.log", "done")
    assert rows_of(open_source(str(tmp_path)), ["path"]) == [{"path": "README.md"}, {"path": "fetch.log"}]
    written(tmp_path, "a.csv", "a\n1\n")
    assert rows_of(open_source(str(tmp_path))) == [{"a": 1}]


def test_an_unknown_ending_tells_a_way_out(tmp_path: Path) -> None:
    path = written(tmp_path, "a.html", "<p>x")
    refused(path, "the ending does not tell the format", hint="a link that ends in .txt is read as text, line by line")
    refused(str(tmp_path), "it holds 1 of other kinds", hint="a link that ends in .txt is read as text")


def test_an_empty_text_file_has_no_rows(tmp_path: Path) -> None:
    assert rows_of(open_source(written(tmp_path, "a.txt", ""))) == []


def test_a_folder_of_texts_is_one_row_per_file(tmp_path: Path) -> None:
    for name, content in {"b10.txt": "ten\n", "b2.txt": "two", "pos/a.txt": "", ".hidden.txt": "no"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        written(tmp_path, name, content)
    expected = [
        {"path": "b2.txt", "text": "two"},
        {"path": "b10.txt", "text": "ten\n"},
        {"path": "pos/a.txt", "text": ""},
    ]
    source = open_source(str(tmp_path))
    assert (source.rows, rows_of(source)) == (3, expected)
    assert rows_of(source, ["path"]) == [{"path": row["path"]} for row in expected]
    one = open_source(str(tmp_path / "pos" / "*.txt"))
    assert rows_of(one) == [{"path": str(tmp_path / "pos" / "a.txt"), "text": ""}]


def test_batches_are_bounded_in_rows_and_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(written(tmp_path, "a.txt", "0123456789\n" * 100))
    assert table_of(source, batch_rows=7).num_rows == 100
    monkeypatch.setattr(text, "_BATCH_CHARACTERS", 25)
    sizes = [batch.num_rows for batch in source.batches(["text"], None, batch_rows=50)]
    assert max(sizes) == 3
    assert sum(sizes) == 100


def test_a_line_of_a_megabyte(tmp_path: Path) -> None:
    line = "𝄞é" * 500_000
    assert rows_of(open_source(written(tmp_path, "a.txt", f"x\n{line}\ny")))[1] == {"line": 2, "text": line}


def test_bytes_that_are_not_utf8_are_named_with_file_line_and_offset(tmp_path: Path) -> None:
    refused(written(tmp_path, "a.txt", b"fine\ncaf\xe9\n"), "a.txt", "0xe9", "line 2", "offset 8", hint="iconv")
    cut = ("é" * 700_000).encode() + b"\n\xc3"
    refused(written(tmp_path, "cut.txt", cut), "0xc3", "line 2", "offset 1400001")
    (tmp_path / "folder").mkdir()
    written(tmp_path / "folder", "b.txt", b"\xff")
    refused(str(tmp_path / "folder"), "b.txt", "0xff")
