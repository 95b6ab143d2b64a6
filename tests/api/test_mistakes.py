"""What Python programs are told: texts handed over wrongly, and errors with their help."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import falconql
from falconql.proxies import Proxy
from tests.fakes import FakeProxy


@pytest.mark.parametrize("ask", ["label", "spans"])
@pytest.mark.parametrize(
    ("texts", "instruction", "said"),
    [
        ("The Lenovo costs $1,299", "has Lenovo", r"this is one text: pass a list of texts: \[text\]"),
        (b"bytes", "has Lenovo", r"pass a list of texts: \[text\]"),
        (["a", None], "has Lenovo", r"texts\[1\] is a NoneType, not a text"),
        (pd.Series(["a", np.nan]), "has Lenovo", r"texts\[1\] is a float, not a text"),
        (["a"], ["has Lenovo"], "the instruction is a list: pass one text"),
    ],
)
def test_texts_are_a_list_of_texts(ask: str, texts: Any, instruction: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        getattr(Proxy(FakeProxy()), ask)(texts, instruction)


@pytest.mark.parametrize("texts", [["a b", "c"], ("a b", "c"), pd.Series(["a b", "c"]), iter(["a b", "c"])])
def test_any_iterable_of_texts_will_do(texts: Any) -> None:
    assert Proxy(FakeProxy()).label(texts, "has a").tolist()[0] > 0.5


def test_a_table_without_rows_or_columns_has_no_more_rows() -> None:
    found = falconql.query("select *").run(pd.DataFrame())
    assert "more row" not in repr(found)


def test_an_error_says_what_helps(tmp_path: Path) -> None:
    with pytest.raises(falconql.DataError) as caught:
        falconql.query("select *").run([1, 2])
    assert caught.value.message == "a list is no corpus, which is a table"
    assert str(caught.value) == 'a list is no corpus, which is a table\n  help: name its column: {"text": texts}'
    (tmp_path / "laptops.csv").write_text("id\n1\n")
    with pytest.raises(falconql.DataError, match=r"no file .*laptop.csv\n  help: did you mean .*laptops.csv\?"):
        falconql.query("select *").run(tmp_path / "laptop.csv")


@pytest.mark.parametrize(
    "data",
    [
        ["a", "b"],
        pd.Series(["a"]),
        pl.Series(["a"]),
        pa.array(["a"]),
        pa.chunked_array([["a"]]),
        np.array(["a"]),
    ],
    ids=lambda data: f"{type(data).__module__}.{type(data).__name__}",
)
def test_a_column_is_no_table(data: Any) -> None:
    with pytest.raises(falconql.DataError, match=r'is no corpus, which is a table\n  help: .*\{"text": texts\}'):
        falconql.query("select *").run(data)


def test_rows_are_no_table() -> None:
    rows = [{"id": 1}, {"id": 2}]
    with pytest.raises(falconql.DataError, match=r"pyarrow\.Table\.from_pylist\(rows\)"):
        falconql.query("select *").run(rows)
    assert len(falconql.query("select *").run(pa.Table.from_pylist(rows))) == 2


def test_several_paths_are_no_table() -> None:
    with pytest.raises(falconql.DataError, match="a pattern reads several files"):
        falconql.query("select *").run([Path("a.csv"), Path("b.csv")])


class _Name(str):
    def __str__(self) -> str:
        return "another"


def test_a_name_that_is_more_than_a_text_stays_one() -> None:
    assert falconql.query("select body").run({_Name("body"): ["a"]}).to_arrow().to_pylist() == [{"body": "a"}]


def test_columns_by_name() -> None:
    assert falconql.query("select *").run({0: ["a"], "b": [1]}).to_arrow().to_pylist() == [{"0": "a", "b": 1}]
    with pytest.raises(falconql.QueryError, match="has 2 columns called `0`"):
        falconql.query("select `0`").run({0: ["a"], "0": ["b"]})
    assert len(falconql.query("select `0`, b: c").run({0: ["a"], "c": (1 for _ in "a")})) == 1
    with pytest.raises(falconql.DataError, match=r"the column 'text' is one text\n  help: .*\[text\]"):
        falconql.query("select *").run({"text": "ab"})


@pytest.mark.parametrize(
    "values",
    [["a", 1], ["a", float("nan")], [2**70], 3, np.zeros((2, 2)), ["\ud800"]],
    ids=["mixed", "nan", "huge", "one", "square", "no Unicode"],
)
def test_a_column_that_cannot_be_read_is_named(values: Any) -> None:
    with pytest.raises(falconql.DataError, match="the column 'odd' cannot be read"):
        falconql.query("select id").run({"id": [1, 2], "odd": values})


def test_a_lazy_frame_is_to_be_collected() -> None:
    frame = pl.LazyFrame({"id": [1]})
    with pytest.raises(falconql.DataError, match=r"frame\.collect\(\)"):
        falconql.query("select id").run(frame)
    assert len(falconql.query("select id").run(frame.collect())) == 1


def test_parameters_that_cannot_be() -> None:
    with pytest.raises(falconql.DataError, match=r"parameter \$x: '.udcff' is not Unicode"):
        falconql.query("where name = $x select name", x="\udcff")
    for values in (np.array([1]), np.array([1, 2]), pd.Series([1])):
        with pytest.raises(TypeError, match=r"parameter \$x: a (ndarray|Series) cannot stand in a query"):
            falconql.query("where id = $x select id", x=values)
    assert len(falconql.query("where id = $x select id", x=np.array(1)).run({"id": [1, 2]})) == 1


def test_what_a_proxy_reads_is_a_list_of_texts() -> None:
    proxy: Any = Proxy(FakeProxy())
    for texts in (["a good pen"], pd.Series(["a good pen"]), pl.Series(["a good pen"]), np.array(["a good pen"])):
        assert proxy.label(texts, "has good").tolist() == proxy.label(pa.array(texts), "has good").tolist()
    assert len(proxy.spans(pa.chunked_array([["Ann"], ["Bob"]]), "capitals")) == 2
    for table in (
        {"text": ["a"]},
        pd.DataFrame({"text": ["a"]}),
        pl.DataFrame({"text": ["a"]}),
        pa.table({"t": ["a"]}),
    ):
        with pytest.raises(TypeError, match=r"has columns: pass one of them"):
            proxy.label(table, "has good")


def test_a_wrong_query_is_told_by_another_process_as_by_this_one() -> None:
    with pytest.raises(falconql.QueryError) as caught:
        falconql.query("select idd").run({"id": [1]})
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert [each.code for each in again.diagnostics] == [each.code for each in caught.value.diagnostics]


def test_the_name_of_a_file_is_no_query(tmp_path: Path) -> None:
    (tmp_path / "my query.fql").write_text("select id")
    name = str(tmp_path / "my query.fql")
    with pytest.raises(falconql.DataError, match=r"is the name of a file, not a query\n  help: .*query\(Path\("):
        falconql.query(name)
    assert len(falconql.query(Path(name)).run({"id": [1]})) == 1
    assert len(falconql.query("select id -- as in ids.fql").run({"id": [1]})) == 1
    with pytest.raises(TypeError, match=r"a query is a text, or the .*Path of a file: this is a NoneType"):
        falconql.query(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"limit": -1}, {"limit": "3"}, {"order": "fastest"}, {"proxy": 3}])
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises((TypeError, ValueError, falconql.ConfigError), match=name):
        falconql.query('where label("has a") select text').run({"text": ["a"]}, **options)
