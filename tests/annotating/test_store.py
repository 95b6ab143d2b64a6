"""Answers on disk: torn files, other processes, other models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.annotating.store import AnswerStore, Kept, default_folder, file_name
from falconql.annotating.task import Question, Task, fits, key_of
from falconql.errors import DataError

KEYS = [f"{number:032x}" for number in range(300)]
ANSWERS = st.one_of(
    st.booleans(),
    st.none(),
    st.sampled_from(["red", "blue"]),
    st.lists(st.integers(0, 9), max_size=6).map(
        lambda places: tuple(zip(sorted(set(places))[::2], sorted(set(places))[1::2], strict=False))
    ),
)


@given(st.lists(st.tuples(st.sampled_from(KEYS[:5]), st.builds(Kept, ANSWERS, st.integers(0, 3))), max_size=12))
def test_the_first_answer_of_a_question_counts_in_every_process(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, Kept]]
) -> None:
    path = tmp_path_factory.mktemp("store") / "m.jsonl"
    stores = [AnswerStore(path), AnswerStore(path)]
    expected: dict[str, Kept] = {}
    for number, (key, kept) in enumerate(puts):
        if expected.get(key, Kept(None)).answer is None:
            expected[key] = kept
        assert stores[number % 2].put(key, kept) == expected[key]
    for store in (*stores, AnswerStore(path)):
        store.refresh()
        assert {key: store.get(key) for key in expected} == expected
        assert len(store) == len(expected)


@pytest.mark.parametrize("cut", [1, 5, 20, 40])
def test_a_torn_last_line_is_passed_over_and_mended(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "m.jsonl"
    store = AnswerStore(path)
    for key in KEYS[:3]:
        store.put(key, Kept(True))
    path.write_bytes(path.read_bytes()[:-cut])
    torn = AnswerStore(path)
    assert [torn.get(key) for key in KEYS[:3]] == [Kept(True), Kept(True), None]
    torn.put(KEYS[3], Kept(False))
    again = AnswerStore(path)
    assert [again.get(key) for key in KEYS[:2]] == [Kept(True)] * 2
    assert again.get(KEYS[3]) == Kept(False)


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"key": 1, "answer": true}', b'{"key": "zz", "answer": true}', b'{"key": "00"}', b"\xff\xfe",
     b'{"key": "' + KEYS[1].encode() + b'", "answer": [[1]]}', b'{"key": "' + KEYS[1].encode() + b'", "answer": 3}',
     b'{"key": "' + KEYS[1].encode() + b'", "answer": [["1", 2]]}', b"[" * 10_000],
)  # fmt: skip
def test_damaged_lines_are_passed_over(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "m.jsonl"
    AnswerStore(path).put(KEYS[0], Kept(True))
    path.write_bytes(path.read_bytes() + line + b"\n" + path.read_bytes())
    found = AnswerStore(path)
    assert found.get(KEYS[0]) == Kept(True)
    assert found.get(KEYS[1]) is None


def test_a_kept_answer_must_fit_its_question() -> None:
    text = "a red car"
    assert fits(True, Question(Task("label", "x"), text))
    assert fits(((2, 5),), Question(Task("spans", "x"), text))
    assert fits((), Question(Task("spans", "x"), text))
    assert fits("red", Question(Task("choose", "x", ("red",)), text))
    for wrong in (((2, 50),), ((5, 2),), ((-1, 2),), ((2, 5), (4, 6)), True, "red", None):
        assert not fits(wrong, Question(Task("spans", "x"), text))
    assert not fits("blue", Question(Task("choose", "x", ("red",)), text))
    assert not fits((), Question(Task("label", "x"), text))


def test_keys_differ_for_whatever_may_change_an_answer() -> None:
    asked = [
        (Question(Task("label", "ab"), "c"), "1", 0),
        (Question(Task("label", "a"), "bc"), "1", 0),
        (Question(Task("spans", "ab"), "c"), "1", 0),
        (Question(Task("choose", "ab", ("x",)), "c"), "1", 0),
        (Question(Task("choose", "ab", ("x", "y")), "c"), "1", 0),
        (Question(Task("choose", "ab", ("xy",)), "c"), "1", 0),
        (Question(Task("label", "ab"), "c"), "2", 0),
        (Question(Task("label", "ab"), "c"), "1", 1),
        (Question(Task("label", "ab"), "\ud800"), "1", 0),
    ]
    assert len({key_of(*each) for each in asked}) == len(asked)


def test_every_model_and_server_has_a_file_of_its_own() -> None:
    names = {
        file_name(model, url)
        for model in ("gpt-4o", "a/b:c", "../../up", "...", "x" * 300)
        for url in ("https://api.openai.com/v1", "http://user:secret@localhost:80/v1")
    }
    assert len(names) == 10
    for name in names:
        assert Path(name).name == name
        assert len(name) < 80
        assert "secret" not in name


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="answers cannot be opened") as caught:
        AnswerStore(tmp_path / "file" / "m.jsonl")
    assert "FALCONQL_HOME" in (caught.value.hint or "")


def test_the_folder_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "answers"


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    AnswerStore(tmp_path / "m.jsonl")
    assert (tmp_path / "m.jsonl").stat().st_mode & 0o777 == 0o600


WRITER = """
import sys
from pathlib import Path
from falconql.annotating.store import AnswerStore, Kept
store = AnswerStore(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 300, 4):
    store.put(f"{number:032x}", Kept(number % 3 == 0, why="x" * 3000))
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number)]) for number in range(4)]
    assert [each.wait() for each in running] == [0, 0, 0, 0]
    store = AnswerStore(path)
    assert [store.get(key) for key in KEYS] == [Kept(number % 3 == 0, why="x" * 3000) for number in range(300)]
    assert path.read_bytes().count(b"\n") == 300
