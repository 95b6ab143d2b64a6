"""Every example runs, offline, with the proxy that ships, and gives what it promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import falconql

EXAMPLES = Path(__file__).parents[2] / "examples"
QUERIES = sorted(EXAMPLES.glob("*.fql"))
PARAMETERS: dict[str, dict[str, Any]] = {"bugs": {"minutes": 60, "most": 5}}

Rows = list[dict[str, Any]]


def _shares(rows: Rows) -> bool:
    liked, disliked = (row["positive"] for row in rows)
    return bool(liked > disliked + 0.3)


def _spans_lie_in_their_text(rows: Rows) -> bool:
    return all(row["body"][p["start"] : p["end"]] == p["text"] for row in rows for p in row["prices"])


PROMISES: dict[str, Callable[[Rows], bool]] = {
    "abstracts": lambda rows: all(0 <= row["sure"] <= 1 for row in rows),
    "bugs": lambda rows: len(rows) <= 5 and all(row["playtime_minutes"] >= 60 for row in rows),
    "complaints": lambda rows: {row["about"] for row in rows} <= {"price", "controls", "bugs", "story", "graphics"},
    "documentaries": lambda rows: all(row["sports"] or row["food"] for row in rows),
    "genres": lambda rows: sum(row["games"] for row in rows) == sum(len(row["names"]) for row in rows),
    "horror_games": lambda rows: all(row["price_inr"] < 400 for row in rows),
    "laptops": _spans_lie_in_their_text,
    "people": lambda rows: all(row["person"]["text"] and row["sure"] >= 0.5 for row in rows),
    "places": lambda rows: all(row["place"] and row["year"] >= 2015 for row in rows),
    "refunds": lambda rows: all("refund" in row["review"] for row in rows),
    "satisfied": lambda rows: 5 < len(rows) < 36,
    "tags": lambda rows: [row["games"] for row in rows] == sorted((row["games"] for row in rows), reverse=True),
    "verdicts": _shares,
}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_an_example_gives_what_it_promises(path: Path) -> None:
    query = falconql.query(path, **PARAMETERS.get(path.stem, {}))
    rows: Rows = query.run().to_arrow().to_pylist()
    assert rows
    assert PROMISES[path.stem](rows)


def test_there_are_enough_examples_each_listed_and_formatted() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert len(QUERIES) >= 12
    for path in QUERIES:
        assert f"`{path.name}`" in listed
        assert falconql.query(path).format() == path.read_text(encoding="utf-8")


def test_every_sample_is_small_and_its_source_named() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in (EXAMPLES / "data").iterdir():
        assert path.stat().st_size < 200_000
        assert f"`data/{path.name}`" in listed
