"""Everything a user can hand over that cannot work: one message, the right status, nothing half written."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.shell import Done, falconql

KESTREL = Path("falconql/runtime/proxy/kestrel").resolve()


def failed(done: Done, status: int, *said: str) -> None:
    """Assert a failure with one message that says all of this, and no data."""
    assert done.status == status, done
    assert done.out == ""
    messages = [line for line in done.err.splitlines() if line.startswith("error")]
    assert len(messages) == 1, done.err
    for words in said:
        assert words in done.err


def test_empty_query_file(folder: Path) -> None:
    (folder / "q.fql").write_text("")
    failed(falconql("run", "q.fql", "--from", "reviews.csv"), 1, "FQL001", "the query is empty", "q.fql:1:1")


def test_empty_corpus(folder: Path) -> None:
    (folder / "empty.csv").touch()
    failed(falconql("run", "-e", "select id", "--from", "empty.csv"), 1, "empty.csv is empty")


def test_corpus_with_a_header_only_gives_no_rows(folder: Path) -> None:
    (folder / "head.csv").write_text("id,text\n")
    done = falconql("run", "-e", 'where label("Is it good?") select id', "--from", "head.csv", "--format", "jsonl")
    assert (done.status, done.out) == (0, "")


def test_one_row(folder: Path) -> None:
    (folder / "one.csv").write_text("id,text\n7,fine\n")
    done = falconql("run", "-e", "select id, text", "--from", "one.csv", "--format", "jsonl")
    assert (done.status, json.loads(done.out)) == (0, {"id": 7, "text": "fine"})


def test_nulls_in_every_column(folder: Path) -> None:
    schema = pa.schema({"id": pa.int64(), "text": pa.string(), "day": pa.date32(), "parts": pa.list_(pa.string())})
    pq.write_table(pa.table({name: [None, None] for name in schema.names}, schema), "nulls.parquet")
    query = 'let good = label("Is it good?") select *, good, s: score(good), n: length(parts), what: span("The part")'
    done = falconql("run", "-e", query, "--from", "nulls.parquet", "--format", "jsonl")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 0
    assert len(rows) == 2
    assert set(rows[0].values()) == {None}
    kept = falconql("run", "-e", 'where label("Is it good?") or id > 1', "--from", "nulls.parquet", "--format", "jsonl")
    assert (kept.status, kept.out) == (0, "")


def test_a_text_of_a_megabyte(folder: Path) -> None:
    text = "The quick brown fox paid $12 for a drum. " * 25_600
    assert len(text) > 1_000_000
    pq.write_table(pa.table({"text": [text[:2_000], text]}), "long.parquet")
    query = 'where text contains "drum" select n: length(text), lower(text)'
    done = falconql("run", "-e", query, "--from", "long.parquet")
    assert done.status == 0
    assert str(len(text)) in done.out
    assert max(map(len, done.out.splitlines())) <= 120


@pytest.mark.slow
def test_model_calls_on_a_text_of_a_megabyte(folder: Path) -> None:
    text = "The quick brown fox paid $12 for a drum. " * 25_600
    pq.write_table(pa.table({"text": [text]}), "long.parquet")
    query = 'select prices: spans("Extract the price"), good: label("Is it about an animal?")'
    done = falconql("run", "-e", query, "--from", "long.parquet", "--format", "jsonl")
    assert done.status == 0
    for span in json.loads(done.out)["prices"]:
        assert text[span["start"] : span["end"]] == span["text"]


def test_corpus_that_is_not_utf8(folder: Path) -> None:
    (folder / "latin.csv").write_bytes(b"id,text\n1,ok\n2,caf\xe9\n")
    done = falconql("run", "-e", "select text", "--from", "latin.csv", "-o", "out.csv")
    failed(done, 1, "latin.csv is not UTF-8", "0xe9", "line 3", "iconv")
    assert not (folder / "out.csv").exists()


def test_query_that_is_not_utf8(folder: Path) -> None:
    (folder / "q.fql").write_bytes(b'-- prices\nwhere text = "caf\xe9"')
    failed(falconql("run", "q.fql", "--from", "reviews.csv"), 1, "q.fql is not UTF-8", "line 2")
    failed(falconql("check", "-", stdin=b"where \xff"), 1, "<stdin> is not UTF-8")


def test_csv_with_a_broken_row(folder: Path) -> None:
    (folder / "broken.csv").write_text("id,text\n1,a\n2,b,c,d\n3,c\n")
    done = falconql("run", "-e", "select id", "--from", "broken.csv", "-o", "out.parquet")
    failed(done, 1, "broken.csv", "line 3", "4 fields")
    assert sorted(path.name for path in folder.iterdir()) == ["broken.csv", "reviews.csv"]


def test_broken_row_far_into_the_file_leaves_no_output(folder: Path) -> None:
    rows = "".join(f"{number},text {number}\n" for number in range(300_000))
    (folder / "late.csv").write_text(f"id,text\n{rows}oops,oops,oops\n")
    done = falconql("run", "-e", "where id >= 0 select id", "--from", "late.csv", "-o", "out.csv")
    failed(done, 1, "late.csv", "line 300002")
    assert sorted(path.name for path in folder.iterdir()) == ["late.csv", "reviews.csv"]


def test_duplicate_column_names(folder: Path) -> None:
    (folder / "twice.csv").write_text("a,a,text\n1,2,x\n")
    failed(falconql("run", "-e", "select a", "--from", "twice.csv"), 1, "2 columns called `a`")
    done = falconql("run", "-e", "select text", "--from", "twice.csv", "--format", "csv")
    assert (done.status, done.out) == (0, "text\nx\n")


def test_column_called_select(folder: Path) -> None:
    (folder / "odd.csv").write_text("select,limit,text\n1,2,x\n")
    query = "where `select` = 1 and limit = 2 select `select`, limit"
    done = falconql("run", "-e", query, "--from", "odd.csv", "--format", "jsonl")
    assert (done.status, json.loads(done.out)) == (0, {"select": 1, "limit": 2})


def test_missing_files(folder: Path) -> None:
    failed(falconql("run", "-e", "select id", "--from", "review.csv"), 1, "there is no file review.csv", "reviews.csv")
    failed(falconql("run", "nope.fql"), 1, "there is no query file nope.fql")
    (folder / "q.fql").write_text('from "gone.parquet" select id')
    failed(falconql("run", "q.fql"), 1, "gone.parquet")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("reviews.csv", None, "reviews.csv is a CSV file, not a query"),
        ("a.tsv", b"a\tb\n", "a.tsv is a TSV file"),
        ("a.jsonl", b'{"a": 1}\n', "a.jsonl is a JSON Lines file"),
        ("a.json", b"", "a.json is a JSON file"),
        ("a.parquet", b"PAR1", "a.parquet is a Parquet file"),
        ("a.feather", b"ARROW1", "a.feather is an Arrow file"),
        ("a.csv.gz", b"\x1f\x8b", "a.csv.gz is a compressed file"),
        ("a.txt", b"Great phone, love it.\n", "a.txt is a text file"),
        ("rule.txt", b"-" * 4000 + b"\nMinutes\n", "rule.txt is a text file"),
        ("rules.txt", b"-- " * 1000 + b"\nMinutes\n", "rules.txt is a text file"),
        ("data", b'[{"a": 1}]', "data is a JSON file"),
        ("data.bin", b"PAR1", "data.bin is a Parquet file"),
        ("data.xlsx", b"PK\x03\x04", "data.xlsx is a ZIP archive"),
    ],
)
def test_data_as_query(folder: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    for command in ("run", "check", "fmt"):
        failed(falconql(command, name), 1, said, "give it with --from, and a query with -e or as a .fql file")


@pytest.mark.parametrize("text", ["select id", "-- about ids\n\nSELECT id", "\ufeff\nfrom 'reviews.csv' select id"])
def test_a_query_may_be_in_a_text_file(folder: Path, text: str) -> None:
    (folder / "q.txt").write_text(text, encoding="utf-8")
    assert "is a text file" not in falconql("run", "q.txt", "--from", "reviews.csv").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "q.fql", "--from", "two/a.csv", "--from", "two/b.csv"), "--from 'two/*.csv'"),
        (("check", "-e", "select id", "--from", "a.csv.gz", "--from", "b.csv.gz"), "--from '*.csv.gz'"),
        (("run", "-e", "select id", "--from", "two/a.csv", "two/b.csv"), "--from 'two/*.csv'"),
        (("run", "-e", "select id", "--from", "two/a.csv", "two/b.csv", "two/c.csv"), "--from 'two/*.csv'"),
        (("explain", "q.fql", "--from", "two/a.csv", "two/b.csv"), "--from 'two/*.csv'"),
        (("eval", "--from", "two/a.csv", "two/b.csv", "q.fql"), "--from 'two/*.csv'"),
        (("train", "q.fql", "--name", "x", "--from", "two/a.odd", "two/b.odd"), "--from 'two/*.odd'"),
        (("ask", "how many?", "--from", "one/a.csv", "two/b.csv"), "--from 'folder/*.csv'"),
        (("grammar", "--from", "two/a.csv", "two/b.csv"), "--from 'two/*.csv'"),
        (("repl", "two/a.csv", "two/b.csv"), "repl 'two/*.csv'"),
    ],
)
def test_several_corpora(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    failed(falconql(*arguments), 2, " takes one corpus: quote a pattern, as in ", f"{said}, or give a folder")


def test_a_word_too_many_that_is_no_corpus(folder: Path) -> None:
    done = falconql("run", "q.fql", "limit", "--from", "reviews.csv")
    failed(done, 2, "Got unexpected extra argument (limit)")
    failed(falconql("run", "q.fql", "-e", "select id", "--from", "reviews.csv"), 2, "not both")


@pytest.mark.parametrize("group", ["proxies", "cache"])
def test_a_group_alone_shows_what_it_has(group: str) -> None:
    done = falconql(group)
    alone = falconql()
    assert (done.status, done.out) == (alone.status, alone.out) == (2, "")
    assert done.err.startswith("Usage: ")
    assert "Commands:" in done.err
    assert "error" not in done.err


def test_folder_as_query(folder: Path) -> None:
    failed(falconql("run", "."), 1, "is a folder, not a query file")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Run as nobody where the tests run as root, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_directory_without_permission(folder: Path) -> None:
    falconql("run", "-e", "select id", "--from", "reviews.csv")  # loads what the next run needs
    falconql("run", "-e", "select id", "--from", ".")
    closed = Path(tempfile.mkdtemp())
    try:
        shutil.copy("reviews.csv", closed / "reviews.csv")
        closed.chmod(0)
        with unprivileged():
            inside = falconql("run", "-e", "select id", "--from", str(closed / "reviews.csv"))
            whole = falconql("run", "-e", "select id", "--from", str(closed))
            output = falconql("run", "-e", "select id", "--from", "-", "-o", str(closed / "x.csv"), stdin="id\n1\n")
            beside = [
                falconql("run", "-e", "select idd", "--from", "reviews.csv", option, str(closed / name))
                for option, name in (("--report", "x.html"), ("--metrics", "x.json"))
            ]
    finally:
        closed.chmod(0o700)
        shutil.rmtree(closed)
    failed(inside, 1, str(closed), "ermission")
    failed(whole, 1, str(closed), "ermission")
    failed(output, 3, str(closed), "ermission")
    for done in beside:  # before the query is even looked at
        failed(done, 3, str(closed), "ermission")


def test_corrupt_proxy(folder: Path) -> None:
    shutil.copytree(KESTREL, folder / "broken")
    model = (folder / "broken" / "model.onnx").read_bytes()
    (folder / "broken" / "model.onnx").write_bytes(model[: len(model) // 2])
    done = falconql("run", "-e", 'where label("x")', "--from", "reviews.csv", "--proxy", "broken", "-o", "out.csv")
    failed(done, 3, "broken", "model.onnx")
    assert not (folder / "out.csv").exists()
    (folder / "broken" / "proxy.json").write_text("{")
    failed(falconql("proxies", "show", "broken"), 3, "proxy.json")
    failed(falconql("proxies", "add", "broken"), 3, "proxy.json")


def test_unknown_proxy(folder: Path) -> None:
    query = 'using "osprey" where label("x")'
    failed(falconql("run", "-e", query, "--from", "reviews.csv"), 1, "FQL302", 'using "osprey"', "^^^", "kestrel")
    given = falconql("run", "-e", query, "--from", "reviews.csv", "--proxy", "osprey")
    failed(given, 3, "osprey", "kestrel")


def test_model_call_on_a_number_column(folder: Path) -> None:
    done = falconql("run", "-e", 'where label(stars, "Is it good?")', "--from", "reviews.csv")
    failed(done, 1, "`stars` is a whole number", "^^^^^")


def test_regex_that_re2_refuses(folder: Path) -> None:
    failed(falconql("run", "-e", r"where text matches /(a)\1/", "--from", "reviews.csv"), 1, "FQL2", "^")
    failed(falconql("run", "-e", "where text matches /(?=a)/", "--from", "reviews.csv"), 1, "look-around")


def test_output_in_a_missing_folder(folder: Path) -> None:
    for option in ("-o", "--metrics"):
        done = falconql("run", "-e", "select id", "--from", "reviews.csv", option, "no/such.json")
        failed(done, 2, "there is no folder no")


def test_output_with_an_unknown_ending(folder: Path) -> None:
    done = falconql("run", "-e", "select id", "--from", "reviews.csv", "-o", "out.xlsx")
    failed(done, 2, "out.xlsx", ".parquet")


def test_existing_output_survives_a_failure(folder: Path) -> None:
    (folder / "out.csv").write_text("precious")
    (folder / "broken.csv").write_text("id,text\n1,a\n2,b,c,d\n")
    assert falconql("run", "-e", "select id", "--from", "broken.csv", "-o", "out.csv").status == 1
    assert (folder / "out.csv").read_text() == "precious"


def test_every_error_of_a_query_at_once(folder: Path) -> None:
    done = falconql("run", "-e", "where strs > 3 and label() select idd", "--from", "reviews.csv")
    assert done.status == 1
    assert [line[:5] for line in done.err.splitlines() if line.startswith("error")] == ["error"] * 3


def test_using_an_llm_that_is_not_set_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FALCONQL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    done = falconql("run", "-e", 'using llm "gpt-4o" where label("x")', "--from", "reviews.csv")
    failed(done, 1, "FQL301", "OPENAI_API_KEY", 'using llm "gpt-4o"')
    failed(falconql("run", "-e", 'where label("x")', "--from", "reviews.csv", "--proxy", "llm"), 2, "OPENAI_API_KEY")
    assert falconql("check", "-e", 'using llm "gpt-4o" where label("x")', "--from", "reviews.csv").status == 0


def test_no_corpus(folder: Path) -> None:
    failed(falconql("run", "-e", "select id"), 2, "no corpus", "--from")
    failed(falconql("run", "-e", "selec id"), 1, "FQL0")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "give a query"),
        (("run", "q.fql", "-e", "select id"), "not both"),
        (("run", "-", "--from", "-"), "standard input"),
        (("run", "-e", "select id", "-p", "x"), "NAME=VALUE"),
        (("run", "-e", "select id", "-p", "x=1", "-p", "x=2"), "twice"),
        (("run", "-e", "select id", "--limit", "-1"), "--limit"),
        (("run", "-e", "select id", "--format", "xml"), "jsonl"),
        (("runn", "q.fql"), "did you mean `run`?"),
        (("q.fql",), "falconql run q.fql"),
        (("error", "FQL9999"), "FQL9999"),
        (("fmt", "--write", "-e", "select id"), "--write"),
    ],
)
def test_wrong_usage(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    failed(falconql(*arguments), 2, said)
