"""What a sample of a corpus shows to its planner."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from falconql.asking.corpus import look_at
from falconql.runtime.io import open_source


def test_dates_beyond_what_python_has_are_shown_to_no_planner(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    days = pa.array([2**31 - 1, 1], pa.int32())
    pq.write_table(pa.table({"text": ["a", "b"], "due": days.cast(pa.date32())}), path)
    corpus = look_at(open_source(str(path)))
    assert [row["due"] for row in corpus.rows] == [None, dt.date(1970, 1, 2)]
    assert corpus.columns[1].values == (dt.date(1970, 1, 2), dt.date(1970, 1, 2))
