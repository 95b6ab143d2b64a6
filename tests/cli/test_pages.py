"""``.report`` in the REPL: a page takes the place of pages alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import falconql


@pytest.mark.parametrize("name", ["gold.jsonl", "page", "page.html.csv"])
def test_a_page_is_called_like_one(folder: Path, name: str) -> None:
    (folder / name).write_text("precious")
    done = falconql("repl", "reviews.csv", stdin=f"select id;\n.report {name}\n")
    assert f"{name} would be a page for a browser: let its name end in .html" in done.err
    assert (folder / name).read_text() == "precious"


@pytest.mark.parametrize("name", ["page.html", "page.HTM"])
def test_a_page_is_written_again(folder: Path, name: str) -> None:
    for _ in range(2):
        assert falconql("repl", "reviews.csv", stdin=f"select id;\n.report {name}\n").status == 0
    assert "<!doctype html>" in (folder / name).read_text(encoding="utf-8")


def test_a_page_may_go_to_a_device(folder: Path) -> None:
    assert falconql("run", "-e", "select id", "--from", "reviews.csv", "--report", "/dev/null").status == 0
    done = falconql("run", "-q", "-e", "select id", "--from", "reviews.csv", "-o", "out.csv", "--report", "/dev/stdout")
    assert (done.status, (folder / "out.csv").is_file()) == (0, True)
