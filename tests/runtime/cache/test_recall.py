"""Queries with a cache: the same rows, and nothing is asked twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import falconql
from falconql.check.typed import TypedQuery
from falconql.plan.planner import plan_query
from falconql.runtime.cache import open_cache
from falconql.runtime.context import ExecContext
from falconql.runtime.executor import execute_to_table
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.proxy.decoding import softmax
from falconql.runtime.proxy.reading import Reading, reading_of
from tests.fakes import FakeProxy, FakeSource
from tests.plan.trees import TABLE, queries

REVIEWS = {
    "id": list(range(60)),
    "text": [
        f"Anna paid {n * 7} to Bob{n}, {'good' if n % 3 else 'bad'} {'cat' if n % 2 else 'dog'}" for n in range(60)
    ],
}


class ReadingProxy(FakeProxy):
    """Reads every word with probabilities that follow from it, the instruction and the text."""

    fingerprint = "reading-1"

    def span_threshold(self, instruction: str) -> float:
        return 0.3 if instruction.endswith("?") else 0.6

    def read_spans(self, texts: Sequence[str], instructions: Sequence[str], lowest: float) -> list[Reading]:
        self._count(texts, instructions)
        return [reading_of(*_words(text, asked), lowest) for text, asked in zip(texts, instructions, strict=True)]


def _words(text: str, asked: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    words = list(re.finditer(r"\S+", text))
    digests = [hashlib.blake2b(f"{asked}\0{text}\0{m.start()}".encode(), digest_size=12).digest() for m in words]
    logits = np.array([np.frombuffer(d, "<u4") / 2**30 for d in digests], dtype=np.float32).reshape(-1, 3)
    return np.array([m.start() for m in words]), np.array([m.end() for m in words]), softmax(logits)


def run(text: str, cache: Path | bool, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any], list[Any]]:
    """Run a query over the reviews; return rows, metrics, and what the proxy was asked."""
    proxy = ReadingProxy()
    result = falconql.query(text).run(REVIEWS, proxy=proxy, cache=cache, **options)
    return result.to_arrow().to_pylist(), result.metrics, proxy.asked


def executed(typed: TypedQuery, root: Path | None) -> tuple[list[Any], RunMetrics, FakeProxy]:
    proxy = FakeProxy()
    ctx = ExecContext(FakeSource(TABLE), proxy, batch_rows=16)
    if root is not None:
        ctx.cache = open_cache(root, proxy.fingerprint, proxy.name)
    rows = execute_to_table(plan_query(typed).plan, ctx).to_pylist()
    return list(map(str, rows)), ctx.metrics, proxy


@settings(max_examples=100)
@given(queries())
def test_with_a_cache_the_rows_are_the_same_and_the_second_run_asks_nothing(
    tmp_path_factory: pytest.TempPathFactory, typed: TypedQuery
) -> None:
    root = tmp_path_factory.mktemp("cache")
    expected, _, uncached = executed(typed, None)
    first, metrics, proxy = executed(typed, root)
    assert (first, len(proxy.asked)) == (expected, len(uncached.asked))
    again, metrics, proxy = executed(typed, root)
    assert again == expected
    assert proxy.asked == []
    assert (metrics.model_calls, metrics.model_tokens) == (0, 0)


QUERY = 'where label("has cat") and score(label("random 1")) > 0.4 select id, who: spans("Extract a name")'


WHERE = 'where label("has cat") and score(label("random 1")) > 0.4 '


@pytest.mark.parametrize(
    "changed",
    [
        'where label("has cat", threshold: 0.05) and label("random 1") select id, who: spans("Extract a name")',
        'where label("has cat") and score(label("random 1")) > 0.6 select id, who: spans("Extract a name")',
        'where score(label("random 1")) > 0.4 and label("has cat") select who: spans("Extract a name"), id',
        WHERE + "select id, text order by id desc limit 3",
        WHERE + 'select id, who: spans("Extract a name", threshold: 0.9)',
        WHERE + 'select id, who: spans("Extract a name", threshold: 0.01)',
        WHERE + 'select id, who: span("Extract a name")',
    ],
)
def test_another_threshold_order_or_selection_costs_no_call(tmp_path: Path, changed: str) -> None:
    """As long as it is about rows that were asked about; the first run is about all of them."""
    run('select a: score(label("has cat")), b: score(label("random 1")), c: spans("Extract a name")', tmp_path)
    rows, metrics, asked = run(changed, tmp_path)
    assert asked == []
    assert metrics["model_calls"] == 0
    assert metrics["cache_hits"] > 0
    assert rows == run(changed, False)[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4))
def test_spans_of_any_threshold_are_those_of_an_uncached_run(tmp_path: Path, thresholds: list[float]) -> None:
    for threshold in thresholds:
        text = (
            f'select id, a: spans("Extract a name", threshold: {threshold:.6f}), b: span("Who is it?", threshold: 0.2)'
        )
        assert run(text, tmp_path)[0] == run(text, False)[0]


def test_a_new_condition_is_asked_only_where_the_old_one_leaves_rows(tmp_path: Path) -> None:
    run('where label("has cat") select id', tmp_path)
    rows, metrics, asked = run('where label("random 2") and label("has cat") select id', tmp_path)
    assert {instruction for _, instruction in asked} == {"random 2"}
    assert len(asked) == metrics["model_calls"] == 30
    assert rows == run('where label("random 2") and label("has cat") select id', False)[0]


def test_results_that_quote_others_are_found(tmp_path: Path) -> None:
    text = 'let who = span("Extract a name") where label("Does {who} like it?", threshold: 0.3) select id, who'
    expected = run(text, False)[0]
    assert run(text, tmp_path)[0] == expected
    assert run(text, tmp_path)[2] == []


def test_choices_are_found(tmp_path: Path) -> None:
    text = 'select id, c: choose("random", "1", "2", "3")'
    expected, metrics, _ = run(text, tmp_path)
    assert metrics["model_calls"] == 180
    again, metrics, asked = run(text, tmp_path)
    assert (again, asked, metrics["cache_hits"]) == (expected, [], 180)
    # One more choice costs one call per text.
    assert len(run('select id, c: choose("random", "1", "2", "3", "4")', tmp_path)[2]) == 60


def test_another_proxy_is_asked_itself(tmp_path: Path) -> None:
    run(QUERY, tmp_path)
    other = ReadingProxy()
    other.fingerprint = "reading-2"
    falconql.query(QUERY).run(REVIEWS, proxy=other, cache=tmp_path)
    assert other.asked


def test_files_of_one_proxy_put_into_the_folder_of_another_are_not_trusted(tmp_path: Path) -> None:
    run(QUERY, tmp_path)
    (folder,) = tmp_path.iterdir()
    other = ReadingProxy()
    other.fingerprint = "reading-2"
    folder.rename(tmp_path / open_cache(tmp_path, "reading-2", "x").folder.name)
    falconql.query(QUERY).run(REVIEWS, proxy=other, cache=tmp_path)
    assert other.asked


def test_a_damaged_cache_gives_the_same_rows(tmp_path: Path) -> None:
    expected = run(QUERY, tmp_path)[0]
    for path in tmp_path.rglob("*.run1"):
        path.write_bytes(bytes(byte ^ 0x55 if at % 50 == 40 else byte for at, byte in enumerate(path.read_bytes())))
    rows, metrics, _ = run(QUERY, tmp_path)
    assert rows == expected
    assert metrics["model_calls"] > 0
    assert run(QUERY, tmp_path)[2] == []


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(falconql.runtime.cache.CacheWarning, match="not kept") as warned:
        rows = run(QUERY, tmp_path / "file" / "cache")[0]
    assert len(warned) == 1
    assert rows == run(QUERY, False)[0]


def test_a_run_that_is_stopped_keeps_what_it_computed(tmp_path: Path) -> None:
    started = falconql.query('where label("has cat") select id').start(
        pa.table(REVIEWS), proxy=ReadingProxy(), cache=tmp_path
    )
    started.ctx.batch_rows = 16
    batches = started.batches()
    next(batches)
    batches.close()
    assert started.metrics.model_calls > 0
    assert run('where label("has cat") select id', tmp_path)[1]["cache_hits"] == started.metrics.model_calls


def test_the_environment_turns_it_off_and_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FALCONQL_CACHE", "off")
    falconql.query(QUERY).run(REVIEWS, proxy=ReadingProxy())
    assert not (tmp_path / "home").exists()
    monkeypatch.setenv("FALCONQL_CACHE", str(tmp_path / "named"))
    falconql.query(QUERY).run(REVIEWS, proxy=ReadingProxy())
    assert list((tmp_path / "named").rglob("*.run1"))
    monkeypatch.delenv("FALCONQL_CACHE")
    falconql.query(QUERY).run(REVIEWS, proxy=ReadingProxy())
    assert list((tmp_path / "home" / "cache").rglob("*.run1"))


@pytest.mark.parametrize("limit", ["a lot", "-1GB", "0", "10kB"])
def test_a_limit_that_is_none_says_what_to_write(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCONQL_CACHE_LIMIT", limit)
    with pytest.raises(falconql.ConfigError, match="is no size") as raised:
        run(QUERY, True)
    assert raised.value.hint is not None
