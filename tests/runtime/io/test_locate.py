"""Which files a name stands for, and what is said when there are none."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falconql.runtime.io import locate, open_source
from tests.runtime.io.reading import refused, rows_of, written


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_missing_file_names_those_that_are_near(folder: Path) -> None:
    written(folder, "reviews.csv", "a\n1\n")
    refused("review.csv", "there is no file review.csv", hint="did you mean reviews.csv?")
    refused("reviews", "there is no file reviews", hint="reviews.csv")
    refused(str(folder / "reviws.csv"), hint=str(folder / "reviews.csv"))
    refused("no/such/file.csv", "there is no file no/such/file.csv", hint="there is no folder no/such")
    refused("reviews.csv/more", "there is no file")


def test_a_folder_stands_for_its_data_files(folder: Path) -> None:
    (folder / "data" / "more").mkdir(parents=True)
    (folder / "data" / "_tmp").mkdir()
    for name in ("part-2.csv", "part-10.csv", "more/x.csv"):
        written(folder / "data", name, f"name\n{name}\n")
    for name in (".hidden.csv", "_SUCCESS", "README.md", "_tmp/y.csv"):
        written(folder / "data", name, "no\n")
    assert [row["name"] for row in rows_of(open_source("data"))] == ["more/x.csv", "part-2.csv", "part-10.csv"]


def test_a_folder_without_data_files(folder: Path) -> None:
    (folder / "empty").mkdir()
    refused("empty", "the folder empty holds no data file", hint=".csv")
    written(folder, "empty/notes.html", "x")
    refused("empty", "it holds 1 of other kinds")


def test_a_folder_of_several_formats(folder: Path) -> None:
    (folder / "mixed").mkdir()
    written(folder, "mixed/a.csv", "a\n1\n")
    written(folder, "mixed/b.jsonl", '{"a": 1}')
    refused("mixed", "several formats: 1 csv, 1 jsonl", hint="mixed/**/*.csv")
    assert len(rows_of(open_source("mixed/**/*.csv"))) == 1


def test_a_glob(folder: Path) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    for name in ("a1.csv", "a2.csv", "b.csv", "deep/a3.csv", "deep/er/a4.csv"):
        written(folder, name, f"n\n{name[-5]}\n")
    assert [row["n"] for row in rows_of(open_source("a?.csv"))] == [1, 2]
    assert [row["n"] for row in rows_of(open_source("**/a[13].csv"))] == [1, 3]
    refused("x*.csv", "no file matches x*.csv")
    refused("nowhere/*.csv", "no file matches nowhere/*.csv")
    written(folder, "odd[1].csv", "n\n9\n")
    assert rows_of(open_source("odd[1].csv")) == [{"n": 9}]


def test_links_to_folders_are_followed_once(folder: Path) -> None:
    for name in ("data/real", "other"):
        (folder / name).mkdir(parents=True)
    for name in ("data/a.csv", "data/real/b.csv", "other/c.csv", "outside.csv"):
        written(folder, name, f"n\n{name[-5]}\n")
    links = {"sub": "../other", "too": "../other", "self": ".", "me": ".", "up": "..", "again": "real"}
    for link, target in links.items():
        os.symlink(target, f"data/{link}")
    for location in ("data", "data/**/*.csv", "d*/**", f"{folder}/data/**/**/*.csv"):
        assert [row["n"] for row in rows_of(open_source(location))] == ["a", "b", "c"]
    os.chdir("data")
    assert [row["n"] for row in rows_of(open_source("**/[bc].csv"))] == ["b", "c"]
    assert [row["n"] for row in rows_of(open_source("**/real/*.csv"))] == ["b"]


def test_a_pipe_in_a_folder_is_no_file(folder: Path) -> None:
    (folder / "data").mkdir()
    written(folder, "data/a.csv", "n\n1\n")
    os.mkfifo("data/x.csv")
    assert rows_of(open_source("data")) == [{"n": 1}]
    os.symlink("gone.csv", "data/b.csv")
    refused("data", "there is no file data/b.csv")


def test_only_what_may_be_data_is_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "data").mkdir()
    for name in ("a.csv", "b.html", "c.csv"):
        written(folder / "data", name, "n\n1\n")
    looked: list[str] = []

    def is_file(path: str) -> bool:
        looked.append(path)
        return True

    monkeypatch.setattr(locate, "_is_file", is_file)
    assert len(rows_of(open_source("data"))) == 2
    assert sorted(looked) == ["data/a.csv", "data/c.csv"]
    looked.clear()
    assert len(rows_of(open_source("data", format="csv"))) == 3
    assert len(looked) == 3


def test_an_ending_that_tells_nothing(folder: Path) -> None:
    refused(written(folder, "a.dat", "a\n1\n"), "a.dat", "does not tell the format", hint=".parquet")
    # No other ending and no --input-format make these a corpus.
    others = "corpora are files that end in .csv"
    refused(written(folder, "a.xlsx", b"PK\x03\x04..."), "a.xlsx is a ZIP archive or an Excel", hint=others)
    refused(written(folder, "a.pdf", b"%PDF-1.7"), "a.pdf is a PDF file", hint=others)
    refused(str(written(folder, "b.dat", "a\n1\n")).replace("b.dat", "?.dat"), "does not tell the format")
    assert rows_of(open_source("a.dat", format="csv")) == [{"a": 1}]
    written(folder, "c.dat", '{"a": 1}')
    assert rows_of(open_source("c.dat")) == [{"a": 1}]
    pq.write_table(pa.table({"a": [1]}), "d.data")
    assert rows_of(open_source("d.data")) == [{"a": 1}]


def test_formats_by_name(folder: Path) -> None:
    written(folder, "a.csv", "a\tb\n1\t2\n")
    assert rows_of(open_source("a.csv", format="TSV")) == [{"a": 1, "b": 2}]
    with pytest.raises(Exception, match="`xml` is not a known format"):
        open_source("a.csv", format="xml")


def test_addresses(folder: Path) -> None:
    path = written(folder, "a b.csv", "a\n1\n")
    assert rows_of(open_source("file://" + path.replace(" ", "%20"))) == [{"a": 1}]
    for address in ("ftp://example.org/x.csv", "mysql://someone:planted@host/db?table=x"):
        refused(address, address.partition("/")[0], "are not known", hint="known are s3://")
    refused("gcs://bucket/x.parquet", "gcs://", hint="write gs://")


def test_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    written(folder, "a.csv", "a\n1\n")
    assert rows_of(open_source("~/a.csv")) == [{"a": 1}]
    assert rows_of(open_source(Path("a.csv"))) == [{"a": 1}]


READ_AS_NOBODY = """
import os, sys
from falconql.runtime.errors import DataError
from falconql.runtime.io import open_sink, open_source
from falconql.runtime.io import csv, csv_writer, sinks, source
import pyarrow as pa, pyarrow.csv
if os.geteuid() == 0:
    os.setuid(65534)
for what in sys.argv[1:]:
    try:
        if what.endswith(".out.csv"):
            open_sink(what, pa.schema({"a": pa.int64()}))
        else:
            open_source(what)
        print("opened")
    except DataError as error:
        print(error.message)
"""


def test_what_may_not_be_read_or_written() -> None:
    with tempfile.TemporaryDirectory() as name:  # not `tmp_path`, which nobody else may enter
        folder = Path(name)
        folder.chmod(0o755)
        closed = folder / "closed"
        closed.mkdir()
        written(closed, "a.csv", "a\n1\n")
        shut = written(folder, "shut.csv", "a\n1\n")
        os.chmod(shut, 0)
        closed.chmod(0)
        folder.chmod(0o555)
        names = [str(closed), str(closed / "a.csv"), shut, str(closed / "x.out.csv"), str(folder / "y.out.csv")]
        code, root = READ_AS_NOBODY, Path(__file__).parents[3]
        done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, cwd=root)
        folder.chmod(0o755)
        closed.chmod(0o700)
    lines = done.stdout.splitlines()
    assert len(lines) == len(names), done.stderr
    for name, line in zip(names, lines, strict=True):
        assert "ermission" in line, (name, line)
        assert name in line
