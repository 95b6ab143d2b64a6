"""Annotations by people: both forms, and what is wrong with them."""

from __future__ import annotations

import gzip
import json
import os
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from falconql.runtime.errors import DataError
from falconql.specialise.people import answers_or_rows, label_studio_config, label_studio_tasks, read_answers
from falconql.specialise.task import Task


def written(tmp_path: Path, *entries: object) -> Path:
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    return path


def line(text: str, answer: object, instruction: str = "q") -> dict[str, object]:
    return {"text": text, "instruction": instruction, "answer": answer}


def test_labels_and_spans_are_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        line("Ada met Ada", ["Ada", "Ada"]),
        line("東京 is big 🙂", [{"start": 0, "end": 2, "text": "東京"}]),
        line("x", True),
        line("x", False),
        line("nothing", []),
        line("aged 15, took 5 pills", ["5"]),
        line("Alice said that Al was late", ["Al", "late"]),
        line("Johnsons", ["Johnson"]),
    )
    assert read_answers(path) == {
        Task("spans", "Ada met Ada", "q"): ((0, 3), (8, 11)),
        Task("spans", "東京 is big 🙂", "q"): ((0, 2),),
        Task("label", "x", "q"): False,
        Task("spans", "nothing", "q"): (),
        Task("spans", "aged 15, took 5 pills", "q"): ((14, 15),),
        Task("spans", "Alice said that Al was late", "q"): ((16, 18), (23, 27)),
        Task("spans", "Johnsons", "q"): ((0, 7),),
    }


def test_a_line_ends_where_json_lines_end(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    text = "one\u2028two\u0085three"
    path.write_text(json.dumps(line(text, True), ensure_ascii=False) + "\r\n", encoding="utf-8", newline="")
    assert read_answers(path) == {Task("label", text, "q"): True}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"text": "x"}, "line 1: `instruction` must be a text"),
        (1, "line 1: `text` must be a text"),
        (line("half \ud83d", True), "line 1: `text` has one half of a surrogate pair"),
        (line("x", "perhaps"), "line 1: `answer` must be true, false or a list of spans, not 'perhaps'"),
        (line("x", 2), "or a list of spans, not 2"),
        (line("Ada", ["Bob"]), "line 1: 'Bob' does not stand in the text"),
        (line("Ada", [{"start": 0, "end": 9}]), "the span 0 to 9 is not in the text, which has 3 characters"),
        (line("Ada", [{"start": 0, "end": 2, "text": "Ada"}]), "0 to 2 is 'Ad', not 'Ada'"),
        (line("Ada", [{"start": 0}]), "has whole numbers `start` and `end`"),
        (line("Ada", [{"start": 0, "end": 2}, {"start": 1, "end": 3}]), "two spans overlap at character 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, entry: object, said: str) -> None:
    with pytest.raises(DataError) as error:
        read_answers(written(tmp_path, entry))
    assert said in str(error.value)


@pytest.mark.parametrize("said", [["x" * 100_000], [{"start": 0, "end": 1, "text": "x" * 100_000}]])
def test_of_a_long_span_that_is_wrong_the_beginning_is_told(tmp_path: Path, said: object) -> None:
    with pytest.raises(DataError, match=r"'x{79}…'") as error:
        read_answers(written(tmp_path, line("Ada", said)))
    assert len(str(error.value)) < len(str(tmp_path)) + 200


def test_a_line_that_is_no_json_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"text": \n')
    with pytest.raises(DataError, match="line 1: this is no JSON"):
        read_answers(path)
    with pytest.raises(DataError, match=r"there is no file .*gol\.jsonl\n  help: did you mean .*gold\.jsonl"):
        read_answers(tmp_path / "gol.jsonl")


@pytest.mark.parametrize("said", [True, "true", "Yes", " YES ", 1, 1.0, "1"])
def test_a_label_may_be_answered_in_words_and_numbers(tmp_path: Path, said: object) -> None:
    assert read_answers(written(tmp_path, line("x", said))) == {Task("label", "x", "q"): True}
    not_said = {"true": "False", "Yes": "no", " YES ": "NO", "1": "0"}[said] if isinstance(said, str) else 0
    assert read_answers(written(tmp_path, line("x", not_said))) == {Task("label", "x", "q"): False}


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "jsonl.gz", "parquet"])
def test_answers_come_in_any_form(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"gold.{form}"
    rows = [line("Ada is in", True), line("Bob", False)]
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "json":
        path.write_text(json.dumps(rows))
    elif form == "jsonl.gz":
        path.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
    else:
        mark = "," if form == "csv" else "\t"
        path.write_text(
            "".join(f"{mark.join(row)}\n" for row in [[*rows[0]], ["Ada is in", "q", "1"], ["Bob", "q", "0"]])
        )
    assert read_answers(path) == {Task("label", "Ada is in", "q"): True, Task("label", "Bob", "q"): False}


def test_labels_and_spans_may_share_a_column_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    path.write_text('text,instruction,answer\nAda is in,q,yes\nAda is in,who,"[""Ada""]"\n')
    assert read_answers(path) == {
        Task("label", "Ada is in", "q"): True,
        Task("spans", "Ada is in", "who"): ((0, 3),),
    }


def test_a_table_that_is_none_of_answers_is_said(tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    path.write_text("text,label\nx,true\n")
    with pytest.raises(DataError, match="has no column `instruction`, which answers have; its columns are text, label"):
        read_answers(path)
    path.write_text("text,instruction,answer\nx,q,true\ny,q,perhaps\n")
    with pytest.raises(DataError, match="row 2: `answer` must be true, false or a list of spans, not 'perhaps'"):
        read_answers(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_answers_may_come_through_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gold")
    filling = threading.Thread(target=lambda: (tmp_path / "gold").write_text(json.dumps(line("x", True))))
    filling.start()
    assert read_answers(tmp_path / "gold") == {Task("label", "x", "q"): True}
    filling.join()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    ("content", "found"),
    [(json.dumps(line("x", True)), {Task("label", "x", "q"): True}), ("id,n\n1,2\n", [{"id": 1, "n": 2}])],
    ids=["answers", "rows"],
)
def test_a_pipe_of_answers_or_rows_is_read_once(tmp_path: Path, content: str, found: object) -> None:
    os.mkfifo(tmp_path / "gold")
    filling = threading.Thread(target=lambda: (tmp_path / "gold").write_text(content))
    filling.start()
    got = answers_or_rows(tmp_path / "gold")
    assert (got if isinstance(got, dict) else got.to_pylist()) == found
    filling.join()


def test_a_table_needs_no_ending(tmp_path: Path) -> None:
    rows = pa.table({"text": ["x"], "instruction": ["q"], "answer": [True], "due": pa.array([2**31 - 1], pa.int32())})
    far = rows.set_column(3, "due", rows.column("due").cast(pa.date32()))
    pq.write_table(far, tmp_path / "gold")
    assert read_answers(tmp_path / "gold") == answers_or_rows(tmp_path / "gold") == {Task("label", "x", "q"): True}


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "gold.xlsx").write_bytes(b"PK\x03\x04" + b"\xff" * 40)
    with pytest.raises(DataError, match="ZIP archive or an Excel"):
        answers_or_rows(tmp_path / "gold.xlsx")


def test_tasks_come_back_from_label_studio(tmp_path: Path) -> None:
    tasks = [Task("label", "It broke.", "Is it bad?"), Task("spans", "Ada met Bob", "person"), Task("label", "?", "q")]
    exported = label_studio_tasks(tasks)
    exported[0]["annotations"] = [
        {"was_cancelled": True, "result": []},
        {"result": [{"type": "choices", "value": {"choices": ["yes"]}}]},
    ]
    span = {"type": "labels", "value": {"start": 8, "end": 11, "text": "Bob", "labels": ["span"]}}
    exported[1]["annotations"] = [{"result": [span]}]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported))
    assert read_answers(path) == {tasks[0]: True, tasks[1]: ((8, 11),)}


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ("all", "`annotations` must be a list of objects"),
        (["x"], "`annotations` must be a list of objects"),
        ([{"result": "none"}], "`result` must be a list of objects"),
        ([{"result": [{"value": "x"}]}], "`choices` must be a list of texts"),
        ([{"result": [{"type": "choices", "value": {"choices": "yes"}}]}], "`choices` must be a list of texts"),
    ],
)
def test_an_export_of_label_studio_that_was_changed_is_refused(tmp_path: Path, annotations: object, said: str) -> None:
    exported = label_studio_tasks([Task("label", "It broke.", "Is it bad?")])
    exported[0]["annotations"] = annotations
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported))
    with pytest.raises(DataError, match=f"1: {said}"):
        read_answers(path)


def test_the_labelling_interface_is_xml_with_what_the_tasks_need() -> None:
    both = ElementTree.fromstring(label_studio_config(["label", "spans"]))
    assert {element.tag for element in both.iter()} == {
        "View",
        "Header",
        "Text",
        "Choices",
        "Choice",
        "Labels",
        "Label",
    }
    assert "Labels" not in label_studio_config(["label"])
