"""Labelled rows to instructions."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest

from falconql.training import phrasing
from falconql.training.examples import Example, dev_examples, disjoint, examples_of
from falconql.training.sources import FAMILIES, SETS, TrainingSet, label_names, read_split, sets_in
from tests.training.made_data import NAMES, PLACES, labels, write, write_sets


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_sets(tmp_path)


def made(data: Path, task: str, count: int = 300) -> list[Example]:
    (set_,) = (s for s in sets_in(data) if s.task == task)
    return list(islice(examples_of(set_, data, frozenset(), seed=5), count))


def quoted(example: Example) -> list[str]:
    assert not isinstance(example.answer, bool)
    return [example.text[start:end] for start, end in example.answer]


def test_entity_spans_are_stretches_of_the_text(data: Path) -> None:
    found = [text for e in made(data, "spans") if not isinstance(e.answer, bool) for text in quoted(e)]
    assert set(found) <= {*NAMES, *PLACES}
    assert {name for name in found if name in NAMES}
    assert {name for name in found if name in PLACES}


def test_absent_types_are_asked_for_and_have_no_spans(data: Path) -> None:
    asked = [e for e in made(data, "spans") if "organi" in e.instruction.lower()]
    assert {bool(e.answer) for e in asked} == {True, False}
    assert all(bool(e.answer) is ("saw" in e.text) for e in asked)


def test_asking_for_a_person_gives_persons_only(data: Path) -> None:
    asked = [e for e in made(data, "spans") if e.instruction == "Extract the person"]
    assert asked
    assert all(quoted(e)[0] in NAMES and len(quoted(e)) == 1 for e in asked)


def test_questions_answer_with_a_stretch_or_nothing(data: Path) -> None:
    rows = {row["context"]: row for row in read_split(data, "qa/squad_part", "train")}
    examples = [example for example in made(data, "qa") if not isinstance(example.answer, bool)]
    for example in examples:
        row = rows[example.text]
        own = example.instruction == row["question"].strip()
        wanted = [a["text"] for a in row["answers"]] if own else []
        assert quoted(example) == wanted
    assert any(e.instruction != rows[e.text]["question"] for e in examples)


def test_questions_are_also_asked_whether_they_are_answered_and_by_what(data: Path) -> None:
    rows = {row["context"]: row for row in read_split(data, "qa/squad_part", "train")}
    seen = set()
    for example in made(data, "qa"):
        row = rows[example.text]
        if isinstance(example.answer, bool) and row["question"] in example.instruction:
            named = [a["text"] for a in row["answers"] if a["text"] in example.instruction]
            if named:
                assert example.answer is True
            seen.add((bool(named), example.answer))
    assert {(True, True), (False, True), (False, False)} >= seen >= {(True, True)}


def test_only_entailment_is_true(data: Path) -> None:
    for example in made(data, "nli"):
        assert example.answer is ("visited" in example.text)


def test_rows_whose_answers_are_pronouns_are_not_learned_from(data: Path) -> None:
    (set_,) = (s for s in sets_in(data) if s.task == "spans")
    rows = read_split(data, set_.name, "train")
    some = {**rows[0], "text": "play My list for Ada", "spans": [{"start": 5, "end": 7, "label": "PER"}]}
    country = {**rows[0], "text": "Ada left the US", "spans": [{"start": 13, "end": 15, "label": "LOC"}]}
    write(data, set_.name, "train", [*rows, some, country])
    texts = {e.text for e in islice(examples_of(set_, data, frozenset(), seed=5), 300)}
    assert some["text"] not in texts
    assert texts >= {row["text"] for row in (*rows, country)}


def test_opposite_sentiments_are_both_asked(data: Path) -> None:
    asked = {(e.instruction, "liked" in e.text): e.answer for e in made(data, "opinions", 2000)}
    assert asked["Is this a positive review?", True] is True
    assert asked["Is this a positive review?", False] is False
    assert asked["Is this a negative review?", True] is False
    assert asked["Is this a negative review?", False] is True


def test_some_class_instructions_have_the_form_of_choose() -> None:
    rng = random.Random(0)
    made_ = {phrasing.class_instruction("dbpedia14", "village", rng) for _ in range(300)}
    assert "What is the topic? village" in made_
    assert "Is this about village?" in made_


def test_a_class_is_asked_for_as_people_call_it() -> None:
    rng = random.Random(0)
    made_ = {
        phrasing.class_instruction("sms_spam", "unsolicited advertising or fraud message", rng) for _ in range(300)
    }
    assert made_ >= {"Is this spam?", "Is this junk?", "What kind of message is it? spam"}


def test_families_are_made_into_examples_as_other_sets_of_their_kind_are(data: Path) -> None:
    rows = read_split(data, "spans/broad_twitter", "train")
    empty = [{**row, "text": f"nothing {number}", "spans": []} for number, row in enumerate(rows * 4)]
    write(data, "spans/cyner", "train", [*rows, *empty])
    labels(data, "spans/cyner", label_names(data, "spans/broad_twitter"))
    (set_,) = (s for s in sets_in(data) if s.name == "spans/cyner")
    texts = {e.text for e in islice(examples_of(set_, data, frozenset(), seed=5), 300)}
    assert texts >= {row["text"] for row in rows}
    # One row in five has nothing to find, whatever the set has.
    assert len(texts) - len(rows) == round(len(rows) / 4)


def test_the_same_seed_gives_the_same_examples(data: Path) -> None:
    assert made(data, "spans") == made(data, "spans")


def test_dev_examples_come_from_the_dev_split(data: Path) -> None:
    (set_,) = (s for s in sets_in(data) if s.task == "nli")
    examples = dev_examples(set_, data, 10, seed=0)
    assert len(examples) == 10
    assert all(e.text.startswith("dev ") for e in examples)


def test_overlapping_spans_keep_the_first() -> None:
    assert disjoint([(0, 4), (2, 6), (4, 5)]) == ((0, 4), (4, 5))


def test_sets_that_state_no_licence_can_be_left_out(data: Path) -> None:
    assert [s.name for s in sets_in(data) if not s.stated] == ["classify/sst2"]
    assert all(s.stated for s in sets_in(data, stated_only=True))


def test_a_set_can_be_left_out(data: Path) -> None:
    everything = [s.name for s in sets_in(data)]
    assert [s.name for s in sets_in(data, leave_out=everything[1:])] == everything[:1]


def test_no_set_in_the_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no training split"):
        sets_in(tmp_path)


def test_no_listed_licence_forbids_commercial_use() -> None:
    assert not [s.name for s in SETS if "-NC" in s.licence or "non-commercial" in s.licence.lower()]
    assert [s.name for s in SETS if s.licence.startswith("not stated")] == [s.name for s in SETS if not s.stated]


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("city", "cities"),
        ("booking day", "booking days"),
        ("address", "address"),
        ("dish", "dishes"),
        ("number of people", "numbers of people"),
    ],
)
def test_plurals(one: str, many: str) -> None:
    assert phrasing.plural(one) == many


def test_a_set_knows_its_task() -> None:
    assert TrainingSet("qa/x", 1.0, "MIT", "somebody/something").task == "qa"
    assert {s.task for s in SETS} == {"spans", "qa", "nli", "opinions", "classify", "families"}
    assert {s.name for s in SETS if s.task == "families"} == set(FAMILIES)
    assert {s.name.split("/")[1] for s in SETS if s.task == "opinions"} == set(phrasing.SENTIMENT_SETS)
