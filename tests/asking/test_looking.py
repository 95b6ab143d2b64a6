"""What a sample of a corpus shows to its planner."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falconql.asking import plan
from falconql.asking.corpus import look_at
from falconql.errors import AskError
from falconql.llm.endpoint import Endpoint
from falconql.runtime.io import open_source
from tests.asking.server import Say, serving


def test_dates_beyond_what_python_has_are_shown_to_no_planner(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    days = pa.array([2**31 - 1, 1], pa.int32())
    pq.write_table(pa.table({"text": ["a", "b"], "due": days.cast(pa.date32())}), path)
    corpus = look_at(open_source(str(path)))
    assert [row["due"] for row in corpus.rows] == [None, dt.date(1970, 1, 2)]
    assert corpus.columns[1].values == (dt.date(1970, 1, 2), dt.date(1970, 1, 2))


def test_columns_that_share_a_name_are_known_to_the_checker_alone(tmp_path: Path) -> None:
    path = tmp_path / "dup.csv"
    path.write_text("id,text,id,score\n1,a,2,5\n3,b,4,6\n")
    with serving([Say("select id"), Say("select score")]) as server:
        answer = plan("show the score", str(path), endpoint=Endpoint(server.url, "k", "m"))
    assert answer.tries[0].fault.diagnostics[0]["code"] == "FQL105"
    assert "2 columns called `id`" in server.requests[1]["messages"][-1]["content"]
    assert "id: Int" not in server.requests[0]["messages"][-1]["content"]
    assert answer.query.text == "select score\n"
    with serving([Say("select *\norder by score")]) as server:
        answer = plan("all, sorted by score", str(path), endpoint=Endpoint(server.url, "k", "m"))
    assert answer.query.text == "select text, score\n\norder by score\n"
    assert "columns called `id` are not shown: several share the name" in answer.notes


def test_columns_that_no_query_can_name_are_not_told_of(tmp_path: Path) -> None:
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "in two\nlines": [1, 2], "": [3, 4], "not": [5, 6]}), path)
    with serving([Say("where `not` = 5")]) as server:
        answer = plan("where `not` is 5", str(path), endpoint=Endpoint(server.url, "k", "m"))
    told = server.requests[0]["messages"][-1]["content"]
    assert "lines" not in told
    assert "``" not in told
    assert "`not`: Int, 5 to 6" in told
    assert answer.query.text == "where `not` = 5\n"
    assert answer.query.run(str(path)).to_arrow()["in two\nlines"].to_pylist() == [1]


def test_a_corpus_without_a_column_of_its_own_name_is_told(tmp_path: Path) -> None:
    path = tmp_path / "dup.csv"
    path.write_text("id,id\n1,2\n")
    with serving([Say("select id")]) as server, pytest.raises(AskError, match="no column of dup has a name that"):
        plan("show the id", str(path), endpoint=Endpoint(server.url, "k", "m"))
