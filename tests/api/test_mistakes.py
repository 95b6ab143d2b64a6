"""What Python programs are told: texts handed over wrongly, and errors with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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
    assert caught.value.message == "a list is no corpus"
    assert str(caught.value).startswith("a list is no corpus\n  help: give a path, or a table of pandas, Polars")
    (tmp_path / "laptops.csv").write_text("id\n1\n")
    with pytest.raises(falconql.DataError, match=r"no file .*laptop.csv\n  help: did you mean .*laptops.csv\?"):
        falconql.query("select *").run(tmp_path / "laptop.csv")
