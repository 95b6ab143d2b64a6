"""Right answers by people: the forms they come in, what is wrong with them, and what they show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

import falconql
from falconql.errors import ConfigError, DataError, FalconQLError
from falconql.evaluating.gold import read_gold
from falconql.evaluating.results import _paired
from falconql.evaluating.run import Evaluation, against_answers, against_rows
from falconql.evaluating.sides import Side
from falconql.specialise.task import Task
from tests.fakes import FakeProxy

TABLE = pa.table({"id": [1, 2, 3, 4], "text": ["good Ann", "good Bob", "bad Cid", "good Dan and Eve"]})
QUERY = 'let nice = label("has good") where nice select id, who: spans("capitals"), n: length(text)'


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def evaluated(query: str, gold: Path, table: pa.Table = TABLE) -> Evaluation:
    source, typed = falconql.query(query).resolved(table)
    right, here = read_gold(gold), Side("fake", FakeProxy())
    if isinstance(right, dict):
        return against_answers(typed, query, source.name, here, right, gold.name)
    return against_rows(typed, query, source, here, right, gold.name)


def answer(text: str, instruction: str, said: Any) -> dict[str, Any]:
    return {"text": text, "instruction": instruction, "answer": said}


def test_answers_to_questions_are_measured_per_call(tmp_path: Path) -> None:
    gold = written(
        tmp_path / "gold.jsonl",
        [
            answer("good Ann", "has good", True),
            answer("bad Cid", "has good", True),
            answer("bad Fay", "has good", False),
            answer("good Ann", "capitals", ["Ann"]),
            answer("Bob met Cid", "capitals", ["Bob", "met Cid"]),
            answer("good", "has evil", True),
        ],
    )
    found = evaluated(QUERY, gold)
    nice, who = (call.quality for call in found.calls)
    assert nice is not None
    assert (nice.precision.value, nice.recall.value, nice.accuracy.value) == pytest.approx((1, 1 / 2, 2 / 3))
    assert who is not None
    assert (who.precision.value, who.recall.value) == pytest.approx((1, 3 / 4))
    assert found.notes == (
        "answers to nothing that the query asks were left out: 1, such as 'has evil', answered by yes or no",
    )
    assert [one.text for one in found.calls[0].worst] == ["bad Cid"]


def test_rows_with_a_column_called_data_are_no_export_of_label_studio(tmp_path: Path) -> None:
    path = tmp_path / "gold.json"
    path.write_text('[{"id": 1, "data": "x"}]')
    assert isinstance(read_gold(path), pa.Table)


def test_an_array_of_answers_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "gold.json"
    path.write_text(json.dumps([answer("good Ann", "has good", "no"), answer("good Ann", "capitals", ["Ann"])]))
    assert read_gold(path) == {
        Task("label", "good Ann", "has good"): False,
        Task("spans", "good Ann", "capitals"): ((5, 8),),
    }


@pytest.mark.parametrize("form", ["parquet", "arrow", "jsonl"])
def test_a_table_of_answers_is_read_as_well(tmp_path: Path, form: str) -> None:
    table = pa.table(
        {
            "text": ["good Ann", "good Ann"],
            "instruction": ["has good", "capitals"],
            "answer": pa.array([False, None], pa.bool_()),
            "spans": pa.array(
                [None, [{"start": 0, "end": 4}]], pa.list_(pa.struct({"start": pa.int64(), "end": pa.int64()}))
            ),
        }
    )
    path = tmp_path / f"gold.{form}"
    if form == "parquet":
        pq.write_table(table, path)
    elif form == "arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    else:
        written(path, [{key: value for key, value in row.items() if value is not None} for row in table.to_pylist()])
    assert read_gold(path) == {
        Task("label", "good Ann", "has good"): False,
        Task("spans", "good Ann", "capitals"): ((0, 4),),
    }


def test_a_choice_has_one_right_option(tmp_path: Path) -> None:
    gold = written(
        tmp_path / "gold.jsonl",
        [
            answer("good Ann", "has good", True),
            answer("good Ann", "has bad", False),
            answer("bad Cid", "has good", True),
            answer("bad Cid", "has bad", False),
            answer("good and bad", "has good", True),
            answer("good and bad", "has bad", True),
        ],
    )
    found = evaluated('select kind: choose("has", "good", "bad")', gold)
    (call,) = found.calls
    assert call.quality is not None
    assert call.quality.questions == 2
    assert call.quality.accuracy.value == 0.5
    assert found.notes == ("1 choices do not have exactly one right option; left out",)


def test_of_several_right_spans_one_is_enough_for_a_question_for_one(tmp_path: Path) -> None:
    gold = written(tmp_path / "gold.jsonl", [answer("good Dan and Eve", "capitals", ["Eve", "Dan"])])
    (call,) = evaluated('select who: span("capitals")', gold).calls
    assert call.quality is not None
    assert call.quality.f1.value == 1
    (call,) = evaluated(
        'select who: spans("capitals")', written(gold, [answer("good Dan and Eve", "capitals", ["Eve"])])
    ).calls
    assert call.quality is not None
    assert call.quality.f1.value < 1


def test_right_rows_are_compared_by_what_no_model_makes(tmp_path: Path) -> None:
    gold = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3], "who": [["Ann"], ["Rob"], ["Cid"]], "mood": ["a", "b", "c"]}), gold)
    result = evaluated(QUERY, gold).result
    assert result is not None
    assert result.keys == ("id",)
    assert (result.rows.precision.value, result.rows.recall.value) == pytest.approx((2 / 3, 2 / 3))
    assert (result.missing, result.extra) == (((3,),), ((4,),))
    (who,) = result.columns
    assert (who.name, who.rows, who.accuracy.value) == ("who", 2, 0.5)
    assert who.measure is not None
    assert who.measure.f1.value == 0.5


def written_cells(path: Path, cells: dict[int, str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in ("id\twho", *(f"{key}\t{cell}" for key, cell in cells.items()))))
    return path


def test_lists_in_text_are_read_as_they_are_written(tmp_path: Path) -> None:
    query = 'select id, who: spans("capitals")'
    gold = written_cells(tmp_path / "rows.tsv", {1: '["Ann"]', 2: "", 3: "[]", 4: '["Dan", "Eve"]'})
    result = evaluated(query, gold).result
    assert result is not None
    (who,) = result.columns
    assert (who.rows, who.accuracy.value) == (4, 0.5)
    assert who.measure is not None
    assert (who.measure.precision.value, who.measure.recall.value) == (3 / 5, 1)
    # Nothing at all is right where nothing is found.
    result = evaluated('select id, who: spans("re: Q")', written_cells(gold, dict.fromkeys((1, 2, 3, 4), ""))).result
    assert result is not None
    assert result.columns[0].accuracy.value == 1


@pytest.mark.parametrize("cell", ["Ann", '["Ann"', "3"])
def test_a_cell_that_is_no_list_is_named(tmp_path: Path, cell: str) -> None:
    gold = written_cells(tmp_path / "rows.tsv", {1: '["Ann"]', 2: cell})
    with pytest.raises(
        DataError, match=r"the gold rows, row 2: `who` is a list in the result, and .* is none"
    ) as caught:
        evaluated('select id, who: spans("capitals")', gold)
    assert '["one", "another"]' in str(caught.value.hint)


def test_calls_with_one_instruction_are_all_measured(tmp_path: Path) -> None:
    gold = written(tmp_path / "gold.jsonl", [answer("good Ann", "has good", True), answer("x", "has good", False)])
    found = evaluated('where label("has good") select sure: label("has good", threshold: 0.95)', gold)
    assert [(call.quality.questions, call.quality.accuracy.value) for call in found.calls if call.quality] == [
        (2, 1.0),
        (2, 0.5),
    ]


def test_groups_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    gold = written(tmp_path / "rows.jsonl", [{"kind": "good", "n": 3}, {"kind": "bad", "n": 2}])
    result = evaluated('let kind = choose("has", "good", "bad") group by kind select kind, n: count()', gold).result
    assert result is not None
    assert result.keys == ("kind",)
    assert result.rows.f1.value == 1
    assert result.columns[0].accuracy.value == 0.5


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([answer("good", "has evil", True)], "to nothing that the query asks, such as 'has evil'"),
        ([answer("good", "capitals", False)], "such as 'capitals', answered by yes or no"),
        ([answer("good", "has good", ["good"])], "such as 'has good', answered with spans"),
        ([answer("good Ann", "capitals", ["Zoe"])], "line 1: 'Zoe' does not stand in the text"),
        ([answer("good Ann", "capitals", [{"start": 5, "end": 99}])], "line 1: the span 5 to 99 is not in the text"),
        ([answer("good Ann", "has good", "perhaps")], "line 1: `answer` must be true, false or a list"),
        ([{"instruction": "capitals", "mood": "x"}], "has no column `text`, which answers have"),
        ([{"mood": "x"}], "nothing tells which rows belong together"),
        ([{"text": "good Ann", "label": True}], "answers to questions are rows of `text`, `instruction` and `answer`"),
    ],
)
def test_gold_that_cannot_be_used_is_said(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(FalconQLError, match=message):
        evaluated(QUERY, written(tmp_path / "gold.jsonl", rows))


def test_gold_without_rows_is_said(tmp_path: Path) -> None:
    path = tmp_path / "gold.parquet"
    pq.write_table(pa.table({"id": pa.array([], pa.int64())}), path)
    with pytest.raises(DataError, match="has no rows"):
        evaluated(QUERY, path)
    pq.write_table(
        pa.table(
            {
                "text": pa.array([], pa.string()),
                "instruction": pa.array([], pa.string()),
                "answer": pa.array([], pa.bool_()),
            }
        ),
        path,
    )
    with pytest.raises(ConfigError, match="the gold file has no answers"):
        evaluated(QUERY, path)


def test_a_missing_gold_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gold\.jsonl"):
        read_gold(tmp_path / "gold.jsonl")


def test_keys_of_another_type_are_named_instead_of_compared(tmp_path: Path) -> None:
    gold = written(tmp_path / "gold.jsonl", [{"id": "1", "who": "Ann"}])
    with pytest.raises(
        ConfigError, match="`id` tells which rows belong together, and is a number in the result but text"
    ):
        evaluated(QUERY, gold)


def test_several_rows_of_a_key_are_compared(tmp_path: Path) -> None:
    query = 'each who in spans("capitals") select id, who'
    rows = [(1, "Ann"), (2, "Bob"), (3, "Cid"), (4, "Eve"), (4, "Dan")]
    right = evaluated(query, written(tmp_path / "gold.jsonl", [{"id": key, "who": who} for key, who in rows]))
    assert right.result is not None
    assert [(column.rows, column.accuracy.value) for column in right.result.columns] == [(5, 1.0)]
    wrong = evaluated(query, written(tmp_path / "gold.jsonl", [{"id": key, "who": "Zoe"} for key, _ in rows]))
    assert wrong.result is not None
    assert wrong.result.rows.f1.value == 1
    assert [(column.rows, column.accuracy.value) for column in wrong.result.columns] == [(5, 0.0)]


def rows_found(query: str, gold: Path, table: pa.Table) -> tuple[float, list[float]]:
    result = evaluated(query, gold, table).result
    assert result is not None
    return result.rows.f1.value, [column.accuracy.value for column in result.columns]


def test_ids_that_differ_in_case_alone_are_of_different_rows(tmp_path: Path) -> None:
    table = pa.table({"id": ["aB", "Ab"], "text": ["good Ann", "bad Bob"]})
    query = 'where label("has good") select id'
    assert rows_found(query, written(tmp_path / "right.jsonl", [{"id": "aB "}]), table) == (1, [])
    assert rows_found(query, written(tmp_path / "wrong.jsonl", [{"id": "Ab"}]), table) == (0, [])


def test_what_is_no_number_is_equal_to_itself(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2], "x": [float("nan"), 2.0], "text": ["good Ann", "good Bob"]})
    for query in ('where label("has good") select x', 'select id, y: x * length(span("capitals"))'):
        found = falconql.query(query).run(table, proxy=FakeProxy()).to_arrow()
        pq.write_table(found, tmp_path / "gold.parquet")
        csv.write_csv(found, tmp_path / "gold.csv")
        for gold in ("gold.parquet", "gold.csv"):
            f1, columns = rows_found(query, tmp_path / gold, table)
            assert (f1, set(columns) | {1}) == (1, {1})


def test_lists_tell_rows_apart_whatever_their_items_are_called(tmp_path: Path) -> None:
    table = pa.table({"tags": [["a", "b"], []], "text": ["good Ann", "good Bob"]})
    pq.write_table(table, tmp_path / "gold.parquet")  # which calls them `element`
    assert rows_found('where label("has good") select tags', tmp_path / "gold.parquet", table) == (1, [])


def test_columns_of_structs_tell_rows_apart_by_all_that_is_in_them(tmp_path: Path) -> None:
    at = [{"x": 1, "text": "a"}, {"x": 2, "text": "a"}]
    table = pa.table({"at": at, "text": ["good Ann", "good Bob"]})
    pq.write_table(pa.table({"at": [at[0], at[0]]}), tmp_path / "gold.parquet")
    assert rows_found('where label("has good") select at', tmp_path / "gold.parquet", table) == (0.5, [])


def test_many_rows_of_a_key_are_paired_at_once() -> None:
    rows = [{"key": 1, "value": value} for value in range(20_000)]
    assert _paired(rows, rows[::-1], ("value",)) == list(zip(rows, rows, strict=True))
    twice = [{"value": value} for value in (1, 1, 2, 3)]
    other = [{"value": value} for value in (2, 4, 1, 5)]
    assert [(a["value"], b["value"]) for a, b in _paired(twice, other, ("value",))] == [(1, 1), (2, 2), (1, 4), (3, 5)]
