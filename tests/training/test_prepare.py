"""Which texts examples are made from, whatever makes them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falconql.training.config import KESTREL, read_config
from falconql.training.sources import CORPORA, corpora_in, read_corpus
from tests.training.made_data import write_sets

FILMS: list[dict[str, Any]] = [
    {"description": "A widow falls in love in Paris.", "genres": ["Dramas"]},
    {"description": "Two fools rob a bank.", "genres": ["Comedies"]},
    {"description": None, "genres": ["Dramas"]},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = write_sets(tmp_path / "data", rows=60)
    (folder / "corpora").mkdir()
    pq.write_table(pa.Table.from_pylist(FILMS), folder / "corpora" / "netflix_titles.parquet")
    papers = [{"abstract": "We prove a theorem.", "title": "On it"}]
    pq.write_table(pa.Table.from_pylist(papers), folder / "corpora" / "arxiv_abstracts.parquet")
    return folder


def test_a_corpus_is_read_by_its_text_and_rows_without_one_are_left_out(data: Path) -> None:
    films = read_corpus(data, "corpora/netflix_titles")
    assert [(film["text"], film["genres"]) for film in films] == [
        ("A widow falls in love in Paris.", ["Dramas"]),
        ("Two fools rob a bank.", ["Comedies"]),
    ]
    assert read_corpus(data, "corpora/arxiv_abstracts") == [{"text": "We prove a theorem.", "genres": []}]


def test_corpora_are_those_that_are_there_and_allowed(data: Path) -> None:
    names = {each.name for each in corpora_in(data)}
    assert names == {"corpora/netflix_titles", "corpora/arxiv_abstracts"}
    assert {each.name for each in corpora_in(data, leave_out=["corpora/netflix_titles"])} == {"corpora/arxiv_abstracts"}
    stated = {each.name for each in CORPORA if each.stated}
    assert {each.name for each in corpora_in(data, stated_only=True)} == names & stated == set()


def test_what_kestrel_is_made_from_takes_nothing_from_the_corpora(data: Path) -> None:
    config, _ = read_config(KESTREL)
    assert not corpora_in(data, leave_out=config.leave_out)


@pytest.mark.train
def test_no_kind_of_example_uses_a_text_of_an_evaluation_split(data: Path) -> None:
    pytest.importorskip("torch")
    from falconql.training.config import DataConfig
    from falconql.training.overlap import fingerprint, fingerprints
    from falconql.training.prepare import training_examples
    from falconql.training.sources import evaluation_texts, read_split

    # One of the films is also a text of a development split, and one question's paragraph is, too.
    planted = pq.read_table(next(data.glob("classify/*/dev.parquet")))
    rows: list[dict[str, Any]] = [{**planted.to_pylist()[0], "text": FILMS[0]["description"]}]
    path = next(data.glob("classify/*/dev.parquet"))
    pq.write_table(pa.concat_tables([planted, pa.Table.from_pylist(rows, schema=planted.schema)]), path)
    assert FILMS[0]["description"] in {row["text"] for row in read_split(data, f"classify/{path.parent.name}", "dev")}
    banned = fingerprints(evaluation_texts(data))
    shares = {"spans": 0.2, "patterns": 0.3, "kinds": 0.2, "genres": 0.3}
    config = DataConfig(1, 64, 3, False, [], shares)
    drawn = list(islice(training_examples(config, data, data), 400))
    assert {task for task, _ in drawn} >= {"spans", "kinds", "genres"}
    assert not [example.text for _, example in drawn if fingerprint(example.text) in banned]
    assert "Two fools rob a bank." in {example.text for _, example in drawn}
