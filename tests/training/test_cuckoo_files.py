"""Cuckoo's few-shot files, written and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.training.cuckoo_files import CuckooFileError, read_cuckoo, write_cuckoo
from falconql.training.examples import Example

EXAMPLES = [
    Example("Who left?", "Ada Lovelace left Paris, Ada said", ((0, 12), (25, 28))),
    Example("Is she happy?", "Ada", True),
    Example("What question?", "Question : none", ()),
]


def test_spans_come_back_and_labels_are_left_out(tmp_path: Path) -> None:
    assert write_cuckoo(EXAMPLES, tmp_path / "few.json") == 2
    first = json.loads((tmp_path / "few.json").read_text().splitlines()[0])
    assert first["words"][:4] == ["User", ":", "Ada", "Lovelace"]
    assert first["ner"][2:4] == ["B", "I"]
    one, two = read_cuckoo(tmp_path / "few.json")
    assert [one.text[start:end] for start, end in one.answer] == ["Ada Lovelace", "Ada"]  # type: ignore[union-attr]
    assert two == Example("What question ?", "Question : none", ())


@pytest.mark.parametrize("text", ["日本語東京は", "AdaBob", "\ud83d\ud83dAda Bob"])
def test_spans_within_a_stretch_without_spaces_come_back(tmp_path: Path, text: str) -> None:
    write_cuckoo([Example("Who?", text, ((0, 2), (2, 5)))], tmp_path / "few.json")
    (read,) = read_cuckoo(tmp_path / "few.json")
    found = [read.text[start:end].replace(" ", "") for start, end in read.answer]  # type: ignore[union-attr]
    assert found == [text[:2].replace("\ud83d", "\ufffd"), text[2:5]]


def test_what_is_no_text_is_named_with_its_line(tmp_path: Path) -> None:
    for content in (b"\n\xff\xfe\n", b"\n" + b"[" * 100_000):
        (tmp_path / "few.json").write_bytes(content)
        with pytest.raises(CuckooFileError, match=r"few\.json:2: not an object"):
            list(read_cuckoo(tmp_path / "few.json"))


@given(st.lists(st.tuples(st.sampled_from(["Ada", "é", "日本", "x-y", "🙂"]), st.booleans()), min_size=1, max_size=12))
def test_any_words_come_back(tmp_path_factory: pytest.TempPathFactory, words: list[tuple[str, bool]]) -> None:
    text = " ".join(word for word, _ in words)
    spans, at = [], 0
    for word, asked in words:
        if asked:
            spans.append((at, at + len(word)))
        at += len(word) + 1
    path = tmp_path_factory.mktemp("few") / "few.json"
    write_cuckoo([Example("Which?", text, tuple(spans))], path)
    (read,) = read_cuckoo(path)
    got = [read.text[start:end].replace(" ", "") for start, end in read.answer]  # type: ignore[union-attr]
    assert got == [text[start:end].replace(" ", "") for start, end in spans]


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        '{"words": []}',
        '{"words": ["User"], "ner": []}',
        '{"words": ["a"], "ner": ["X"]}',
        '{"words": ["a"], "ner": ["O"]}',
    ],
)
def test_what_is_no_example_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "few.json"
    write_cuckoo(EXAMPLES[:1], path)
    path.write_text(path.read_text() + "\n" + line + "\n")
    with pytest.raises(CuckooFileError, match=r"few.json:3: "):
        list(read_cuckoo(path))
