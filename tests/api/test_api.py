"""``falconql.query``: data in from anywhere, rows out to anywhere."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import falconql
from tests.fakes import FakeProxy

ROWS = {"id": [1, 2, 3], "price": [2.5, 120.0, None], "text": ["a red pen", "an oak desk", "a blue pen"]}
PENS = 'where text contains "pen" select id, text order by id desc'


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(dict, id="mapping"),
        pytest.param(pa.table, id="pyarrow"),
        pytest.param(lambda rows: pa.table(rows).to_batches()[0], id="record batch"),
        pytest.param(lambda rows: pa.table(rows).to_reader(), id="reader"),
        pytest.param(pd.DataFrame, id="pandas"),
        pytest.param(pl.DataFrame, id="polars"),
        pytest.param(lambda rows: duckdb.from_arrow(pa.table(rows)), id="duckdb"),
    ],
)
def test_data_in(make: Callable[[Any], Any]) -> None:
    found = falconql.query(PENS).run(make(ROWS))
    assert found.to_arrow().to_pylist() == [{"id": 3, "text": "a blue pen"}, {"id": 1, "text": "a red pen"}]


def test_data_out() -> None:
    found = falconql.query(PENS).run(ROWS)
    assert len(found) == 2
    assert found.to_pandas()["id"].tolist() == [3, 1]
    assert found.to_polars()["id"].to_list() == [3, 1]
    assert pa.table(found).num_rows == 2
    assert pl.DataFrame(found).height == 2
    relation = duckdb.from_arrow(pa.table(found))
    assert relation.fetchall() == [(3, "a blue pen"), (1, "a red pen")]


def test_pandas_gets_whole_numbers_whole_where_some_are_null() -> None:
    rows = {"id": [2**60 + 1, None], "ok": [None, True], "n": [1, 2], "x": [0.5, None]}
    frame = falconql.query("select id, ok, n, x").run(rows).to_pandas()
    assert frame["id"].tolist() == [2**60 + 1, pd.NA]
    assert frame[frame["ok"]]["n"].tolist() == [2]
    assert frame.dtypes.map(str).tolist() == ["Int64", "boolean", "int64", "float64"]


def test_a_result_goes_to_other_processes() -> None:
    found = falconql.query('where label("Is it a pen?") select id, text').run(ROWS)
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert again.to_arrow().equals(found.to_arrow())
        assert (again.metrics, again.plan, str(again)) == (found.metrics, found.plan, str(found))


def test_a_result_does_not_keep_the_corpus() -> None:
    before = pa.total_allocated_bytes()
    found = falconql.query("select n: count()").run(pa.table({"text": ["x" * 1000] * 1000}))
    assert len(found) == 1
    assert pa.total_allocated_bytes() - before < 100_000


def test_paths(tmp_path: Path) -> None:
    pd.DataFrame(ROWS).to_parquet(tmp_path / "rows.parquet")
    for path in (tmp_path / "rows.parquet", str(tmp_path / "rows.parquet")):
        assert len(falconql.query(PENS).run(path)) == 2
    (tmp_path / "q.fql").write_text(f'from "rows.parquet" {PENS}')
    assert len(falconql.query(tmp_path / "q.fql").run()) == 2


def test_parameters() -> None:
    query = "where price < $most and day >= $since select id"
    rows = {**ROWS, "day": [dt.date(2024, 1, day) for day in (1, 2, 3)]}
    for most, since in ((100, dt.date(2024, 1, 1)), (np.float64(100.0), "2024-01-01")):
        found = falconql.query(query, most=most, since=since).run(rows)
        assert found.to_arrow()["id"].to_pylist() == [1]
    with pytest.raises(TypeError, match=r"parameter \$most: a list"):
        falconql.query(query, most=[1])
    with pytest.raises(falconql.QueryError, match=r"\$since"):
        falconql.query(query, most=1).run(rows)


def test_parameters_that_are_points_in_time() -> None:
    query = "where at >= $since select id"
    rows = {"id": [1, 2, 3], "at": [dt.datetime(2024, 1, day, 9) for day in (1, 2, 3)]}
    fine = np.datetime64("2024-01-02T09:00:00.000000001", "ns")
    for since in (fine, fine.astype("datetime64[s]"), np.datetime64("2024-01-02", "D"), pd.Timestamp(fine)):
        assert falconql.query(query, since=since).run(rows).to_arrow()["id"].to_pylist() == [2, 3]
    for nothing in (pd.NaT, np.datetime64("NaT", "ns"), None):
        with pytest.raises(falconql.QueryError, match="comparison with null"):
            falconql.query(query, since=nothing).run(rows)


def test_a_wrong_query_says_all_that_is_wrong() -> None:
    with pytest.raises(falconql.QueryError) as caught:
        falconql.query("where pric > 3 select txt").run(ROWS)
    assert [d.code for d in caught.value.diagnostics] == ["FQL101", "FQL101"]
    assert "did you mean `price`?" in str(caught.value)
    assert "where pric > 3" in str(caught.value)


def test_check_never_raises_for_a_wrong_query() -> None:
    wrong = falconql.query("where pric > 3").check(ROWS)
    assert not wrong
    assert wrong.to_dict()["ok"] is False
    assert "FQL101" in str(wrong)
    right = falconql.query("where price > 3").check(ROWS)
    assert right
    assert str(right) == ""
    assert right.to_dict()["query"]["where"] == {"column": "price", "op": ">", "value": 3}


def test_format() -> None:
    assert falconql.query("where  price>3").format() == "where price > 3\n"
    with pytest.raises(falconql.QueryError):
        falconql.query("where >").format()


def test_plan_is_data_that_can_be_kept() -> None:
    plan = falconql.query('where label("Is it blue?") and price > 1').plan(ROWS)
    assert falconql.Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("words", ['where label("x")', 'select n: share(label("x"))', 'select s: span("x")'])
def test_what_explain_expects_hangs_on_the_length_of_the_texts(words: str) -> None:
    query = falconql.query(f"text body {words}")

    def expected(text: str) -> float:
        return float(query.explain({"body": [text] * 2000}).to_dict()["llm"]["tokens"])

    assert expected("word " * 500) > 5 * expected("a word or two")


def test_explain_as_data_reads_no_more_for_a_limit_than_the_run_will() -> None:
    plan = falconql.query('text body where label("x") limit 1').explain({"body": ["a"] * 2000}).to_dict()["plan"]
    assert plan["input"]["input"]["input"]["rows_estimated"] < 100


def test_explain() -> None:
    query = falconql.query("where price > 1 select id")
    assert "Scan" in str(query.explain(ROWS))
    assert query.explain(ROWS).to_dict()["rows_in"] is None
    measured = query.explain(ROWS, analyze=True).to_dict()
    assert (measured["rows_in"], measured["rows_out"]) == (3, 2)
    assert json.dumps(measured)


def test_limit_and_order() -> None:
    query = falconql.query("where price > 1 or id > 0 select id")
    assert query.run(ROWS, limit=2).to_arrow()["id"].to_pylist() == [1, 2]
    assert query.run(ROWS, order="written").to_arrow() == query.run(ROWS).to_arrow()


def test_a_proxy_of_ones_own() -> None:
    query = falconql.query('where label("blue") select id, what: span("pen")')
    found = query.run(ROWS, proxy=FakeProxy())
    assert found.metrics["model_calls"] > 0
    assert found.plan.calls[0].kind == "label"
    own = falconql.proxy()
    assert query.run(ROWS, proxy=own).to_arrow() == query.run(ROWS, proxy="kestrel").to_arrow()


def test_repr_is_a_small_table() -> None:
    shown = repr(falconql.query("select id").run({"id": list(range(25))}))
    assert shown.splitlines()[0] == "id"
    assert shown.splitlines()[-1] == "… 15 more rows"
    assert len(shown.splitlines()) == 13


def test_wrong_data() -> None:
    with pytest.raises(falconql.DataError, match="int"):
        falconql.query("select id").run(3)
    with pytest.raises(falconql.DataError, match="do not make a table"):
        falconql.query("select id").run({"id": [1], "text": []})
    with pytest.raises(falconql.DataError, match="no file"):
        falconql.query("select id").run("missing.parquet")
    with pytest.raises(falconql.ConfigError, match="no corpus"):
        falconql.query("select id").run()


def test_an_llm_that_is_not_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FALCONQL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    query = falconql.query('using llm "gpt-5.2" where label("Is it blue?")')
    assert query.check(ROWS)
    with pytest.raises(falconql.QueryError, match="FQL301"):
        query.run(ROWS)
    with pytest.raises(falconql.ConfigError, match="no language model is set up"):
        falconql.query('where label("Is it blue?")').run(ROWS, proxy="llm:gpt-5.2")


def test_proxy() -> None:
    texts = ["I love it, best purchase ever.", "It broke at once. Terrible."]
    proxy = falconql.proxy()
    scores = proxy.label(texts, "Is the customer satisfied?")
    assert scores.shape == (2,)
    assert scores.dtype == np.float32
    assert scores[0] > 0.5 > scores[1]
    spans = proxy.spans(["Tim Cook lives in California.", ""], "Extract the person")
    assert [len(found) for found in spans][1] == 0
    for span in spans[0]:
        assert "Tim Cook lives in California."[span.start : span.end] == span.text
        assert 0 <= span.score <= 1
    assert proxy.label([], "Is it?").shape == (0,)
    assert proxy.name == "kestrel"
    with pytest.raises(falconql.ProxyError, match="osprey"):
        falconql.proxy("osprey")


def test_without_ray_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else real(name, *more))
    with pytest.raises(falconql.ConfigError, match="Ray is not installed") as missing:
        falconql.query("select n: count()").run({"text": ["a"]}, engine="ray")
    assert 'pip install "falconql[ray]"' in (missing.value.hint or "")


def test_what_is_doubtful_is_a_warning() -> None:
    with pytest.warns(UserWarning, match="FQL217"):
        falconql.query("select x: 1 / 0").run({"text": ["a"]})


def test_an_empty_corpus_name_is_an_error_of_the_query() -> None:
    for name in ("", "  "):
        asked = falconql.query(f'from "{name}" select x: 1')
        assert [diagnostic.code for diagnostic in asked.check().diagnostics] == ["FQL114"]
        with pytest.raises(falconql.QueryError, match="the name of the corpus is empty"):
            asked.run()


def test_a_query_that_needs_no_column_runs_over_repeated_names() -> None:
    for names in (["a", "a", "b"], ["a", "a", "a"]):
        table = pa.table([pa.array([1, 2])] * 3, names=names)
        assert falconql.query("select n: count()").run(table).to_arrow().to_pylist() == [{"n": 2}]
        assert falconql.query("select x: 1").run(table).to_arrow().to_pylist() == [{"x": 1}] * 2
