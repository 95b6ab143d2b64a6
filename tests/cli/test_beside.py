"""What is written beside a result: it takes the place of nothing but a file of its own."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.shell import falconql


def test_metrics_through_a_link_or_to_a_device(folder: Path) -> None:
    (folder / "real.json").write_text("old")
    for link, target in (("link.json", "real.json"), ("null.json", "/dev/null")):
        os.symlink(target, link)
        assert falconql("run", "-e", "select id", "--from", "reviews.csv", "--metrics", link).status == 0
        assert Path(link).is_symlink()
    assert "plan" in json.loads(Path("real.json").read_text())
    assert not Path("/dev/null").is_file()


def test_metrics_with_a_name_as_long_as_the_system_allows(folder: Path) -> None:
    name = "長" * 83 + ".json"
    assert falconql("run", "-e", "select id", "--from", "reviews.csv", "--metrics", name).status == 0
    assert "plan" in json.loads(Path(name).read_text())


@pytest.mark.parametrize("name", ["array.json", "packed.json.gz", "packed.parquet"])
def test_a_corpus_that_is_read_from_a_copy_is_not_replaced(folder: Path, name: str) -> None:
    data = b'[{"id": 1}, {"id": 2}]'
    if name == "packed.parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"id": [1, 2]}), sink)
        data = sink.getvalue().to_pybytes()
    data = data if name == "array.json" else gzip.compress(data)
    (folder / name).write_bytes(data)
    done = falconql("run", "-e", "select id", "--from", name, "--metrics", name)
    assert (done.status, done.out) == (2, "")
    assert f"--metrics would replace {name}, which the query reads" in done.err
    assert (folder / name).read_bytes() == data


def test_a_query_is_not_replaced_by_its_rows(folder: Path) -> None:
    Path("mine.fql").write_text("select id")
    done = falconql("run", "mine.fql", "--from", "reviews.csv", "-o", "mine.fql", "--format", "csv")
    assert (done.status, Path("mine.fql").read_text()) == (2, "select id")
    assert "-o would replace mine.fql, which the query reads" in done.err


def test_pages_through_a_link(folder: Path) -> None:
    gold = {"text": "Solid laptop for $1,200.", "instruction": "Is it good?", "answer": True}
    Path("gold.jsonl").write_text(json.dumps(gold), encoding="utf-8")
    words = ("-e", 'where label("Is it good?") select id', "--from", "reviews.csv", "--report", "page.html")
    os.symlink("real.html", "page.html")
    for command in (("run", *words), ("eval", *words, "--gold", "gold.jsonl")):
        Path("real.html").write_text("old")
        done = falconql(*command)
        assert done.status == 0, done.err
        assert Path("page.html").is_symlink()
        assert "<!doctype html>" in Path("real.html").read_text(encoding="utf-8")
