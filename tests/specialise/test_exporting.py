"""Tasks for Label Studio: what they may be written over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from falconql.errors import DataError
from falconql.specialise.exporting import interface_of, is_export, write_export
from falconql.specialise.task import Task

LABEL, SPANS = Task("label", "x\u2028y", "q"), Task("spans", "x", "who")


@pytest.mark.parametrize("tasks", [[LABEL], [SPANS], [LABEL, SPANS]])
def test_what_was_exported_may_be_replaced(tmp_path: Path, tasks: list[Task]) -> None:
    path = tmp_path / "tasks.json"
    assert is_export(path)
    write_export(path, tasks)
    assert is_export(path)
    assert is_export(interface_of(path))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tasks.json", "tasks.xml"]
    assert [entry["data"]["text"] for entry in json.loads(path.read_text())] == [task.text for task in tasks]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gold.json", '[{"text": "x", "instruction": "q", "answer": true}]'),
        ("export.json", '[{"data": {"text": "x", "instruction": "q", "kind": "label"}, "annotations": []}]'),
        ("lines.json", '{"data": 1}\n{"data": 2}\n'),
        ("other.json", "{}"),
        ("none.json", ""),
        ("own.xml", "<View/>"),
        ("latin.xml", "caf\xe9"),
    ],
)
def test_anything_else_may_not(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="latin-1")
    assert not is_export(tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert not is_export(tmp_path / "link")


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .* to write tasks\.json into"):
        write_export(tmp_path / "gone" / "tasks.json", [LABEL])
