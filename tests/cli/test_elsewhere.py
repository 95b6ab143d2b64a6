"""Corpora and results elsewhere, as the command line sees them: what is promised of files holds for them too."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from falconql.asking.corpus import look_at
from falconql.asking.reading import read
from falconql.runtime.io import open_source
from tests.cli.shell import falconql
from tests.runtime.io.web import Web, serving

TEXTS = "id,stars,text\n1,5,Great screen\n2,1,It broke\n3,4,Solid\n"
PLANTED = "planted"


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={"reviews.csv": TEXTS.encode()})) as started:
        yield started


def test_run_check_and_explain_take_addresses(folder: Path, web: Web) -> None:
    address = f"{web.url}/reviews.csv"
    assert json.loads(
        falconql("run", "-e", "where stars > 4 select id", "--from", address, "--format", "json").out
    ) == [{"id": 1}]
    assert falconql("check", "-e", "select stras", "--from", address).status == 1
    assert "stars > 4" in falconql("explain", "-e", "where stars > 4 select id", "--from", address).out
    assert falconql("run", "-q", "-e", f'from "{address}" select count()', "--format", "csv").out == "count\n3\n"


def test_partitions_out_and_in(folder: Path) -> None:
    done = falconql(
        "run", "-q", "-e", "select id, stars", "--from", "reviews.csv", "-o", "out", "--partition-by", "stars"
    )
    assert (done.status, done.err) == (0, "")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "_falconql", "stars=1", "stars=4", "stars=5", "stars=__HIVE_DEFAULT_PARTITION__"
    ]  # fmt: skip
    assert (
        falconql("run", "-q", "-e", "where stars > 3 select id", "--from", "out", "--format", "csv").out == "id\n3\n1\n"
    )
    assert sorted(path.name for path in folder.iterdir()) == ["out", "reviews.csv"]
    assert falconql("run", "-e", "select id", "--from", "reviews.csv", "--partition-by", "id").status == 2


def test_a_table_out_and_in(folder: Path) -> None:
    pytest.importorskip("adbc_driver_sqlite")
    arguments = ("run", "-e", "select id, stars", "--from", "reviews.csv", "-o", "sqlite:///out.db?table=found")
    assert falconql(*arguments).status == 0
    again = falconql(*arguments)
    assert (again.status, "if_exists=replace" in again.err) == (2, True)
    query = ("run", "-q", "-e", "select count()", "--from", "sqlite:///out.db?table=found", "--format", "csv")
    assert falconql(*query).out == "count\n4\n"
    assert list(Path("home/falconql-outputs").iterdir()) == []


def test_a_query_names_no_database_and_nothing_secret(folder: Path) -> None:
    for address in (
        "sqlite:///out.db?table=x",
        "postgresql://me@h/db?table=x",
        "https://a:planted@h/x.csv",
        "https://h/x?k=planted",
    ):
        done = falconql("run", "-e", f'from "{address}" select id')
        assert done.status == 1
        assert "query cannot" in done.err
        assert PLANTED not in done.err


@pytest.mark.parametrize(
    "address", ["sqlite:///out.db?table=reviews", "postgresql://me@h/db?table=x", "s3://b/x.parquet", "https://h/x.csv"]
)
def test_a_query_that_a_model_wrote_names_no_corpus(folder: Path, address: str) -> None:
    found = read(f'from "{address}"\nselect id', look_at(open_source("reviews.csv")))
    assert found.query.source is None
    assert any("named a file" in note for note in found.notes)


def test_the_grammar_that_holds_a_model_has_no_from(folder: Path) -> None:
    done = falconql("grammar", "--from", "reviews.csv")
    assert done.status == 0
    assert '"from' not in done.out
    assert "://" not in done.out


@pytest.mark.parametrize("status", [None, 403])
def test_secrets_are_nowhere(
    folder: Path, web: Web, status: int | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{PLANTED}-key")
    if status:
        web.statuses["reviews.csv"] = status
    address = f"{web.url.replace('//', f'//me:{PLANTED}1@')}/reviews.csv?sig={PLANTED}2"
    said = [
        falconql(
            "run", "-e", 'where label("is good") select id', "--from", address, "-o", "o.csv", "--metrics", "m.json"
        ),
        falconql("run", "-e", "select id", "--from", address, "--report", "r.html"),
        falconql("explain", "-e", "select id", "--from", address, "--format", "json"),
        falconql("check", "-e", "select nothing", "--from", address, "--format", "json"),
        falconql("run", "-e", "select id", "--from", "reviews.csv", "-o", f"https://me:{PLANTED}@h/x.csv?{PLANTED}"),
        falconql(
            "run", "-e", "select id", "--from", "reviews.csv", "-o", f"postgresql://me:{PLANTED}@127.0.0.1:1/x?table=t"
        ),
        falconql("repl", address, stdin=".schema\n.save q.fql\nselect id\n.save q.fql\n"),
    ]
    for done in said:
        assert PLANTED not in done.out + done.err
    assert PLANTED not in caplog.text
    for path in folder.rglob("*"):
        assert PLANTED not in str(path)
        assert not path.is_file() or PLANTED.encode() not in path.read_bytes(), path


def test_a_mistake_of_ours_shows_no_secret_in_its_traceback(folder: Path, web: Web) -> None:
    code = (
        "import falconql.runtime.io.csv as c, sys; from falconql.cli.main import main\n"
        "def broken(*a, **k): raise RuntimeError(f'{a!r} {k!r}')\n"
        "c.CsvSource.batches = broken\n"
        f"main(['run', '-e', 'select id', '--from', '{web.url}/reviews.csv?sig={PLANTED}'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert "RuntimeError" in done.stderr
    # The frame of `main` shows the line of this test's own code at most; what is printed of values must not.
    assert PLANTED not in done.stderr


def test_start_up_loads_no_driver_and_no_network(folder: Path) -> None:
    code = (
        "import sys; from falconql.cli.main import main\n"
        "try: main(['run', '-q', '-e', 'select id', '--from', 'reviews.csv'])\n"
        "except SystemExit: pass\n"
        "heavy = ('fsspec', 'adbc_driver_manager', 'huggingface_hub', 'urllib.request', 'pyarrow.fs')\n"
        "print(sorted(set(heavy) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.stderr.strip() == "[]"
