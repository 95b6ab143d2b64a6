"""``falconql eval`` as it is typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from falconql.runtime.proxy import find_proxy
from tests.cli.shell import falconql

QUERY = 'let happy = label("Is the customer satisfied?") where happy select id, price: spans("Extract the price"), text'


@pytest.fixture
def strict(folder: Path) -> str:
    """A proxy that is the shipped one but for a threshold that nothing reaches."""
    copy = folder / "strict"
    shutil.copytree(find_proxy("kestrel"), copy)
    manifest = json.loads((copy / "proxy.json").read_text(encoding="utf-8"))
    manifest["label"]["threshold"] = 1.0
    (copy / "proxy.json").write_text(json.dumps(manifest), encoding="utf-8")
    return str(copy)


def test_against_another_proxy(folder: Path, strict: str) -> None:
    done = falconql("eval", "-e", QUERY, "--from", "reviews.csv", "--against", strict)
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "kestrel against strict, all 4 rows of reviews.csv that reach a model call"
    assert lines[2].split() == ["call", "questions", "precision", "recall", "F1", "accuracy"]
    assert lines[3].startswith("happy ")
    assert "Rows kept by both: 0, by kestrel alone: 2, by strict alone: 0." in done.out
    assert "happy: 2 answered differently:" in done.out
    assert ". Great screen, I paid $900 and love it.\n     kestrel  yes (" in done.out
    assert "     strict   no (" in done.out


def test_json_and_a_page(folder: Path, strict: str) -> None:
    args = ("eval", "-e", QUERY, "--from", "reviews.csv", "--against", strict, "--format", "json", "--report", "e.html")
    done = falconql(*args)
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert (found["proxy"], found["against"], found["rows"]) == ("kestrel", "strict", {"drawn": 4, "of": 4})
    assert [call["kind"] for call in found["calls"]] == ["label", "spans"]
    assert found["agreement"]["here_only"] == 2
    assert len(found["calls"][0]["worst"]) == 2
    assert done.err == "e.html shows the disagreements with their texts\n"
    page = Path("e.html").read_text(encoding="utf-8")
    assert "Great screen, I paid $900 and love it." in page
    assert "<script" not in page


def test_against_gold(folder: Path) -> None:
    rows = [
        {"text": "Great screen, I paid $900 and love it.", "instruction": "Is the customer satisfied?", "answer": True},
        {"text": "Solid laptop for $1,200.", "instruction": "Extract the price", "answer": ["$1,200"]},
        {"text": "<script>", "instruction": "Is the customer satisfied?", "answer": True},
    ]
    Path("gold.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = falconql("eval", "-e", QUERY, "--from", "reviews.csv", "--gold", "gold.jsonl", "--report", "gold.html")
    assert done.status == 0, done.err
    assert done.out.startswith("kestrel against gold.jsonl, reviews.csv\n")
    assert "<script>" not in Path("gold.html").read_text(encoding="utf-8")


def test_against_the_rows_that_should_come(folder: Path) -> None:
    Path("rows.csv").write_text('id,price\n1,"[""$900""]"\n3,"[""$1,200""]"\n7,\n', encoding="utf-8")
    done = falconql("eval", "-e", QUERY, "--from", "reviews.csv", "--gold", "rows.csv")
    assert done.status == 0, done.err
    assert "rows, by id" in done.out
    assert "missing: 7" in done.out


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_a_result_is_the_same_as_itself(folder: Path, ending: str) -> None:
    done = falconql("run", "-e", QUERY, "--from", "reviews.csv", "-q", "-o", f"own.{ending}")
    assert done.status == 0, done.err
    done = falconql("eval", "-e", QUERY, "--from", "reviews.csv", "--gold", f"own.{ending}", "--format", "json")
    assert done.status == 0, done.err
    (price,) = [column for column in json.loads(done.out)["result"]["columns"] if column["name"] == "price"]
    assert (price["accuracy"]["value"], price["f1"]["value"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("gold.jsonl", "--report would replace gold.jsonl, which --gold reads"),
        ("link.html", "--report would replace link.html, which --gold reads"),
        ("reviews.csv", "--report would replace reviews.csv, which the query reads"),
        ("q.fql", "--report would replace q.fql, which the query reads"),
        ("other.csv", "other.csv would be a page for a browser: let its name end in .html"),
    ],
)
def test_the_page_takes_the_place_of_nothing(folder: Path, page: str, said: str) -> None:
    (folder / "q.fql").write_text(QUERY)
    (folder / "gold.jsonl").write_text('{"text": "x", "instruction": "Is the customer satisfied?", "answer": true}')
    (folder / "other.csv").write_text("id\n")
    (folder / "link.html").symlink_to("gold.jsonl")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    done = falconql("eval", "q.fql", "--from", "reviews.csv", "--gold", "gold.jsonl", "--report", page)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        ((), 2, "give --gold FILE or --against NAME, one of them"),
        (("--gold", "a.jsonl", "--against", "kestrel"), 2, "give --gold FILE or --against NAME, one of them"),
        (("--against", "kestrel"), 2, "'kestrel' is the proxy that is to be evaluated"),
        (("--against", "falcon"), 3, "there is no proxy 'falcon'"),
        (("--gold", "none.jsonl"), 1, "there is no file none.jsonl"),
        (("--against", "kestrel", "--report", "no/such/page.html"), 2, "no/such"),
        (("--against", "kestrel", "--seed", "-1"), 2, "-1 is not in the range"),
    ],
)
def test_what_cannot_be_evaluated_is_said(folder: Path, args: tuple[str, ...], status: int, message: str) -> None:
    done = falconql("eval", "-e", QUERY, "--from", "reviews.csv", *args)
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.status == status
    assert done.out == ""


def test_a_query_without_a_model_has_nothing_to_evaluate(folder: Path) -> None:
    done = falconql("eval", "-e", "where stars > 3 select id", "--from", "reviews.csv", "--against", "kestrel")
    assert "the query calls no model" in done.err
    assert done.status == 2
