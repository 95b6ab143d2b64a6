"""One proxy beside another: the questions both are asked, what is counted, and how far whole results agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import falconql
from falconql.errors import ConfigError
from falconql.evaluating.page import page
from falconql.evaluating.run import Evaluation, against_proxy
from falconql.evaluating.showing import as_text
from falconql.evaluating.sides import Side
from falconql.runtime.proxy.base import SpanValue
from tests.fakes import FakeProxy

TABLE = pa.table(
    {
        "id": list(range(6)),
        "stars": [5, 5, 5, 5, 1, 5],
        "text": ["good Ann", "good Bob", "bad Cid", "good Ann", "good Eve", None],
    }
)


class Contrary(FakeProxy):
    """Says the opposite about texts with one name, and finds one word more in them."""

    name = "contrary"
    fingerprint = "fake-2"

    def __init__(self, about: str) -> None:
        super().__init__()
        self.about = about

    def label(self, texts: Sequence[str], instructions: Sequence[str]) -> NDArray[np.float32]:
        scores = super().label(texts, instructions)
        turned = np.array([self.about in text for text in texts])
        return np.where(turned, 1 - scores, scores).astype(np.float32)

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        found = super().spans(texts, instructions, threshold)
        return [
            [SpanValue(0, 4, 0.9), *spans] if self.about in text else spans
            for text, spans in zip(texts, found, strict=True)
        ]


def evaluated(query: str, there: FakeProxy, *, table: pa.Table = TABLE, rows: int = 100) -> Evaluation:
    source, typed = falconql.query(query).resolved(table)
    here = FakeProxy()
    return against_proxy(typed, query, source, Side("here", here), Side("there", there), rows=rows, seed=1)


def test_labels_are_counted_by_the_rows_that_ask() -> None:
    found = evaluated('where stars > 2 and label("has good") select id', Contrary("Ann"))
    (call,) = found.calls
    assert call.quality is not None
    # Of five rows, one without a text: Ann twice, whom the other side denies, Bob a hit, Cid rightly rejected.
    assert call.quality.questions == 3
    assert call.quality.precision.value == pytest.approx(1 / 3)
    assert call.quality.recall.value == 1
    assert call.quality.f1.value == pytest.approx(0.5)
    assert call.quality.accuracy.value == pytest.approx(2 / 4)
    assert call.quality.f1.low <= 0.5 <= call.quality.f1.high
    assert [one.text for one in call.worst] == ["good Ann"]
    assert (call.worst[0].here.value, call.worst[0].there.value) == (True, False)


def test_the_whole_result_is_compared_row_by_row() -> None:
    same = evaluated('where stars > 2 and label("has good") select id', Contrary("Ann")).agreement
    assert same is not None
    assert (same.rows, same.both, same.here_only, same.there_only) == (5, 1, 2, 0)
    assert same.same.value == same.kept.value == pytest.approx(3 / 5)


def test_rows_that_both_keep_can_differ_in_their_values() -> None:
    found = evaluated('select id, who: spans("capitals"), sure: score(label("has good"))', Contrary("Bob"))
    assert found.agreement is not None
    assert found.agreement.kept.value == 1
    assert found.agreement.same.value == pytest.approx(5 / 6)  # scores differ everywhere and do not count
    spans = found.calls[0]
    assert spans.quality is not None
    assert spans.quality.precision.value == 1
    assert spans.quality.recall.value == pytest.approx(5 / 6)
    assert [one.text for one in spans.worst] == ["good Bob"]


def test_choices_are_compared_as_options() -> None:
    found = evaluated('select kind: choose("has", "good", "bad")', Contrary("Cid"))
    (call,) = found.calls
    assert call.quality is not None
    assert call.quality.accuracy.value == pytest.approx(4 / 5)
    # The options good (4 of 4 and one too many) and bad (missed), their mean.
    assert call.quality.f1.value == pytest.approx((8 / 9 + 0) / 2)
    assert call.worst[0].here.value == "bad"
    assert call.worst[0].there.value == "good"


def test_groups_are_compared_by_what_a_model_decides_of_them() -> None:
    query = 'let kind = choose("has", "good", "bad") group by kind select kind, n: count() limit 1'
    found = evaluated(query, Contrary("Cid"))
    assert found.agreement is not None
    assert found.agreement.same.value == pytest.approx(5 / 6)


def test_the_variables_of_each_are_asked_of_all_rows_when_conditions_use_them() -> None:
    query = 'each who in spans("capitals") where label("has {who}") and score(who) > 0.5 select id, who'
    found = evaluated(query, Contrary("Zoe"))
    spans, label = found.calls
    assert spans.quality is not None
    assert spans.quality.questions == 4
    assert label.quality is not None
    assert {one.instruction for one in label.worst} == set()
    assert found.agreement is not None
    assert found.agreement.same.value == 1


def test_a_sample_is_drawn_and_said() -> None:
    table = pa.table({"text": [f"good {number}" for number in range(50)]})
    found = evaluated('where label("has good") select text', FakeProxy(), table=table, rows=20)
    assert found.rows == (20, 50)
    assert found.calls[0].quality is not None
    assert found.calls[0].quality.questions == 20


def test_no_row_that_reaches_a_call_is_an_error_that_says_so() -> None:
    with pytest.raises(ConfigError, match="no row of the corpus reaches a model call"):
        evaluated('where stars > 9 and label("has good") select id', FakeProxy())


def test_a_column_may_be_called_like_the_numbers_that_are_added() -> None:
    table = pa.table({"row": ["a", "b"], "row_0": ["c", "d"], "text": ["good", "bad"]})
    found = evaluated('where label("has good") select row, x: spans("capitals")', FakeProxy(), table=table)
    assert found.agreement is not None
    assert found.agreement.both == 1


def test_what_is_no_number_is_the_same_for_both() -> None:
    table = pa.table({"x": [float("nan"), 1.0], "text": ["good Ann", "good Bob"]})
    found = evaluated('select y: x * length(span("capitals"))', FakeProxy(), table=table)
    assert found.agreement is not None
    assert found.agreement.same.value == 1


def test_a_page_says_what_was_compared_and_what_was_left_out() -> None:
    found = evaluated('where stars > 2 and label("has good") select id', FakeProxy(), rows=2)
    shown = page(replace(found, notes=("3 <questions> left out",)))
    assert "here against there, 2 of 5 rows of the Table that reach a model call<" in shown
    assert "<p>3 &lt;questions&gt; left out</p>" in shown


def test_only_right_answers_are_no_certainty() -> None:
    (call,) = evaluated('where stars > 2 and label("has good") select id', FakeProxy()).calls
    assert call.quality is not None
    for found in (call.quality.precision, call.quality.recall, call.quality.f1, call.quality.accuracy):
        assert found.value == found.high == 1
        assert found.low < 0.9


def test_a_page_shows_of_a_long_text_where_the_sides_differ() -> None:
    table = pa.table({"text": ["x " * 4000 + "anna" + " y" * 4000]})
    query = 'select who: spans("capitals"), other: spans("re: Z")'
    shown = page(evaluated(query, Found(8000), table=table))
    assert shown.count("<dd>…x x") == 2
    assert shown.count('x <mark class="m1">anna</mark> y') == 2
    assert shown.count("y…</dd>") == 2
    assert ' id="' not in shown


class Found(FakeProxy):
    """Finds four characters at one place."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place

    def spans(
        self, texts: Sequence[str], instructions: Sequence[str], threshold: float | None = None
    ) -> list[list[SpanValue]]:
        return [[SpanValue(self.place, self.place + 4, 0.9)] if self.place < len(text) else [] for text in texts]


def test_a_terminal_shows_joined_signs_and_is_not_driven() -> None:
    joined = "\U0001f469\u200d\U0001f467 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    table = pa.table({"text": [f"{joined} \x1b[31m\u202e Ann good"]})
    told = as_text(evaluated('where label("has good") select text', Contrary("Ann"), table=table), worst=1)
    assert joined in told
    assert "\x1b" not in told
    assert "\u202e" not in told
