"""``.save`` and ``.report``: what is written, from which corpus, and what is never written over."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from shutil import copytree

import pyarrow.parquet as pq
import pytest

from falconql.runtime.proxy import find_proxy
from tests.cli.shell import falconql, piped


@pytest.fixture(autouse=True)
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    return folder


def test_what_is_saved(folder: Path) -> None:
    query = 'let good = label("Is it good?")\n\nwhere good or stars > 0 select id;\n'
    done = piped(f"{query}.save q.fql\n.save rows.parquet\n.save no/where.csv\n", "reviews.csv")
    assert "no folder" in done.err
    assert (folder / "q.fql").read_text().startswith('from  "reviews.csv"')
    assert falconql("run", "q.fql").status == 0
    assert pq.read_table(folder / "rows.parquet").column_names == ["id"]


@pytest.mark.parametrize("query", ["select id", 'from "reviews.csv" select id'])
def test_a_query_saved_elsewhere_reads_the_same_corpus(query: str, folder: Path) -> None:
    (folder / "queries").mkdir()
    (folder / "queries" / "reviews.csv").write_text("id\n77\n")
    done = piped(f"{query};\n.save queries/q.fql\n.save ./q.fql\n", "reviews.csv")
    assert done.status == 0, done.err
    expected = piped(f"{query};\n", "reviews.csv").out
    assert falconql("run", "q.fql").out == falconql("run", "queries/q.fql").out == expected
    assert (folder / "q.fql").read_text().startswith('from  "reviews.csv"')


def test_a_query_saved_below_the_working_folder_moves_with_it(folder: Path) -> None:
    (folder / "work" / "queries" / "old").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "reviews.csv").rename(folder / "data" / "reviews.csv")
    copytree(find_proxy("kestrel"), folder / "data" / "mine")
    os.symlink("queries/old", folder / "work" / "link")
    os.chdir(folder / "work")
    places = [
        "queries/q.fql",
        "queries/old/q.fql",
        "link/l.fql",
        "../q.fql",
        str(folder / "work" / "queries" / "a.fql"),
    ]
    query = 'where label("Is it a laptop?") or id > 1 select id;'
    saved = "".join(f".save {place}\n" for place in places)
    done = piped(f".set proxy ../data/mine\n{query}\n{saved}", "../data/reviews.csv")
    assert done.status == 0, done.err
    expected = falconql("run", "../q.fql").out
    assert len(expected.splitlines()) >= 5
    assert str(folder) in (folder / "q.fql").read_text()
    os.remove(folder / "q.fql")
    os.mkdir(folder / "new")
    for part in ("work", "data"):
        (folder / part).rename(folder / "new" / part)
    os.chdir(folder)
    for place in places[:3]:
        text = (folder / "new" / "work" / place).read_text()
        assert str(folder) not in text
        assert "using " in text
        assert falconql("run", f"new/work/{place}").out == expected, text


def test_a_home_folder_behind_a_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "home"))
    (folder / "home").mkdir()
    done = piped("select id;\n.save ~/q.fql\n.save ~/ids.csv\n.report ~/page.html\n.open ~/ids.csv\n", "reviews.csv")
    assert done.status == 0, done.err
    assert {path.name for path in (folder / "home").iterdir()} == {"q.fql", "ids.csv", "page.html"}


def test_a_query_is_saved_whole_or_not_at_all(folder: Path) -> None:
    (folder / "q.fql").write_text("select stars\n")
    done = piped("select id;\n.save /proc/q.fql\n", "reviews.csv")
    assert "error: /proc/q.fql cannot be written: No such file or directory" in done.err
    named = os.fsdecode(b"reviews\xff.csv")
    (folder / "reviews.csv").rename(folder / named)
    done = piped("select id;\n.save q.fql\n", named)
    assert "the name of the corpus is not UTF-8" in done.err
    assert (folder / "q.fql").read_text() == "select stars\n"


@pytest.mark.parametrize("path", ["reviews.csv", "./reviews.csv", "link.csv", "query.fql"])
@pytest.mark.parametrize("command", [".save", ".report"])
def test_nothing_is_written_over_the_corpus(command: str, path: str, folder: Path) -> None:
    (folder / "link.csv").symlink_to("reviews.csv")
    corpus = folder / "reviews.csv"
    if path == "query.fql":
        (folder / path).symlink_to("reviews.csv")
    before = corpus.read_bytes()
    done = piped(f"select id limit 1;\n{command} {path}\nselect id limit 2;\n", "reviews.csv")
    assert (done.status, corpus.read_bytes()) == (1, before)
    assert f"error: {command} would replace {path}" in done.err
    assert "2 rows from" in done.err


@pytest.mark.parametrize("first", ["select id;", 'from "reviews.csv" select id;'])
@pytest.mark.parametrize("command", [".save", ".report"])
def test_nothing_is_written_over_the_corpus_of_the_result(command: str, first: str, folder: Path) -> None:
    (folder / "other.csv").write_text("id,text\n7,good\n")
    opened, corpora = "reviews.csv", ("reviews.csv", "other.csv")
    before = [(folder / name).read_bytes() for name in corpora]
    done = piped(f"{first}\n.open other.csv\n" + "".join(f"{command} {name}\n" for name in corpora), opened)
    assert [(folder / name).read_bytes() for name in corpora] == before
    assert done.err.count(f"{command} would replace") == 2


@pytest.mark.parametrize("ending", ["", "&if_exists=append", "&if_exists=replace"])
@pytest.mark.parametrize("kept", [1 << 20, -1])
def test_nothing_is_written_into_the_table_of_the_corpus(
    ending: str, kept: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("adbc_driver_sqlite")
    monkeypatch.setattr("falconql.cli.repl.screen.MOST_KEPT_BYTES", kept)
    with sqlite3.connect("own.db") as own:
        own.execute("create table reviews (id integer primary key, text text)")
        own.execute("insert into reviews values (1, 'good'), (2, 'bad')")
    own.close()
    before = (folder / "own.db").read_bytes()
    table = f"sqlite:///{folder}/own.db?table=Reviews{ending}"
    over = "".join(f"{command} own.db\n" for command in (".save", ".report"))
    done = piped(
        f"select id;\n.save {table}\n{over}.open reviews.csv\n.save {table}\n", "sqlite:///own.db?table=reviews"
    )
    assert (folder / "own.db").read_bytes() == before
    assert done.err.count(f"error: {table} is read by the query") == 2
    assert done.err.count("would replace own.db, which the query reads") == 2
    saved = piped("select id;\n.save sqlite:///own.db?table=ids\n", "sqlite:///own.db?table=reviews")
    assert (saved.status, saved.err.count("wrote 2 rows")) == (0, 1), saved.err


@pytest.mark.parametrize("kept", [1 << 20, -1])
def test_what_is_saved_comes_from_the_corpus_that_the_query_ran_over(
    kept: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("falconql.cli.repl.screen.MOST_KEPT_BYTES", kept)
    (folder / "other.csv").write_text("id,text\n7,good\n")
    done = piped("select id;\n.open other.csv\n.save q.fql\n.save rows.csv\n.report page.html\n", "reviews.csv")
    assert done.status == 0, done.err
    assert (folder / "q.fql").read_text().startswith('from  "reviews.csv"')
    assert (folder / "rows.csv").read_text().split() == ["id", "1", "2", "3", "4"]
    page = (folder / "page.html").read_text()
    assert "<title>FalconQL: reviews.csv</title>" in page
    assert "other.csv" not in page
