"""``run``: formats, options, and where a query and its corpus come from."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.shell import falconql

PAID = 'where text contains "$" select id, price: span("Extract the price")'


def test_table_by_default(folder: Path) -> None:
    done = falconql("run", "-e", "where stars >= 4 select id, stars, text", "--from", "reviews.csv")
    assert done.status == 0
    assert done.out.splitlines() == [
        "id  stars  text",
        "──  ─────  ──────────────────────────────────────",
        " 1      5  Great screen, I paid $900 and love it.",
        " 3      4  Solid laptop for $1,200.",
    ]
    assert done.err.startswith("2 rows from 4 · ")


def test_quiet(folder: Path) -> None:
    assert falconql("run", "-e", "select id", "--from", "reviews.csv", "-q").err == ""


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.jsonl", "out.json", "out.arrow"])
def test_output_file_by_its_ending(folder: Path, name: str) -> None:
    done = falconql("run", "-e", "where stars > 3 select id, stars", "--from", "reviews.csv", "-o", name)
    assert (done.status, done.out) == (0, "")
    again = falconql("run", "-e", "select *", "--from", name, "--format", "jsonl")
    assert [json.loads(line) for line in again.out.splitlines()] == [{"id": 1, "stars": 5}, {"id": 3, "stars": 4}]


def test_span_columns_in_each_format(folder: Path) -> None:
    assert falconql("run", "-e", PAID, "--from", "reviews.csv", "-o", "out.parquet").status == 0
    kind = pq.read_schema("out.parquet").field("price").type
    assert [field.name for field in kind] == ["text", "start", "end", "score"]
    for row in pq.read_table("out.parquet").column("price").to_pylist():
        if row is not None:
            assert set(row) == {"text", "start", "end", "score"}
    rows = [
        json.loads(line)
        for line in falconql("run", "-e", PAID, "--from", "reviews.csv", "--format", "jsonl").out.splitlines()
    ]
    as_csv = falconql("run", "-e", PAID, "--from", "reviews.csv", "--format", "csv").out.splitlines()[1:]
    assert [[str(row["id"]), row["price"]["text"] if row["price"] else ""] for row in rows] == list(csv.reader(as_csv))


def test_arrow_on_standard_output_is_a_stream(folder: Path) -> None:
    from click.testing import CliRunner

    from falconql.cli.main import main

    command = ["run", "-e", "select id", "--from", "reviews.csv", "--format", "arrow", "-q"]
    done = CliRunner().invoke(main, command)
    assert pa.ipc.open_stream(io.BytesIO(done.stdout_bytes)).read_all().to_pydict() == {"id": [1, 2, 3, 4]}


def test_format_overrides_the_ending(folder: Path) -> None:
    assert falconql("run", "-e", "select id", "--from", "reviews.csv", "-o", "out.txt", "--format", "csv").status == 0
    assert (folder / "out.txt").read_text() == "id\n1\n2\n3\n4\n"


def test_a_dash_is_standard_output(folder: Path) -> None:
    for format_ in ("csv", "table"):
        done = falconql("run", "-e", "select id limit 1", "--from", "reviews.csv", "--format", format_, "-o", "-")
        assert (done.status, done.out.split()[0]) == (0, "id")
    assert falconql("run", "-e", "select id", "--from", "reviews.csv", "-o", "-").out.startswith("id\n")
    assert {path.name for path in folder.iterdir()} == {"reviews.csv"}


@pytest.mark.parametrize("option", ["--metrics", "--report"])
def test_what_goes_beside_the_rows_goes_into_a_file(folder: Path, option: str) -> None:
    done = falconql("run", "-e", "select id", "--from", "reviews.csv", option, "-")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"error: Invalid value for {option}: - is standard output, and this goes into a file")
    assert {path.name for path in folder.iterdir()} == {"reviews.csv"}


@pytest.mark.parametrize("name", ["reviews", "reviews.dat", "reviews.json", "reviews.dat.gz", "parts"])
def test_the_format_of_a_file_whose_ending_does_not_tell_it(folder: Path, name: str) -> None:
    written = (folder / "reviews.csv").read_bytes()
    if name == "parts":
        (folder / name).mkdir()
        (folder / name / "part-0000").write_bytes(written)
    else:
        (folder / name).write_bytes(gzip.compress(written) if name.endswith(".gz") else written)
    done = falconql("run", "-e", "select id limit 1", "--from", name, "--format", "csv")
    assert done.status == 1
    assert name == "reviews.json" or "help: say it with --input-format" in done.err
    (folder / "q.fql").write_text(f'from "{name}" select id limit 1\n')
    for command in (["run", "-q"], ["check"], ["explain"]):
        done = falconql(*command, "q.fql", "--input-format", "csv")
        assert done.status == 0, done.err
        assert command[0] != "run" or done.out.splitlines()[2:] == [" 1"]
    assert falconql("grammar", "--from", name, "--input-format", "csv").out.startswith("start:")


def test_a_table_of_a_database_has_no_format(folder: Path) -> None:
    done = falconql("run", "-e", "select *", "--from", "sqlite:///a.db?table=t", "--input-format", "csv")
    assert (done.status, done.err.splitlines()[0]) == (1, "error: a table of a database has no format")


def test_a_table_goes_into_no_file(folder: Path) -> None:
    done = falconql("run", "-e", "select id", "--from", "reviews.csv", "--format", "table", "-o", "ids.csv")
    assert (done.status, done.err.splitlines()[0]) == (
        2,
        "error: --format table is for standard output: leave out -o, or name the format of a file",
    )


@pytest.mark.parametrize("command", ["run", "check", "explain"])
def test_the_name_of_a_file_behind_e(folder: Path, command: str) -> None:
    done = falconql(command, "-e", "my query.fql", "--from", "reviews.csv")
    assert (done.status, done.err.splitlines()[0]) == (
        2,
        "error: -e takes a query, and my query.fql is the name of a file: leave -e out",
    )


def test_path_after_from_is_relative_to_the_query(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "queries").mkdir()
    (folder / "queries" / "q.fql").write_text('from "../reviews.csv" where id = 2 select id')
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    done = falconql("run", "../queries/q.fql", "--format", "csv")
    assert (done.status, done.out) == (0, "id\n2\n")
    assert falconql("run", "-e", 'from "../reviews.csv" select id limit 1', "--format", "csv").out == "id\n1\n"


def test_a_home_folder_in_a_query_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "home").mkdir()
    (folder / "queries").mkdir()
    monkeypatch.setenv("HOME", str(folder / "home"))
    (folder / "home" / "x.csv").write_text("id\n7\n")
    (folder / "queries" / "q.fql").write_text('from "~/x.csv" select id')
    assert falconql("run", "queries/q.fql", "--format", "csv").out == "id\n7\n"


def test_a_home_folder_that_the_shell_leaves_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "home"))
    (folder / "home").mkdir()
    (folder / "reviews.csv").rename(folder / "home" / "reviews.csv")
    # Shells put a home folder in the place of `~` at the beginning of a word only.
    done = falconql(
        "run",
        "-e",
        "select id",
        "--from=~/reviews.csv",
        "--output=~/ids.csv",
        "--report=~/page.html",
        "--metrics=~/m.json",
    )
    assert done.status == 0, done.err
    assert {"ids.csv", "page.html", "m.json"} <= {path.name for path in (folder / "home").iterdir()}


def test_corpus_option_overrides_from(folder: Path) -> None:
    done = falconql("run", "-e", 'from "gone.csv" select id limit 1', "--from", "reviews.csv", "--format", "csv")
    assert done.out == "id\n1\n"


def test_parameters_read_as_what_is_needed(folder: Path) -> None:
    query = "where stars >= $least and text contains $word select id"
    done = falconql(
        "run", "-e", query, "--from", "reviews.csv", "-p", "least=4", "-p", "word=laptop", "--format", "csv"
    )
    assert (done.status, done.out) == (0, "id\n3\n")
    wrong = falconql("run", "-e", query, "--from", "reviews.csv", "-p", "least=many", "-p", "word=x")
    assert wrong.status == 1
    assert "$least" in wrong.err


def test_limit_takes_the_smaller(folder: Path) -> None:
    for query, limit in (("select id limit 3", "2"), ("select id limit 2", "3"), ("select id", "2")):
        done = falconql("run", "-e", query, "--from", "reviews.csv", "--limit", limit, "--format", "csv")
        assert done.out == "id\n1\n2\n"
    assert falconql("run", "-e", "select id", "--from", "reviews.csv", "--limit", "0", "--format", "csv").out == "id\n"


def test_metrics_are_those_of_explain_analyze(folder: Path) -> None:
    query = 'where stars > 0 and label("Is it good?") select id'
    falconql("run", "-e", query, "--from", "reviews.csv", "--metrics", "m.json")
    metrics = json.loads((folder / "m.json").read_text())
    done = falconql("explain", "-e", query, "--from", "reviews.csv", "--analyze", "--format", "json")
    explained = json.loads(done.out)
    assert (
        set(metrics)
        == set(explained)
        >= {
            "plan",
            "rows_in",
            "rows_out",
            "seconds",
            "model_calls",
            "model_tokens",
            "cache_hits",
            "predicates",
        }
    )
    for name in ("rows_in", "rows_out", "model_calls", "model_tokens", "cache_hits"):
        assert metrics[name] == explained[name]
    assert metrics["rows_in"] == 4
    assert metrics["model_calls"] == 3
    wanted = {"text", "cost_s", "selectivity_estimated", "selectivity_measured", "rows_in", "rows_out", "calls"}
    assert all(set(predicate) >= wanted for predicate in metrics["predicates"])


def test_order_written_gives_the_same_rows(folder: Path) -> None:
    query = 'where label("Is it about a laptop?") and stars > 3 select id, text'
    done = [
        falconql("run", "-e", query, "--from", "reviews.csv", "--format", "jsonl", "--order", order)
        for order in ("cost", "written")
    ]
    assert done[0].out == done[1].out
    shown = falconql("explain", "-e", query, "--from", "reviews.csv", "--order", "written").out
    assert shown.index("laptop") < shown.index("stars > 3")


def test_proxy_by_folder(folder: Path) -> None:
    kestrel = json.loads(falconql("proxies", "show", "kestrel", "--format", "json").out)["folder"]
    asked = (
        "run",
        "-e",
        'let s = score(label("Is it good?")) select id, s',
        "--from",
        "reviews.csv",
        "--format",
        "csv",
    )
    assert falconql(*asked, "--proxy", kestrel).out == falconql(*asked).out


def test_proxy_folder_is_relative_to_the_query(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kestrel = json.loads(falconql("proxies", "show", "kestrel", "--format", "json").out)["folder"]
    (folder / "queries").mkdir()
    (folder / "queries" / "mine").symlink_to(kestrel)
    (folder / "queries" / "q.fql").write_text('using "mine" where label("Is it good?") select id')
    assert falconql("run", "queries/q.fql", "--from", "reviews.csv").status == 0
    monkeypatch.chdir(folder / "queries")
    assert falconql("run", "-e", 'using "mine" where label("x")', "--from", "../reviews.csv").status == 0


def test_what_is_doubtful_is_said_before_the_rows(folder: Path) -> None:
    done = falconql("run", "-e", "select id, half: stars / 0", "--from", "reviews.csv", "--format", "csv")
    assert done.status == 0
    assert "warning[FQL217]" in done.err
    assert "FQL" not in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "x.csv", "--metrics", "x.csv"), "-o and --metrics name the same file, x.csv"),
        (("--report", "x", "--metrics", "./x"), "--report and --metrics name the same file, ./x"),
        (("--report", "reviews.csv"), "--report would replace reviews.csv, which the query reads"),
        (("--metrics", "query.fql"), "--metrics would replace query.fql, which the query reads"),
        (("--report", "page.html"), "--report would replace page.html, which the query reads"),
        (("--report", "gold.jsonl"), "gold.jsonl would be a page for a browser: let its name end in .html"),
        (("--report", "page"), "page would be a page for a browser"),
    ],
)
def test_nothing_is_written_over_something_else(folder: Path, options: tuple[str, ...], said: str) -> None:
    (folder / "query.fql").write_text("select id")
    (folder / "gold.jsonl").write_text("{}")
    (folder / "page.html").symlink_to("reviews.csv")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    done = falconql("run", "query.fql", "--from", "reviews.csv", *options)
    assert done.status == 2
    assert said in done.err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "sqlite:///own.db?table=reviews&if_exists=append"), "if_exists=append is read by the query"),
        (("-o", "sqlite:///own.db?table=reviews&if_exists=replace"), "if_exists=replace is read by the query"),
        (("-o", "own.db", "--format", "csv"), "own.db is the database that the query reads"),
        (("--report", "own.db"), "--report would replace own.db, which the query reads"),
    ],
)
def test_a_table_of_a_database_stays_as_it_is(folder: Path, options: tuple[str, ...], said: str) -> None:
    pytest.importorskip("adbc_driver_sqlite")
    with sqlite3.connect("own.db") as own:
        own.execute("create table reviews (id integer primary key)")
    own.close()
    before = (folder / "own.db").read_bytes()
    done = falconql("run", "-e", "select id", "--from", "sqlite:///own.db?table=reviews", *options)
    assert done.status == 2
    assert said in done.err
    assert (folder / "own.db").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["own.db", "reviews.csv"]


def test_the_result_may_take_the_place_of_its_corpus(folder: Path) -> None:
    assert falconql("run", "-e", "select id", "--from", "reviews.csv", "-o", "reviews.csv").status == 0
    assert (folder / "reviews.csv").read_text().startswith("id\n")
