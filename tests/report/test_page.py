"""The data of a report and the page around it, without a browser."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import falconql
from falconql.errors import DataError
from falconql.report import Collector, page, write_page
from falconql.report.collect import MOST_OF_ONE_TEXT
from falconql.runtime.io.arrow import SPAN_TYPE
from tests.cli.shell import falconql as command
from tests.fakes import FakeProxy

QUERY = (
    'let good = label("good") where id >= 0 and good '
    'select id, body, good: score(good), who: spans("Anna"), first: span("Bob") order by id'
)
SCRIPT = "</script><script>alert(1)</script> good"
BODIES = ["Anna is good, Anna is.", "Bob is bad", "\U0001f600 good Anna and Bob", SCRIPT]


def collected(query: str = QUERY, bodies: list[str] | None = None) -> dict[str, Any]:
    texts = BODIES if bodies is None else bodies
    data = pa.table({"id": pa.array(range(len(texts)), pa.int64()), "body": pa.array(texts, pa.string())})
    run = falconql.query(query).start(data, proxy=FakeProxy())
    collector = Collector(run, query, "texts <b>")
    for _ in collector.watch(run.batches()):
        pass
    return collector.data()


def test_what_it_gathers() -> None:
    data = collected()
    assert data["summary"]["rows_in"] == 4
    assert data["total"] == len(data["rows"]) == data["summary"]["rows_out"] == 3
    assert [each["text"] for each in data["funnel"]] == ["id >= 0", "good"]
    assert [(each["rows_in"], each["rows_out"]) for each in data["funnel"]] == [(4, 4), (4, 3)]
    (scores,) = data["scores"]
    assert (sum(scores["bins"]), scores["name"]) == (4, "good")
    assert 0 < scores["threshold"] < 1
    who = data["values"][0]
    assert (who["column"], who["found"], who["top"]) == (
        "who", 4, [("Anna", 3, ["Anna"]), ("Bob", 1, ["Bob"])]
    )  # fmt: skip
    assert [column["kind"] for column in data["columns"]] == ["number", "text", "number", "span", "span"]
    assert data["highlights"] == {"1": [3, 4]}
    assert data["plan"][0]["seconds_estimated"] >= 0


def test_values_counted_as_one_are_chosen_as_one() -> None:
    text = pa.array(["a Stra\u00dfe", "a STRASSE  x", "a strasse\u0085x", "a \ufeffx"])
    spans = [{"text": t.removeprefix("a "), "start": 2, "end": len(t), "score": 0.5} for t in text.to_pylist()]
    run = falconql.query("select text, s").start(pa.table({"text": text, "s": pa.array(spans, SPAN_TYPE)}))
    collector = Collector(run, "q", "c")
    for _ in collector.watch(run.batches()):
        pass
    (value,) = collector.data()["values"]
    assert value["top"] == [
        ("STRASSE x", 2, ["STRASSE  x", "strasse\u0085x"]),
        ("Stra\u00dfe", 1, ["Stra\u00dfe"]),
        ("\ufeffx", 1, ["\ufeffx"]),
    ]


def test_spans_of_others_lack_things() -> None:
    whole = {"text": "a", "start": 0, "end": 1, "score": 0.5}
    lacking = [whole | {"text": None}, whole | {"score": None}, whole | {"score": float("nan")}]
    lists = [[whole, None], None, [None], lacking]
    data = {
        "text": pa.array(["a"] * 4),
        "s": pa.array(lists, pa.list_(SPAN_TYPE)),
        "t": pa.array([None, *lacking], SPAN_TYPE),
        "n": pa.array([[None]] * 4, pa.list_(pa.int64())),
    }
    run = falconql.query("select text, s, t, n").start(pa.table(data))
    collector = Collector(run, "q", "c")
    for _ in collector.watch(run.batches()):
        pass
    found = collector.data()
    assert [value["top"] for value in found["values"]] == [[("a", 3, ["a"])], [("a", 2, ["a"])]]
    shown = {"t": "a", "s": 0, "e": 1, "p": 0.5}
    assert [row[1] for row in found["rows"][:3]] == [[shown], None, []]
    assert found["rows"][3][1] == [shown | {"t": None}, shown | {"p": None}, shown | {"p": "nan"}]
    assert [row[2] for row in found["rows"]] == [None, *found["rows"][3][1]]
    assert [row[3] for row in found["rows"]] == ["[null]"] * 4
    assert "<!doctype html>" in page(found)


def test_values_of_others_that_look_like_spans_are_shown_as_they_are() -> None:
    like = {"text": "a", "start": "top", "end": None, "score": "high"}
    data = {"text": ["a"], "s": [like], "l": [[{"score": 5}]], "none": pa.array([[]], pa.list_(pa.int64()))}
    run = falconql.query("select text, s, l, none").start(pa.table(data))
    collector = Collector(run, "q", "c")
    for _ in collector.watch(run.batches()):
        pass
    found = collector.data()
    assert found["rows"] == [["a", json.dumps(like), '[{"score": 5}]', "[]"]]
    assert {column["kind"] for column in found["columns"]} == {"text"}


def test_what_a_page_holds_is_bounded_whatever_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falconql.report.collect.MOST_CHARACTERS", 100)
    span = {"text": "a" * 60, "start": 0, "end": 60, "score": 0.5}
    data = {"text": ["b"] * 9, "s": pa.array([[span]] * 9, pa.list_(SPAN_TYPE)), "n": [["c" * 30_000]] * 9}
    run = falconql.query("select s").start(pa.table(data))
    collector = Collector(run, "q", "c")
    for _ in collector.watch(run.batches()):
        pass
    assert len(collector.data()["rows"]) == 2
    run = falconql.query("select n").start(pa.table(data))
    collector = Collector(run, "q", "c")
    for _ in collector.watch(run.batches()):
        pass
    assert [len(row[0]) for row in collector.data()["rows"]] == [MOST_OF_ONE_TEXT + 1]


def test_an_empty_result_has_a_page() -> None:
    data = collected(bodies=[])
    assert (data["rows"], data["total"]) == ([], 0)
    assert "<!doctype html>" in page(data)


def test_nothing_of_the_data_can_end_its_element() -> None:
    text = page(collected())
    assert "<script>alert" not in text
    assert "<title>FalconQL: texts &lt;b&gt;</title>" in text
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    assert "<" not in found[1]
    assert any(row[1] == BODIES[3] for row in json.loads(found[1])["rows"])


def test_marks_in_the_data_are_not_filled_in() -> None:
    text = page(collected(bodies=["good {{script}} {{style}}"]))
    assert text.count("{{script}}") == 1
    assert text.count('"use strict"') == 1


def test_it_asks_for_nothing_from_anywhere() -> None:
    text = page(collected())
    assert not re.search(r'(?:src|href)="(?!#)', text)
    assert "default-src 'none'" in text


def test_a_long_text_is_cut_and_many_rows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falconql.report.collect.MOST_ROWS", 2)
    data = collected(bodies=["good " + "x" * MOST_OF_ONE_TEXT, "good", "good", "good"])
    assert len(data["rows"]) == 2
    assert data["total"] == 4
    assert len(data["rows"][0][1]) == MOST_OF_ONE_TEXT + 1


def test_values_are_those_of_the_result() -> None:
    data = pa.table(
        {
            "price": pa.array([1234567.89, float("nan"), None], pa.float64()),
            "number": pa.array([2**53, 2**53 + 1, -(2**53) - 1], pa.int64()),
            "at": pa.array([dt.time(12, 0), dt.time(0, 0, 1), None], pa.time64("us")),
            "text": ["a", "b", "c"],
        }
    )
    query = "select price, number, at"
    run = falconql.query(query).start(data, proxy=FakeProxy())
    collector = Collector(run, query, "values")
    for batch in run.batches():
        collector.add(batch)
    rows = collector.data()["rows"]
    assert [row[0] for row in rows] == [1234567.89, "nan", None]
    # A script reads JSON's numbers as floats, so that greater whole numbers have to be texts.
    assert [row[1] for row in rows] == [2**53, "9007199254740993", "-9007199254740993"]
    assert [row[2] for row in rows] == ["12:00:00", "00:00:01", None]


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(DataError, match=r"page\.html is a folder"):
        write_page(str(tmp_path / "page.html"), collected())
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_links_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    for link, target in (("page.html", tmp_path / "real.html"), ("null.html", Path("/dev/null"))):
        (tmp_path / link).symlink_to(target)
        write_page(str(tmp_path / link), collected())
        assert (tmp_path / link).is_symlink()
    assert "<!doctype html>" in (tmp_path / "real.html").read_text(encoding="utf-8")
    assert not Path("/dev/null").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["null.html", "page.html", "real.html"]


def test_run_writes_it_beside_other_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,text\n1,it is good\n2,it is bad\n")
    done = command("run", "-e", "where id = 1", "--from", "a.csv", "--report", "r.html", "-o", "rows.csv")
    assert done.status == 0, done.err
    assert "it is good" in (tmp_path / "r.html").read_text()
    assert (tmp_path / "rows.csv").exists()
    bad = command("run", "-e", "where id = 1", "--from", "a.csv", "--report", "no/such/r.html")
    assert bad.status == 2
    assert "no/such" in bad.err


def test_dates_beyond_what_python_has_are_shown_as_nothing(tmp_path: Path) -> None:
    far = pa.array([{"d": 2**31 - 1}, {"d": 1}], pa.struct([("d", pa.date32())]))
    run = falconql.query("select body, far").start(pa.table({"body": ["a", "b"], "far": far}))
    collector = Collector(run, "q", "c")
    for _ in collector.watch(run.batches()):
        pass
    assert [json.loads(row[1])["d"] for row in collector.data()["rows"]] == [None, "1970-01-02"]
