"""Annotations by people: both forms, and what is wrong with them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from falconql.runtime.errors import DataError
from falconql.specialise.people import label_studio_config, label_studio_tasks, read_answers
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
        (line("x", "yes"), "line 1: `answer` must be true, false or a list"),
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


def test_a_line_that_is_no_json_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"text": \n')
    with pytest.raises(DataError, match="line 1: this is no JSON"):
        read_answers(path)
    with pytest.raises(DataError, match="cannot read"):
        read_answers(tmp_path / "missing")


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
