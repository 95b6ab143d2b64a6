"""What queries give, whatever the order and the batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falconql.runtime.context import ExecContext
from falconql.runtime.errors import ProxyError
from falconql.runtime.executor import execute, execute_to_table
from falconql.runtime.metrics import RunMetrics
from tests.fakes import FakeProxy, FakeSource
from tests.runtime.queries import Run, plan

ROWS = 600
REVIEWS = pa.table(
    {
        "id": list(range(ROWS)),
        "body": [
            None if i % 53 == 0 else "" if i % 59 == 0 else f"Anna saw {'Bob' if i % 3 else 'Eve'} pay ${i % 90}.50"
            for i in range(ROWS)
        ],
        "title": [f"title {i % 40}" for i in range(ROWS)],
        "stars": [None if i % 11 == 0 else i % 5 + 1 for i in range(ROWS)],
        "tags": [["new", "old", "odd"][: i % 4] if i % 7 else None for i in range(ROWS)],
    }
)

model_tests = st.sampled_from(
    [
        'label("has Bob")',
        'label("has Eve")',
        'label(title, "random 1")',
        'label("random 2")',
        'not label(title, "random 3")',
        'score(label("random 4")) > 0.8',
        'exists(span("re: [1-4]0[.]50"))',
        'choose("which", "pay", "Anna") = "pay"',
        "stars >= 4",
        'title contains "3"',
        "stars is null",
    ]
)
trees = st.recursive(
    model_tests,
    lambda inner: st.one_of(
        inner.map(lambda c: f"not ({c})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=6,
)


@given(condition=trees, batch_rows=st.sampled_from([3, 64, 4096]))
@settings(max_examples=80)
def test_order_and_batch_size_never_change_results(condition: str, batch_rows: int) -> None:
    query = f'text body where {condition} select id, s: score(label("has Bob"))'
    reviews = REVIEWS.slice(0, min(ROWS, 30 * batch_rows))
    written = Run(query, reviews, written=True)
    optimised = Run(query, reviews, batch_rows=batch_rows)
    assert optimised.rows == written.rows


@given(seed=st.integers(0, 5))
def test_shuffled_rows_give_the_same_rows(seed: int) -> None:
    import random

    order = list(range(ROWS))
    random.Random(seed).shuffle(order)
    query = 'text body where label("random 1") or stars > 3 and label(title, "random 2") select id'
    assert sorted(Run(query, REVIEWS.take(order)).column("id")) == Run(query, REVIEWS).column("id")


def test_a_null_text_is_neither_true_nor_false() -> None:
    nulls = [i for i, body in enumerate(REVIEWS.column("body").to_pylist()) if body is None]
    for condition in ('label("has Bob")', 'not label("has Bob")'):
        assert not set(Run(f"text body where {condition} select id", REVIEWS).column("id")) & set(nulls)
    assert Run('text body where label("has Bob") is null select id', REVIEWS).column("id") == nulls


def test_a_label_is_true_at_its_threshold() -> None:
    table = pa.table({"text": ["one two", "one", "none"]})
    run = Run('let l = label("one two", threshold: 0.5) select l, s: score(l)', table)
    assert run.rows == [{"l": True, "s": 1.0}, {"l": True, "s": 0.5}, {"l": False, "s": 0.0}]
    assert Run('where label("has one", threshold: 0.9)', table).table.num_rows == 3
    assert Run('where label("has one", threshold: 0.91)', table).table.num_rows == 0


def test_the_same_question_is_asked_once() -> None:
    table = pa.table({"text": ["same", "same", "other"] * 50})
    run = Run('let l = label("has same") where l select text, s: score(l), again: label("has same")', table)
    assert Counter(run.proxy.asked) == {("same", "has same"): 1, ("other", "has same"): 1}
    assert run.metrics.model_calls == 2
    assert run.metrics.cache_hits == 148


def test_select_asks_only_about_kept_rows() -> None:
    run = Run('text body where id < 5 and id > 0 select id, n: first(spans("names"))', REVIEWS)
    assert run.metrics.model_calls == 4
    assert [row["n"]["text"] for row in run.rows] == ["Anna"] * 4


def test_order_by_with_limit_asks_select_only_about_the_first_rows() -> None:
    query = 'text body where stars = 5 select id, who: span("names") order by id desc limit 3'
    run = Run(query, REVIEWS)
    assert run.metrics.model_calls == 3
    assert run.column("id") == sorted(run.column("id"), reverse=True)


def test_limit_reads_no_more_than_it_needs() -> None:
    run = Run('text body where label("has Anna") select id limit 2', REVIEWS, batch_rows=32)
    assert run.column("id") == [1, 2]
    assert run.source.rows_read <= 64
    assert run.metrics.model_calls < 64


def test_limit_zero_reads_nothing() -> None:
    run = Run('text body where label("has Anna") limit 0', REVIEWS)
    assert (run.table.num_rows, run.source.rows_read, run.metrics.model_calls) == (0, 0, 0)
    assert run.table.schema.names == REVIEWS.schema.names


def test_an_instruction_quotes_values_row_by_row() -> None:
    table = pa.table({"text": ["Anna met Bob", "Eve left", None, "nobody"]})
    run = Run('each who in spans("names") let again = span("re: {who}$") select who, again, text', table)
    assert [row["who"]["text"] for row in run.rows] == ["Anna", "Bob", "Eve"]
    assert [row["again"] and row["again"]["text"] for row in run.rows] == [None, "Bob", None]
    for row in run.rows:
        assert row["text"][row["who"]["start"] : row["who"]["end"]] == row["who"]["text"]


def test_a_null_in_an_instruction_makes_the_result_null() -> None:
    table = pa.table({"text": ["a b", "a b"], "word": ["a", None]})
    assert Run('select l: label("has {word}")', table).column("l") == [True, None]


def test_each_runs_over_list_columns_and_drops_rows_without_elements() -> None:
    run = Run('each tag in tags where tag != "old" select id, tag', REVIEWS)
    expected = [
        {"id": i, "tag": tag}
        for i, tags in enumerate(REVIEWS.column("tags").to_pylist())
        for tag in tags or []
        if tag != "old"
    ]
    assert run.rows == expected


def test_nested_each_gives_every_pair() -> None:
    table = pa.table({"text": ["Anna Bob", "Eve"], "tags": [["x", "y"], ["z"]]})
    run = Run('each who in spans("names") each tag in tags select who, tag', table)
    assert [(r["who"]["text"], r["tag"]) for r in run.rows] == [
        ("Anna", "x"),
        ("Anna", "y"),
        ("Bob", "x"),
        ("Bob", "y"),
        ("Eve", "z"),
    ]


AGGREGATES = (
    "n: count(), known: count(stars), total: sum(stars), mean: avg(stars), low: min(stars), high: max(stars), "
    "part: share(stars > 3), all: collect(stars)"
)


def _expected(values: list[int | None]) -> dict[str, Any]:
    known = [v for v in values if v is not None]
    return {
        "n": len(values),
        "known": len(known),
        "total": sum(known) if known else None,
        "mean": sum(known) / len(known) if known else None,
        "low": min(known, default=None),
        "high": max(known, default=None),
        "part": sum(v > 3 for v in known) / len(known) if known else None,
        "all": known,
    }


@pytest.mark.parametrize("batch_rows", [1, 7, 4096])
def test_aggregates_treat_nulls_as_sql_does(batch_rows: int) -> None:
    run = Run(f"group by title select title, {AGGREGATES} order by title", REVIEWS, batch_rows=batch_rows)
    groups: dict[str, list[int | None]] = {}
    for title, stars in zip(REVIEWS.column("title").to_pylist(), REVIEWS.column("stars").to_pylist(), strict=True):
        groups.setdefault(title, []).append(stars)
    assert run.rows == [{"title": title, **_expected(groups[title])} for title in sorted(groups)]


def test_aggregates_without_groups_give_one_row() -> None:
    assert Run(f"select {AGGREGATES}", REVIEWS).rows == [_expected(REVIEWS.column("stars").to_pylist())]
    assert Run(f"where id > 9999 select {AGGREGATES}", REVIEWS).rows == [_expected([])]
    assert Run("where id > 9999 group by stars select stars, n: count()", REVIEWS).rows == []


def test_groups_may_be_labels_and_null() -> None:
    query = 'text body let bob = label("has Bob") group by bob select bob, n: count() order by bob'
    run = Run(query, REVIEWS)
    counted = Counter(None if b is None else "Bob" in b for b in REVIEWS.column("body").to_pylist())
    assert [(r["bob"], r["n"]) for r in run.rows] == [(k, counted[k]) for k in (False, True, None)]


@pytest.mark.parametrize("limit", ["", "limit 1", "limit 17", "limit 5000"])
def test_sorting_is_stable_and_puts_nulls_last(limit: str) -> None:
    rows = list(zip(REVIEWS.column("id").to_pylist(), REVIEWS.column("stars").to_pylist(), strict=True))
    count = int(limit.split()[1]) if limit else len(rows)
    up = sorted(rows, key=lambda r: (r[1] is None, r[1] or 0))
    down = sorted(rows, key=lambda r: (r[1] is None, -(r[1] or 0)))
    for direction, expected in (("asc", up), ("desc", down)):
        run = Run(f"select id order by stars {direction} {limit}", REVIEWS, batch_rows=50)
        assert run.column("id") == [row[0] for row in expected][:count]


@pytest.mark.parametrize(
    "query",
    [
        'where label("has x")',
        'select text, s: span("names"), c: choose("q", "a", "b"), l: spans("names")',
        'each n in spans("names") select n',
        "group by text select text, n: count()",
        "select * order by text limit 3",
    ],
)
def test_an_empty_corpus_keeps_its_columns(query: str) -> None:
    empty = pa.table({"text": pa.array([], pa.string())})
    run = Run(query, empty)
    assert run.table.num_rows == 0
    assert run.table.num_columns >= 1
    assert Run(query, pa.table({"text": ["one Row"]})).table.schema == run.table.schema


def test_a_corpus_of_nulls_runs_through_everything() -> None:
    nulls = pa.table({"text": pa.array([None] * 3, pa.string()), "n": pa.array([None] * 3, pa.int64())})
    query = (
        'let l = label("x") let s = span("y") where n is null and l is null select l, s, v: n + 1, f: first(spans("z"))'
    )
    assert Run(query, nulls).rows == [{"l": None, "s": None, "v": None, "f": None}] * 3


def test_unusual_columns_pass_through_unchanged() -> None:
    table = pa.table({"text": ["a", "b"], "raw": [{"k": 1}, None], "data": [b"x", b"y"]})
    run = Run("where raw is not null", table)
    assert run.rows == [{"text": "a", "raw": {"k": 1}, "data": b"x"}]
    assert run.table.schema.field("raw").type == table.schema.field("raw").type


PASSED_THROUGH = pa.table(
    {
        "id": [1, 2],
        "narrow": [{"x": 1}, None],
        "wide": [{"x": 5, "y": "kept"}, {"x": 6, "y": None}],
        "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
        "bytes": pa.array([b"x", None]).dictionary_encode(),
        "time": pa.array([1, 2], pa.time64("ns")),
        "span": pa.array([1, 2], pa.duration("ms")),
        "list": [[{"a": 1}], []],
    }
)


@pytest.mark.parametrize("end", ["", "order by id desc", "order by id limit 1", "limit 1"])
@pytest.mark.parametrize("column", PASSED_THROUGH.column_names[1:])
def test_unusual_columns_pass_through_under_any_name(column: str, end: str) -> None:
    others = {name: name for name in PASSED_THROUGH.column_names if name != column}
    for name in ["new", *others]:
        # `order by` would mean the output of that name.
        key = "at" if name == "id" else "id"
        for query in (f"select {key}: id, `{name}`: `{column}`", f"let v = `{column}` select {key}: id, `{name}`: v"):
            run = Run(f"{query} {end.replace('id', key)}", PASSED_THROUGH)
            expected = PASSED_THROUGH.select(["id", column]).rename_columns([key, name])
            assert run.table.schema == expected.schema
            order = [1, 0] if "desc" in end else [0] if "limit" in end else [0, 1]
            assert run.rows == expected.take(order).to_pylist()


def test_a_saved_plan_passes_through_what_has_become_usual() -> None:
    saved = plan("select v: x", pa.schema({"x": pa.null()}))
    table = pa.table({"x": pa.array(["a", None], pa.large_string())})
    result = execute_to_table(saved, ExecContext(FakeSource(table)))
    assert result.schema.field("v").type == pa.string()
    assert result.column("v").to_pylist() == ["a", None]


@pytest.mark.parametrize(
    "layout",
    [pa.list_, pa.large_list, pa.list_view, pa.large_list_view, lambda item: pa.dictionary(pa.int32(), pa.list_(item))],
)
@pytest.mark.parametrize(("item", "value"), [(pa.struct({"a": pa.int64()}), {"a": 1}), (pa.int64(), 1)])
def test_an_empty_list_does_not_exist_in_any_layout(layout: Any, item: pa.DataType, value: Any) -> None:
    type_ = layout(item)
    lists = pa.array([[value], [], None], type_.value_type if pa.types.is_dictionary(type_) else type_)
    if pa.types.is_dictionary(type_):
        lists = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), lists)
    table = pa.table({"id": [1, 2, 3], "l": lists})
    assert Run("where exists(l) select id", table).column("id") == [1]
    assert Run("where l is null select id", table).column("id") == [3]


def test_dates_outside_the_calendar_are_null_whatever_they_are_compared_with() -> None:
    days = pa.array([2**31 - 1, -(2**31), 19_800, None], pa.int32()).view(pa.date32())
    table = pa.table({"id": [1, 2, 3, 4], "d": days})
    assert Run('where d > "2024-01-01" select id', table).column("id") == [3]
    assert Run('where d > "2024-01-01 12:00" select id', table).column("id") == [3]
    assert Run("where d is null select id", table).column("id") == [1, 2, 4]
    assert Run("select d", table).column("d") == [None, None, date(2024, 3, 18), None]


def test_odd_layouts_of_usual_types_are_read() -> None:
    table = pa.table(
        {
            "text": pa.array(["Anna", None, "Bob"], pa.large_string()),
            "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
            "n": pa.array([1, 2, 3], pa.uint8()),
            "big": pa.array([2**63, 1, None], pa.uint64()),
            "f": pa.array([1.5, None, 2.5], pa.float32()),
            "at": pa.array([0, 1, 2], pa.timestamp("ns", tz="Europe/Paris")),
            "l": pa.array([["a"], [], None], pa.large_list(pa.large_string())),
        }
    )
    run = Run('where kind = "x" select text, kind, n, big, f, at, l', table)
    assert [(r["text"], r["kind"], r["n"], r["big"], r["f"]) for r in run.rows] == [
        ("Anna", "x", 1, None, 1.5),
        ("Bob", "x", 3, None, 2.5),
    ]
    assert [r["l"] for r in run.rows] == [["a"], None]


def test_integers_that_overflow_are_null() -> None:
    table = pa.table({"n": [2**62, 5, None]})
    assert Run("select a: n * 4, b: n + 1, c: n / 0", table).rows == [
        {"a": None, "b": 2**62 + 1, "c": None},
        {"a": 20, "b": 6, "c": None},
        {"a": None, "b": None, "c": None},
    ]


def test_calls_saved_are_counted() -> None:
    run = Run('text body where stars = 5 and label("has Bob") select id', REVIEWS)
    assert run.metrics.rows_in == ROWS
    assert run.metrics.model_calls + run.metrics.cache_hits + run.metrics.calls_avoided == ROWS
    assert run.metrics.calls_avoided > ROWS / 2


def test_progress_is_told_after_every_batch() -> None:
    seen: list[int] = []
    ctx = ExecContext(FakeSource(REVIEWS), FakeProxy(), batch_rows=64, on_progress=lambda m: seen.append(m.rows_in))
    execute_to_table(plan('text body where label("has Bob")', REVIEWS.schema), ctx)
    assert seen == sorted(seen)
    assert seen[-1] == ROWS


def test_what_has_gone_through_is_told_apart_from_what_was_read() -> None:
    seen: list[tuple[int, int, int]] = []
    ctx = ExecContext(FakeSource(REVIEWS), FakeProxy(), first_rows=2)
    whole = plan('text body where stars >= 3 and label("has Bob") select id order by id', REVIEWS.schema)

    def look(m: RunMetrics) -> None:
        seen.append((m.rows_through, m.operators[0].rows_out, m.rows_done))
        assert m.calls_avoided + m.model_calls + m.cache_hits + m.operators[0].rows_out - m.rows_through == m.rows_in

    ctx.on_progress = look
    execute_to_table(whole, ctx)
    starred = sum((stars or 0) >= 3 for stars in REVIEWS.column("stars").to_pylist())
    through, given, done = zip(*seen, strict=True)
    assert through[0] == 2
    assert list(through) == sorted(set(through))
    assert set(given) == {starred}
    assert through[-1] == starred
    assert done[:-1] == (0,) * (len(done) - 1)
    assert done[-1] == ROWS
    assert ctx.metrics.calls_avoided + ctx.metrics.model_calls + ctx.metrics.cache_hits == ROWS


def test_a_plan_with_calls_needs_a_proxy() -> None:
    calls = plan('text body where label("x")', REVIEWS.schema)
    with pytest.raises(ProxyError, match="was given no proxy"):
        execute_to_table(calls, ExecContext(FakeSource(REVIEWS)))


def test_closing_the_result_early_stops_the_run() -> None:
    source = FakeSource(REVIEWS)
    batches = execute(plan("select id", REVIEWS.schema), ExecContext(source, batch_rows=16))
    next(batches)
    batches.close()
    assert source.rows_read <= ROWS


@pytest.mark.parametrize(
    "selected",
    [
        'good: stars = 5 and label("has Bob"), any: stars = 5 or label("has Eve")',
        'good: label("has Bob") and stars = 5, any: label("has Eve") or stars = 5',
    ],
)
def test_a_selected_condition_asks_only_where_it_is_open(selected: str) -> None:
    run = Run(f"text body select id, {selected}", REVIEWS)
    stars, bodies = REVIEWS.column("stars").to_pylist(), REVIEWS.column("body").to_pylist()
    asked_bob = {text for text, question in run.proxy.asked if question == "has Bob"}
    asked_eve = {text for text, question in run.proxy.asked if question == "has Eve"}
    rows = list(zip(bodies, stars, strict=True))
    assert asked_bob == {body for body, s in rows if body is not None and s in (5, None)}
    assert asked_eve == {body for body, s in rows if body is not None and s != 5}
    for row, (body, s) in zip(run.rows, rows, strict=True):
        bob, eve = (None if body is None else name in body for name in ("Bob", "Eve"))
        five = None if s is None else s == 5
        assert row["good"] is (False if five is False or bob is False else None if None in (five, bob) else True)
        assert row["any"] is (True if five or eve else None if None in (five, eve) else False)


@given(st.lists(st.integers(0, ROWS), max_size=12))
@settings(max_examples=30)
def test_however_the_corpus_comes_in_pieces_the_rows_are_the_same(cuts: list[int]) -> None:
    bounds = sorted({0, ROWS, *cuts})
    pieces = pa.concat_tables([REVIEWS.slice(a, b - a) for a, b in pairwise(bounds)])
    query = 'text body where stars > 2 and (label("random 1") or label(title, "random 2")) select id, stars'

    class InPieces(FakeSource):
        def _parts(self, columns: Any, batch_rows: int) -> Iterator[pa.RecordBatch]:
            yield from pieces.select(list(columns)).to_batches(max_chunksize=batch_rows)

    table = execute_to_table(plan(query, REVIEWS.schema), ExecContext(InPieces(REVIEWS), FakeProxy()))
    assert table.to_pylist() == Run(query, REVIEWS).rows


def test_a_row_without_elements_need_not_pass_a_condition_of_a_model() -> None:
    table = pa.table({"text": [f"Anna {i}" if i % 20 == 0 else f"nobody {i}" for i in range(1000)]})
    run = Run('each n in spans("names") where label("random 1") select n', table, batch_rows=50)
    labels = [text for text, instruction in run.proxy.asked if instruction == "random 1"]
    assert 0 < len(run.rows) < 50
    assert len(labels) < 500
