"""Operators: how much they read, hold and ask, and how they fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.context import ExecContext
from falconql.runtime.errors import DataError, ExecutionError
from falconql.runtime.executor import execute, execute_to_table
from falconql.runtime.expression import CallRef, ColumnRef, Comparison, Literal, Matches, Score, VariableRef
from falconql.runtime.frame import Frame
from falconql.runtime.metrics import OperatorMetrics, RunMetrics
from falconql.runtime.operators import each as each_module
from falconql.runtime.operators.scan import MODEL_FREE_ROWS, BatchSizes, ScanOperator
from falconql.runtime.plan import (
    Aggregate,
    AggregateCall,
    Each,
    Field,
    Filter,
    Limit,
    ModelCall,
    Node,
    Output,
    Plan,
    Project,
    ProxyRef,
    Scan,
    Sort,
    SortKey,
    Test,
)
from falconql.runtime.types import BOOL, FLOAT, INT, LABEL, SPAN, TEXT, Type, list_of
from tests.fakes import FakeProxy, FakeSource

ROWS = 2000
TABLE = pa.table(
    {"id": list(range(ROWS)), "text": [f"Anna {i}" for i in range(ROWS)], "tags": [["a", "b"]] * ROWS, "n": [7] * ROWS}
)
ID, TEXT_COLUMN, TAGS = ColumnRef("id", INT), ColumnRef("text", TEXT), ColumnRef("tags", list_of(TEXT))
SCAN = Scan((Field("id", INT), Field("text", TEXT), Field("tags", list_of(TEXT))))
LABEL_CALL = ModelCall("label", TEXT_COLUMN, ("has 1",), LABEL)
SCORED = Test(Comparison(">", Score(CallRef(0, LABEL)), Literal(0.5, FLOAT)), "has a 1", 1.0, 0.5, 10.0, (0,))


def plan(root: Node, *fields: tuple[str, Type], calls: tuple[ModelCall, ...] = ()) -> Plan:
    return Plan(root, calls, ProxyRef(), tuple(Field(name, type_) for name, type_ in fields))


def frames_of(scan: Scan, sizes: BatchSizes, table: pa.Table = TABLE) -> list[int]:
    ctx = ExecContext(FakeSource(table))
    return [frame.num_rows for frame in ScanOperator(scan, ctx, sizes).run(iter(()))]


def every(step: int) -> Scan:
    """Return a scan whose filter keeps one row in ``step``, by a pattern at the end of the text."""
    return Scan(SCAN.columns, Matches(TEXT_COLUMN, {10: "7$", 100: "77$", 1000: "777$"}[step], ""))


def test_batches_begin_small_and_double_for_a_model() -> None:
    sizes = BatchSizes.suited(model_calls=True, limit=None, most=None)
    assert frames_of(SCAN, sizes) == [64, 128, 256, 512, 1024, 16]


def test_batches_for_a_model_are_full_although_the_filter_drops_rows() -> None:
    sizes = BatchSizes.suited(model_calls=True, limit=None, most=64)
    assert frames_of(every(10), sizes) == [64, 64, 64, 8]
    assert frames_of(every(100), sizes) == [20]


def test_batches_begin_small_although_the_filter_drops_rows() -> None:
    sizes = BatchSizes.suited(model_calls=True, limit=None, most=None)
    most = Scan(SCAN.columns, Matches(TEXT_COLUMN, "[1-9]$", ""))
    assert frames_of(most, sizes) == [64, 128, 256, 473, 879]
    assert frames_of(every(10), sizes) == [64, 38, 98]


@pytest.mark.parametrize("piece", [1, 10])
@pytest.mark.parametrize("scan", [SCAN, every(10)])
def test_sources_that_give_few_rows_at_a_time_do_not_make_small_batches(scan: Scan, piece: int) -> None:
    class InPieces(FakeSource):
        def _parts(self, columns: Any, batch_rows: int) -> Iterator[pa.RecordBatch]:
            yield from self.table.select(list(columns)).to_batches(max_chunksize=piece)

    sizes = BatchSizes.suited(model_calls=True, limit=None, most=None)
    operator = ScanOperator(scan, ExecContext(InPieces(TABLE)), sizes)
    counts = [frame.num_rows for frame in operator.run(iter(()))]
    assert counts == ([64, 128, 256, 512, 1024, 16] if scan is SCAN else [64, 128, 8])


def test_rows_are_not_held_back_while_nothing_more_passes_the_filter() -> None:
    sizes = BatchSizes.suited(model_calls=True, limit=None, most=10)
    first = Scan(SCAN.columns, Comparison("<", ID, Literal(3, INT)))
    ctx = ExecContext(FakeSource(TABLE))
    assert next(ScanOperator(first, ctx, sizes).run(iter(()))).num_rows == 3
    assert ctx.metrics.rows_in == 320


def test_without_model_calls_batches_are_as_large_as_the_source_gives() -> None:
    assert frames_of(SCAN, BatchSizes.suited(model_calls=False, limit=None, most=None)) == [ROWS]
    assert BatchSizes.suited(model_calls=False, limit=None, most=None).most == MODEL_FREE_ROWS


def test_the_callers_bound_on_rows_holds() -> None:
    for model_calls in (True, False):
        for limit in (None, 3):
            sizes = BatchSizes.suited(model_calls=model_calls, limit=limit, most=7)
            assert max(frames_of(SCAN, sizes)) <= 7
            assert max(frames_of(every(10), sizes)) <= 7


def test_a_small_limit_makes_small_first_batches() -> None:
    assert BatchSizes.suited(model_calls=True, limit=3, most=None).first == 16
    assert BatchSizes.suited(model_calls=True, limit=25, most=None).first == 50
    assert BatchSizes.suited(model_calls=True, limit=5000, most=None).first == 64


def test_long_texts_make_batches_of_fewer_rows() -> None:
    long = pa.table({"id": range(200), "text": ["x" * 1_000_000] * 200})
    scan = Scan((Field("id", INT), Field("text", TEXT)))
    counts = frames_of(scan, BatchSizes.suited(model_calls=True, limit=None, most=None), long)
    assert sum(counts) == 200
    assert max(counts) <= 70


def test_a_rare_match_is_found_without_reading_more_than_the_limit_needs() -> None:
    source = FakeSource(TABLE)
    limited = plan(Limit(Project(every(100), (Output("id", ID),)), 2), ("id", INT))
    ctx = ExecContext(source, batch_rows=50)
    assert execute_to_table(limited, ctx).column("id").to_pylist() == [77, 177]
    assert source.rows_read <= 200
    assert not source.reading


def test_a_plan_for_another_schema_is_an_error_with_a_remedy() -> None:
    other = plan(Project(Scan((Field("id", TEXT),)), (Output("id", ColumnRef("id", TEXT)),)), ("id", TEXT))
    with pytest.raises(DataError, match="`id` was planned as Text and is Int") as raised:
        execute_to_table(other, ExecContext(FakeSource(TABLE)))
    assert raised.value.hint is not None


def test_what_arrow_refuses_names_the_operator() -> None:
    bad = plan(Project(Scan(SCAN.columns, Matches(TEXT_COLUMN, "(", "")), (Output("id", ID),)), ("id", INT))
    source = FakeSource(TABLE)
    with pytest.raises(ExecutionError, match="the scan failed") as raised:
        execute_to_table(bad, ExecContext(source))
    assert raised.value.operator == "scan"
    assert raised.value.hint is not None
    assert not source.reading


def test_bytes_that_are_no_text_are_an_error_with_a_remedy() -> None:
    broken = pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0"), pa.py_buffer(b"ok\xff\xfe"))
    scan = Scan((Field("text", TEXT),))
    whole = plan(Project(Filter(scan, SCORED), (Output("text", TEXT_COLUMN),)), ("text", TEXT), calls=(LABEL_CALL,))
    with pytest.raises(DataError, match="not UTF-8") as raised:
        execute_to_table(whole, ExecContext(FakeSource(pa.table({"text": broken})), FakeProxy()))
    assert raised.value.hint is not None


def test_an_interruption_passes_through_and_closes_the_corpus() -> None:
    def interrupt(_: RunMetrics) -> None:
        raise KeyboardInterrupt

    source = FakeSource(TABLE)
    ctx = ExecContext(source, batch_rows=10, on_progress=interrupt)
    batches = execute(plan(Project(SCAN, (Output("id", ID),)), ("id", INT)), ctx)
    with pytest.raises(KeyboardInterrupt):
        list(batches)
    assert not source.reading
    assert ctx.metrics.rows_out == 10


def test_closing_the_result_closes_the_corpus() -> None:
    source = FakeSource(TABLE)
    batches = execute(plan(Project(SCAN, (Output("id", ID),)), ("id", INT)), ExecContext(source, batch_rows=10))
    next(batches)
    assert source.reading
    batches.close()
    assert not source.reading
    assert source.rows_read == 10


def test_each_over_long_lists_of_wide_rows_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each_module, "MOST_BYTES", 1_000_000)
    wide = Frame(pa.record_batch({"text": ["x" * 100_000], "tags": [[f"t{i}" for i in range(25)]]}))
    node = Each(SCAN, "tag", TAGS, TEXT)
    calls: Any = None  # nothing here asks a model
    frames = list(each_module.EachOperator(node, calls).run(iter([wide])))
    assert max(frame.num_rows for frame in frames) <= 10
    assert [tag for frame in frames for tag in frame.variable("tag").to_pylist()] == [f"t{i}" for i in range(25)]


def test_answers_survive_an_each_and_a_sort() -> None:
    proxy = FakeProxy()
    expanded = Each(Filter(SCAN, SCORED), "tag", TAGS, TEXT)
    ordered = Sort(expanded, (SortKey(Score(CallRef(0, LABEL)), True), SortKey(ID, True)))
    outputs = (
        Output("id", ID),
        Output("tag", VariableRef("tag", TEXT)),
        Output("score", Score(CallRef(0, LABEL))),
        Output("is", CallRef(0, LABEL)),
    )
    whole = plan(
        Project(ordered, outputs), ("id", INT), ("tag", TEXT), ("score", FLOAT), ("is", BOOL), calls=(LABEL_CALL,)
    )
    ctx = ExecContext(FakeSource(TABLE), proxy)
    rows = execute_to_table(whole, ctx).to_pylist()
    matching = [i for i in range(ROWS) if "1" in f"Anna {i}"]
    assert [(row["id"], row["tag"]) for row in rows] == [(i, tag) for i in reversed(matching) for tag in ("a", "b")]
    assert all(row["is"] and row["score"] > 0.5 for row in rows)
    assert len(proxy.asked) == ROWS
    assert ctx.metrics.model_calls == ROWS
    assert ctx.metrics.cache_hits == 0


def test_a_span_that_is_sorted_and_grouped_away_from_its_text_stays_whole() -> None:
    call = ModelCall("span", TEXT_COLUMN, ("names",), SPAN)
    root = Project(Sort(Limit(SCAN, 3), (SortKey(ID, True),)), (Output("who", CallRef(0, SPAN)),))
    table = execute_to_table(plan(root, ("who", SPAN), calls=(call,)), ExecContext(FakeSource(TABLE), FakeProxy()))
    assert table.to_pylist() == [{"who": {"text": "Anna", "start": 0, "end": 4, "score": 1.0}}] * 3


scores = st.one_of(st.none(), st.integers(-2, 2), st.just(2**60))


@given(st.lists(st.tuples(scores, scores), max_size=30), st.integers(1, 9), st.sampled_from([None, 0, 1, 4, 50]))
def test_sorting_keeps_ties_in_order_and_nulls_last(
    pairs: list[tuple[int | None, int | None]], batch_rows: int, limit: int | None
) -> None:
    rows = [{"id": i, "a": a, "b": b} for i, (a, b) in enumerate(pairs)]
    schema = pa.schema([("id", pa.int64()), ("a", pa.int64()), ("b", pa.int64())])
    columns = tuple(Field(name, INT) for name in ("id", "a", "b"))
    keys = (SortKey(ColumnRef("a", INT), True), SortKey(ColumnRef("b", INT)))
    root = Project(Sort(Scan(columns), keys, limit), (Output("id", ID),))
    source = FakeSource(pa.Table.from_pylist(rows, schema=schema))
    found = execute_to_table(plan(root, ("id", INT)), ExecContext(source, batch_rows=batch_rows))

    def key(row: dict[str, Any]) -> tuple[bool, int, bool, int]:
        return row["a"] is None, -(row["a"] or 0), row["b"] is None, row["b"] or 0

    assert found.column("id").to_pylist() == [row["id"] for row in sorted(rows, key=key)][:limit]


def test_the_first_rows_of_an_order_are_held_in_little_memory() -> None:
    table = pa.table({"id": range(300), "text": ["x" * 100_000] * 300})
    scan = Scan((Field("id", INT), Field("text", TEXT)))
    root = Project(Sort(scan, (SortKey(ID, True),), 2), (Output("id", ID), Output("text", TEXT_COLUMN)))
    before, peak = pa.total_allocated_bytes(), 0

    def watch(_: RunMetrics) -> None:
        nonlocal peak
        peak = max(peak, pa.total_allocated_bytes() - before)

    ctx = ExecContext(FakeSource(table), batch_rows=10, on_progress=watch)
    assert execute_to_table(plan(root, ("id", INT), ("text", TEXT)), ctx).column("id").to_pylist() == [299, 298]
    assert peak < 3_000_000


def grouped(table: pa.Table, key: Any, calls: tuple[AggregateCall, ...], batch_rows: int) -> list[dict[str, Any]]:
    fields = tuple(Field(name, {"k": FLOAT, "v": INT, "l": list_of(INT)}[name]) for name in table.column_names)
    keys = () if key is None else (key,)
    outputs = [Output(f"$key{i}", ColumnRef(f"$key{i}", k.type)) for i, k in enumerate(keys)]
    outputs += [Output(f"$agg{i}", ColumnRef(f"$agg{i}", c.type)) for i, c in enumerate(calls)]
    shown = tuple(Output(o.name.replace("$", ""), o.value) for o in outputs)
    root = Project(Aggregate(Scan(fields), keys, calls), shown)
    whole = plan(root, *((o.name, o.value.type) for o in shown))
    rows: list[dict[str, Any]] = execute_to_table(
        whole, ExecContext(FakeSource(table), batch_rows=batch_rows)
    ).to_pylist()
    return rows


V, K = ColumnRef("v", INT), ColumnRef("k", FLOAT)


@pytest.mark.parametrize("batch_rows", [1, 3, 4096])
def test_sums_are_exact_and_null_only_when_they_do_not_fit(batch_rows: int) -> None:
    most = 2**63 - 1
    table = pa.table({"k": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0], "v": [most, 1, most, -1, -most, -1]})
    rows = grouped(table, K, (AggregateCall("sum", V, INT),), batch_rows)
    assert [row["agg0"] for row in rows] == [None, most - 1, -(2**63)]
    passing = pa.table({"v": [most, most, -most, -most, 5]})
    assert grouped(passing, None, (AggregateCall("sum", V, INT),), batch_rows) == [{"agg0": 5}]


@pytest.mark.parametrize("batch_rows", [1, 4, 4096])
def test_zeros_of_both_signs_are_one_group_and_null_is_one(batch_rows: int) -> None:
    table = pa.table({"k": [None, 0.0, -0.0, None, 1.0], "v": [1, 2, 3, 4, None]})
    calls = (
        AggregateCall("count", None, INT),
        AggregateCall("count", V, INT),
        AggregateCall("collect", V, list_of(INT)),
    )
    assert grouped(table, K, calls, batch_rows) == [
        {"key0": None, "agg0": 2, "agg1": 2, "agg2": [1, 4]},
        {"key0": 0.0, "agg0": 2, "agg1": 2, "agg2": [2, 3]},
        {"key0": 1.0, "agg0": 1, "agg1": 0, "agg2": []},
    ]


@pytest.mark.parametrize("batch_rows", [1, 4096])
def test_nan_is_one_group_whatever_its_bits(batch_rows: int) -> None:
    bits = np.array([0x7FF8 << 48, 0xFFF8 << 48, (0x7FF8 << 48) + 1, 0x3FF0 << 48], np.uint64)
    table = pa.table({"k": bits.view(np.float64)})
    calls = (AggregateCall("count", None, INT), AggregateCall("collect", K, list_of(FLOAT)))
    rows = grouped(table, K, calls, batch_rows)
    assert [str(row["key0"]) for row in rows] == ["nan", "1.0"]
    assert [(row["agg0"], len(row["agg1"])) for row in rows] == [(3, 3), (1, 1)]


def test_lists_can_be_collected() -> None:
    table = pa.table({"k": [1.0, 2.0, 1.0], "l": pa.array([[1], None, []], pa.list_(pa.int64()))})
    call = AggregateCall("collect", ColumnRef("l", list_of(INT)), list_of(list_of(INT)))
    assert grouped(table, K, (call,), 2) == [{"key0": 1.0, "agg0": [[1], []]}, {"key0": 2.0, "agg0": []}]


def test_many_groups_are_merged_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    from falconql.runtime.operators import aggregate

    monkeypatch.setattr(aggregate, "MERGE_ROWS", 10)
    count = 500
    table = pa.table({"k": [float(i % 100) for i in range(count)], "v": list(range(count))})
    calls = (AggregateCall("max", V, INT), AggregateCall("avg", V, FLOAT), AggregateCall("min", V, INT))
    rows = grouped(table, K, calls, 7)
    assert [row["key0"] for row in rows] == [float(i) for i in range(100)]
    assert [row["agg0"] for row in rows] == [400 + i for i in range(100)]
    assert [row["agg1"] for row in rows] == [200.0 + i for i in range(100)]
    assert [row["agg2"] for row in rows] == list(range(100))


def test_the_mean_of_long_whole_numbers_is_one() -> None:
    table = pa.table({"k": [1.0, 1.0], "v": [2**53 + 1, 2**62]})
    (row,) = grouped(table, K, (AggregateCall("avg", V, FLOAT), AggregateCall("sum", V, INT)), 2)
    assert row["agg0"] == pytest.approx((2**53 + 1 + 2**62) / 2)
    assert row["agg1"] == 2**53 + 1 + 2**62


def test_seconds_of_operators_are_their_own() -> None:
    ctx = ExecContext(FakeSource(TABLE), FakeProxy(), batch_rows=100)
    root = Project(Filter(SCAN, SCORED), (Output("id", ID),))
    execute_to_table(plan(root, ("id", INT), calls=(LABEL_CALL,)), ctx)
    names = [(op.name, op.rows_in, op.rows_out) for op in ctx.metrics.operators]
    kept = ctx.metrics.rows_out
    assert names == [("Scan", ROWS, ROWS), ("Filter", ROWS, kept), ("Project", kept, kept)]
    assert all(isinstance(op, OperatorMetrics) and op.seconds > 0 for op in ctx.metrics.operators)
    assert sum(op.seconds for op in ctx.metrics.operators) <= ctx.metrics.seconds
    test = ctx.metrics.predicates[0]
    assert (test.rows_in, test.rows_out, test.calls) == (ROWS, kept, ROWS)
    assert test.tokens == ctx.metrics.model_tokens > 0


keys_seen = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 60)), st.integers(0, 9)), max_size=200)


@given(keys_seen, st.sampled_from([1, 7, 4096]))
def test_groups_come_as_first_seen_with_their_own_values(rows: list[tuple[int | None, int]], batch_rows: int) -> None:
    schema = pa.schema([("k", pa.float64()), ("v", pa.int64())])
    table = pa.Table.from_pylist([{"k": None if k is None else float(k), "v": v} for k, v in rows], schema=schema)
    calls = (AggregateCall("collect", V, list_of(INT)), AggregateCall("sum", V, INT))
    expected: dict[int | None, list[int]] = {}
    for k, v in rows:
        expected.setdefault(k, []).append(v)
    found = [(row["key0"], row["agg0"], row["agg1"]) for row in grouped(table, K, calls, batch_rows)]
    assert found == [(key, listed, sum(listed)) for key, listed in expected.items()]
