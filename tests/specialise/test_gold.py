"""Parting, calibrating, measuring, and what is said about poor annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import falconql
from falconql.errors import ConfigError, DataError
from falconql.runtime.plan import ModelCall
from falconql.runtime.proxy.base import SpanValue
from falconql.runtime.proxy.manifest import LabelCalibration
from falconql.specialise.calibrating import calibrations, label_calibration, template_of
from falconql.specialise.gold import Gold, parted, strata_of, weights_of
from falconql.specialise.job import Drawn
from falconql.specialise.measuring import Measured, compare
from falconql.specialise.sampling import share_of
from falconql.specialise.task import Answer, Task, question_and_option
from falconql.specialise.training import annotated, calls_asking, parts_of
from tests.fakes import FakeProxy

GENERAL = LabelCalibration(1.0, 0.0, 0.5)


def label(text: str, answer: bool, *, call: int = 0, weight: float = 1.0, instruction: str = "q") -> Gold:
    return Gold(call, Task("label", text, instruction), answer, weight, 0)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.booleans()), max_size=120), st.integers(0, 3))
def test_parts_share_no_text_and_lose_none(drawn: list[tuple[int, int, bool]], seed: int) -> None:
    rows = [label(f"text {text}", answer, call=call) for text, call, answer in drawn]
    parts = parted(rows, seed)
    texts = [{row.task.text for row in part} for part in (parts.learned, parts.calibrated, parts.measured)]
    assert sum(map(len, texts)) == len(set.union(*texts))
    assert len(parts.learned) + len(parts.calibrated) + len(parts.measured) == len(rows)


@pytest.mark.parametrize("known", [1, 40, 300, 399])
def test_what_the_base_learned_is_neither_measured_nor_calibrated_on(known: int) -> None:
    rows = [label(f"text {number}", number % 2 == 0) for number in range(400)]
    before = {f"text {number}" for number in range(known)} | {"a text of another corpus"}
    parts = parted(rows, 0, before)
    others = {row.task.text for row in (*parts.calibrated, *parts.measured)}
    assert not before & others
    assert len(parts.learned) + len(parts.calibrated) + len(parts.measured) == 400
    # As long as there are enough others, the parts are as large as without.
    assert len(parts.measured) == (80 if known <= 260 else round((400 - known) * 4 / 7))


def test_when_the_base_learned_everything_there_is_nothing_to_measure_on() -> None:
    rows = [label(f"text {number}", number % 2 == 0) for number in range(40)]
    with pytest.raises(DataError, match="the base has learned from nearly all"):
        parts_of(rows, 0, {row.task.text for row in rows})


def test_rare_answers_are_in_every_part() -> None:
    rows = [label(f"text {number}", number < 20) for number in range(400)]
    parts = parted(rows, 0)
    shares = [sum(bool(row.answer) for row in part) for part in (parts.learned, parts.calibrated, parts.measured)]
    assert shares == [13, 3, 4]
    assert [len(part) for part in (parts.learned, parts.calibrated, parts.measured)] == [260, 60, 80]


class Scores(FakeProxy):
    """Scores a text by the number it holds."""

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        return np.array([float(text) for text in texts], dtype=np.float32)

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        limit = 0.5 if threshold is None else threshold
        return [[s for s in (SpanValue(0, 1, 0.3), SpanValue(2, 3, 0.7)) if s.score >= limit] for _ in texts]


def test_a_biased_instruction_is_moved_to_where_its_answers_part() -> None:
    rows = [label(str(score), score > 0.8) for score in np.round(np.linspace(0.6, 0.99, 60), 4)]
    found = label_calibration(Scores(), rows, GENERAL)
    margin = np.log(0.8 / 0.2) / found.temperature + found.bias
    assert 1 / (1 + np.exp(-margin)) == pytest.approx(found.threshold, abs=0.06)
    assert found.bias < -0.5


def test_few_rows_change_little() -> None:
    rows = [label("0.9", True), label("0.6", False)]
    found = label_calibration(Scores(), rows, GENERAL)
    assert found.threshold == 0.5
    assert abs(found.bias) < 1.0


def test_spans_get_the_threshold_that_finds_them() -> None:
    rows = [
        Gold(0, Task("spans", f"a b {n}", f"q{n % 2}"), ((0, 1), (2, 3)) if n % 2 else ((2, 3),), 1.0, 0)
        for n in range(40)
    ]
    found = calibrations(Scores(), rows, GENERAL)["span"]
    assert found["q1"]["threshold"] <= 0.3 < found["q0"]["threshold"]


def quoting(written: str) -> ModelCall:
    return falconql.query(f"select x: {written}").resolved({"id": ["1"], "text": ["x"]})[1].calls[0]


@pytest.mark.parametrize(
    ("written", "instruction", "template"),
    [
        ('label("Is it red?")', "Is it red?", "Is it red?"),
        ('label("Is {id} red?")', "Is Anna {b} red?", "Is {} red?"),
        ('span("job of {id}")', "job of Anna", "job of {}"),
        ('choose("What is {id}?", "a", "not a")', "What is Anna? not a", "What is {}? not a"),
        ('label("{id}?")', "Is it red?", "Is it red?"),
    ],
)
def test_an_instruction_that_quotes_has_one_template(written: str, instruction: str, template: str) -> None:
    assert template_of(quoting(written), instruction) == template


def test_what_fills_a_template_is_calibrated_together() -> None:
    rows = [
        label(str(score), score > 0.8, instruction=f"Is {number} red?")
        for number, score in enumerate(np.round(np.linspace(0.6, 0.99, 60), 4))
    ]
    found = calibrations(Scores(), rows, GENERAL, [quoting('label("Is {id} red?")')])["label"]
    plain = label_calibration(Scores(), rows, GENERAL)
    assert found == {
        "Is {} red?": {
            "temperature": round(plain.temperature, 4),
            "bias": round(plain.bias, 4),
            "threshold": plain.threshold,
        }
    }


def measured(rows: list[Gold], call: ModelCall) -> Measured:
    return compare(Scores(), Scores(), rows, call, rows).after


def test_measuring_weighs_rows_by_what_they_stand_for() -> None:
    rows = [
        label("0.9", True, weight=1.0),
        label("0.1", False, weight=97.0),
        label("0.2", True, weight=1.0),
        label("0.8", False, weight=1.0),
    ]
    found = measured(rows, one_call('label("q")'))
    assert found.f1.value == pytest.approx(0.5)
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(0.98)
    assert found.positives.value == pytest.approx(0.02)
    assert found.f1.low <= 0.5 <= found.f1.high


def test_spans_are_measured_by_words() -> None:
    rows = [Gold(0, Task("spans", "a b c", "q"), ((2, 5),), 1.0, 0)]
    assert measured(rows, one_call('spans("q")')).f1.value == pytest.approx(2 / 3)


def test_the_threshold_of_the_query_is_the_one_that_is_measured() -> None:
    rows = [label("0.9", True), label("0.7", False), label("0.2", False)]
    assert measured(rows, one_call('label("q")')).f1.value == pytest.approx(2 / 3)
    assert measured(rows, one_call('label("q", threshold: 0.8)')).f1.value == 1
    spans = [Gold(0, Task("spans", "a b", "q"), ((0, 1), (2, 3)), 1.0, 0)]
    assert measured(spans, one_call('spans("q")')).f1.value == pytest.approx(2 / 3)
    assert measured(spans, one_call('spans("q", threshold: 0.2)')).f1.value == 1


class Options(FakeProxy):
    """Is never sure of an option, but surest of that which the text names."""

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        scores = [0.3 if i.endswith(f" {t.split()[0]}") else 0.1 for t, i in zip(texts, instructions, strict=True)]
        return np.array(scores, dtype=np.float32)


def test_a_choice_is_measured_as_the_query_makes_it_one_question_each() -> None:
    call = one_call('choose("kind?", "a", "b", "c")')
    rows = [
        label(f"{said} {number}", option == right, instruction=f"kind? {option}")
        for number, (said, right) in enumerate([("a", "a"), ("b", "b"), ("c", "a"), ("a", "a")])
        for option in ("a", "b", "c")
    ]
    found = compare(Options(), Options(), rows, call, rows).after
    assert found.rows == 4
    assert found.f1.value == pytest.approx(3 / 4)
    assert found.accuracy is not None
    assert found.accuracy.value == pytest.approx(3 / 4)
    assert found.positives.value == 1
    # Its options are no answers of their own: the interval is that of as many labels.
    labels = [label(text, True, instruction="q") for text in ("0.9", "0.8", "0.1", "0.7")]
    alike = measured(labels, one_call('label("q")')).accuracy
    assert alike is not None
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx((alike.low, alike.high))


def test_one_span_is_measured_as_the_query_takes_it() -> None:
    # Two are found, of which the query takes the surest; of several right ones the nearest is meant.
    rows = [Gold(0, Task("spans", "a b c d", "q"), ((2, 3), (6, 7)), 1.0, 0)]
    assert measured(rows, one_call('span("q", threshold: 0.2)')).f1.value == 1
    assert measured(rows, one_call('spans("q", threshold: 0.2)')).f1.value == pytest.approx(1 / 2)


def test_how_often_the_answer_is_yes_is_told_by_all_that_is_annotated() -> None:
    rows = [label(f"0.{number}", number == 1) for number in range(20)]
    parts = parted(rows, 0)
    assert not any(row.answer for row in parts.measured)  # the only one is learned from
    found = compare(Scores(), Scores(), parts.measured, one_call('label("q")'), rows).after
    assert found.positives.value == pytest.approx(1 / 20)
    assert found.rows == 4


class Fixed(FakeProxy):
    """Says yes to every text but those."""

    def __init__(self, wrong: set[str]) -> None:
        self.wrong = wrong

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        return np.array([0.0 if text in self.wrong else 1.0 for text in texts], dtype=np.float32)


@pytest.mark.parametrize(
    ("rows", "wrong", "worse"),
    [
        (13, 0, False),
        (13, 2, False),
        (13, 5, True),
        (400, 10, False),
        (400, 40, True),
        (3, 3, False),
        (4, 4, True),
    ],
)
def test_what_is_answered_plainly_worse_is_told_from_chance(rows: int, wrong: int, worse: bool) -> None:
    # As many strata as rows: within them, one wrong answer would be no chance.
    gold = [Gold(0, Task("label", str(n), "q"), True, 1.0 + n % 3, n) for n in range(rows)]
    good, bad = Fixed(set()), Fixed({str(n) for n in range(wrong)})
    found = compare(good, bad, gold, one_call('label("q")'), gold)
    assert found.worse == worse
    assert (found.before.f1.value, found.after.rows) == (1.0, rows)
    assert not compare(bad, good, gold, one_call('label("q")'), gold).worse


CALLS = (
    'let good = label("Is it good?") let kind = choose("kind?", "a", "b") where good select id, kind, '
    'who: spans("person"), of: span("job of {id}")'
)


def one_call(written: str) -> ModelCall:
    return falconql.query(f"select x: {written}").resolved({"text": ["x"]})[1].calls[0]


def calls() -> tuple[ModelCall, ...]:
    return falconql.query(CALLS).resolved({"id": ["1"], "text": ["x"]})[1].calls


@pytest.mark.parametrize(
    ("kind", "instruction", "wanted"),
    [
        ("label", "Is it good?", "label"),
        ("label", "kind? a", "choose"),
        ("label", "kind? c", None),
        ("spans", "person", "spans"),
        ("spans", "job of Ada", "span"),
        ("spans", "Is it good?", None),
    ],
)
def test_an_annotation_finds_its_call(kind: Literal["label", "spans"], instruction: str, wanted: str | None) -> None:
    found = calls_asking(calls(), Task(kind, "t", instruction))
    assert [calls()[number].kind for number in found] == ([] if wanted is None else [wanted])


TWICE = 'where label("Is {id} good?") select b: label("Is {id} good?", threshold: 0.8), c: label("Is Bo good?")'


def test_an_answer_is_for_all_calls_that_ask_it() -> None:
    typed = falconql.query(TWICE).resolved({"id": ["1"], "text": ["x"]})[1]
    first, second, other = range(3)
    people: dict[Task, Answer] = {Task("label", f"text {n}", "Is Al good?"): n % 2 == 0 for n in range(30)}
    people[Task("label", "more", "Is Bo good?")] = True
    found = annotated(typed, [], people, None)
    assert Counter(row.call for row in found.rows) == {first: 31, second: 31, other: 1}
    assert not [said for said in found.warnings if "has no annotations" in said]
    # Those that were drawn stand for the rows that they were drawn from.
    drawn = [Drawn(first, task, 5.0, 1) for task in people]
    found = annotated(typed, drawn, people, None)
    assert {row.call for row in found.rows} == {first}
    assert not [said for said in found.warnings if "has no annotations" in said]


def test_what_nobody_drew_does_not_make_sure_of_what_the_drawn_stand_for() -> None:
    typed = falconql.query('where label("q")').resolved({"text": ["x"]})[1]
    tasks = [Task("label", f"text {number}", "q") for number in range(200)]
    drawn = [Drawn(0, task, 600.0, 0) for task in tasks[:13]]

    def most_of_all(people: dict[Task, Answer]) -> float:
        rows = annotated(typed, drawn, people, None).rows
        yes = np.array([row.answer for row in rows])
        return share_of(yes, weights_of(rows), strata_of(rows)).high

    alone = most_of_all(dict.fromkeys(tasks[:20], False))
    assert alone > 0.1
    assert most_of_all(dict.fromkeys(tasks, False)) == pytest.approx(alone, abs=0.05)


def test_an_answer_that_several_calls_ask_calibrates_once() -> None:
    rows = [label(f"text {n}", n % 2 == 0) for n in range(20)]
    once = calibrations(FakeProxy(), rows, GENERAL)
    assert calibrations(FakeProxy(), [*rows, *(replace(each, call=1) for each in rows)], GENERAL) == once


class Annotator:
    """Answers every second question."""

    def __init__(self, unasked: int = 0) -> None:
        self.unasked = unasked

    def annotate(self, tasks: Sequence[Task]) -> list[Answer | None]:
        return [None if number % 2 else False for number in range(len(tasks))]


def test_people_go_before_the_annotator_and_gaps_are_counted() -> None:
    typed = falconql.query(CALLS).resolved({"id": ["1"], "text": ["x"]})[1]
    number = next(n for n, call in enumerate(typed.calls) if call.kind == "label")
    drawn = [Drawn(number, Task("label", f"text {n}", "Is it good?"), 5.0, 1) for n in range(60)]
    people: dict[Task, Answer] = {
        drawn[0].task: True,
        Task("label", "mine", "Is it good?"): True,
        Task("label", "x", "?"): True,
    }
    found = annotated(typed, drawn, people, Annotator())
    assert found.unanswered == 29
    assert len(found.rows) == 32
    by_text = {row.task.text: row for row in found.rows}
    # 31 of 60 drawn were answered, and stand for the others, too.
    assert (by_text["text 0"].answer, by_text["mine"].weight) == (True, 1.0)
    assert sum(row.weight for row in found.rows if row.task in {each.task for each in drawn}) == pytest.approx(300)
    said = " ".join(found.warnings)
    assert "annotations to nothing that the query asks were left out: 1, such as '?', answered by yes or no" in said
    assert "29 questions have no usable answer" in said
    assert "has no annotations" in said


def test_what_the_budget_left_unasked_is_told_apart() -> None:
    typed = falconql.query('where label("q")').resolved({"text": ["x"]})[1]
    drawn = [Drawn(0, Task("label", f"text {n}", "q"), 1.0, 0) for n in range(60)]
    found = annotated(typed, drawn, {}, Annotator(unasked=20))
    assert (found.unanswered, found.unasked) == (10, 20)
    assert found.warnings[0] == (
        "the budget is used up, and left 20 questions unasked; to have them answered first, stop now (Ctrl-C) and "
        "give the command again with a larger --budget"
    )
    assert "10 questions have no usable answer" in found.warnings[1]
    with pytest.raises(ConfigError) as caught:
        annotated(typed, drawn[:20], {}, Annotator(unasked=10))
    assert caught.value.message == (
        "10 annotated texts are too few to learn from: the budget is used up, and left 10 questions unasked; "
        "the answers are kept"
    )
    assert caught.value.hint == "at least 20 are needed; a larger --budget goes on from here"


def test_one_answer_only_is_said() -> None:
    typed = falconql.query('where label("q")').resolved({"text": ["x"]})[1]
    never = {Task("label", str(n), "q"): False for n in range(30)}
    assert "nothing among 30" in annotated(typed, [], never, None).warnings[0]
    always = {task: True for task in never}
    assert "all of 30" in annotated(typed, [], always, None).warnings[0]


def test_too_few_texts_and_foreign_instructions_are_refused() -> None:
    typed = falconql.query('where label("q")').resolved({"text": ["x"]})[1]
    with pytest.raises(ConfigError, match="3 annotated texts are too few"):
        annotated(typed, [], {Task("label", str(n), "q"): True for n in range(3)}, None)
    with pytest.raises(ConfigError, match="to nothing that the query asks, such as 'p', answered by yes or no"):
        annotated(typed, [], {Task("label", str(n), "p"): True for n in range(30)}, None)


@pytest.mark.parametrize(
    ("call", "instruction", "wanted"),
    [
        ('choose("Which colour?", "red", "dark red")', "Which colour? dark red", ("Which colour?", "dark red")),
        ('choose("Which colour?", "red", "dark red")', "Which colour? red", ("Which colour?", "red")),
        # The question ends as the other option begins.
        ('choose("Is it dark", "red", "dark red")', "Is it dark red", ("Is it dark", "red")),
        ('choose("Is it dark", "red", "dark red")', "Is it dark dark red", ("Is it dark", "dark red")),
        ('choose("Which colour?", "red", "blue")', "Which shade? red", ("Which shade? red", "")),
        (
            'choose("What is {text} like?", "red", "dark red")',
            "What is Ann like? dark red",
            ("What is Ann like?", "dark red"),
        ),
    ],
)
def test_what_is_asked_and_the_option_are_told_apart(call: str, instruction: str, wanted: tuple[str, str]) -> None:
    assert question_and_option(one_call(call), instruction) == wanted
