"""Model calls: what is asked, how often, and what is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from falconql.runtime.answers import LABEL as LABEL_KIND
from falconql.runtime.answers import Answers
from falconql.runtime.calls import ModelCalls
from falconql.runtime.errors import ProxyError
from falconql.runtime.expression import Cast, ColumnRef
from falconql.runtime.frame import Frame
from falconql.runtime.metrics import RunMetrics
from falconql.runtime.plan import ModelCall
from falconql.runtime.types import LABEL, SPAN, TEXT, Type, list_of
from tests.fakes import FakeProxy

BODY, WORD = ColumnRef("body", TEXT), ColumnRef("word", TEXT)


def call(
    kind: str, *instruction: str | ColumnRef | Cast, type_: Type = LABEL, options: Sequence[str] = ()
) -> ModelCall:
    return ModelCall(kind, BODY, instruction, type_, tuple(options))  # type: ignore[arg-type]


def frame(bodies: list[str | None], words: list[str | None] | None = None) -> Frame:
    words = words or [None] * len(bodies)
    return Frame(pa.record_batch({"body": pa.array(bodies, pa.string()), "word": pa.array(words, pa.string())}))


def answers(asked: ModelCall, rows: Frame, proxy: FakeProxy | None = None) -> list[object]:
    calls = ModelCalls([asked], proxy or FakeProxy(), RunMetrics())
    values: list[object] = calls.results(0, rows, np.arange(rows.num_rows)).values.tolist()
    return values


def test_only_the_rows_asked_for_are_computed_and_each_only_once() -> None:
    proxy, metrics = FakeProxy(), RunMetrics()
    calls = ModelCalls([call("label", "has a")], proxy, metrics)
    rows = frame(["a", "b", "c", "d"])
    assert calls.results(0, rows, np.array([1, 3])).known.tolist() == [False, True, False, True]
    assert [text for text, _ in proxy.asked] == ["b", "d"]
    calls.results(0, rows, np.array([0, 1, 3]))
    assert [text for text, _ in proxy.asked] == ["b", "d", "a"]
    assert (metrics.model_calls, metrics.cache_hits) == (3, 0)
    assert metrics.model_tokens == proxy.tokens_run


def test_answers_are_shared_between_batches_and_between_calls() -> None:
    proxy, metrics = FakeProxy(), RunMetrics()
    both = [call("spans", "names", type_=list_of(SPAN)), call("span", "names", type_=SPAN)]
    calls = ModelCalls(both, proxy, metrics)
    for _ in range(3):
        rows = frame(["Anna", "Bob"])
        calls.results(0, rows, np.arange(2))
        calls.results(1, rows, np.arange(2))
    assert (metrics.model_calls, metrics.cache_hits) == (2, 10)


def test_labels_and_spans_of_the_same_words_are_different_questions() -> None:
    proxy = FakeProxy()
    calls = ModelCalls([call("label", "Anna"), call("spans", "Anna", type_=list_of(SPAN))], proxy, RunMetrics())
    rows = frame(["Anna"])
    assert calls.results(0, rows, np.arange(1)).values.tolist() == [1.0]
    assert calls.results(1, rows, np.arange(1)).values[0][0]["text"] == "Anna"


def test_texts_and_instructions_that_join_to_the_same_are_different_questions() -> None:
    proxy = FakeProxy()
    asked = call("label", WORD)
    assert answers(asked, frame(["b", "xb"], ["has x", "has "]), proxy) == pytest.approx([0.1, 0.9])
    assert len(proxy.asked) == 2


def test_null_texts_and_null_quotes_are_null_and_not_asked() -> None:
    proxy = FakeProxy()
    quoting = call("label", "has ", WORD)
    assert answers(quoting, frame([None, "a b", "a"], ["a", None, "a"]), proxy)[:2] == [None, None]
    assert proxy.asked == [("a", "has a")]


def test_nothing_is_extracted_from_an_empty_text_but_it_has_a_label() -> None:
    proxy = FakeProxy()
    assert answers(call("spans", "names", type_=list_of(SPAN)), frame(["", "Anna"]), proxy)[0] == []
    assert answers(call("span", "names", type_=SPAN), frame([""]), proxy) == [None]
    assert proxy.asked == [("Anna", "names")]
    assert answers(call("label", "has a"), frame([""])) == pytest.approx([0.1])


def test_span_is_the_best_and_spans_are_in_text_order() -> None:
    found = answers(call("spans", "names", type_=list_of(SPAN)), frame(["😀 Anna met Bob", "nobody"]))
    assert isinstance(found[0], list)
    assert [(s["text"], s["start"], s["end"]) for s in found[0]] == [("Anna", 2, 6), ("Bob", 11, 14)]
    assert found[1] == []
    best = answers(call("span", "names", type_=SPAN), frame(["Anna met Bob", "nobody"]))
    assert isinstance(best[0], dict)
    assert best[0]["text"] == "Anna"
    assert best[1] is None


def test_choose_asks_one_label_per_option_and_takes_the_best() -> None:
    proxy, metrics = FakeProxy(), RunMetrics()
    chosen = call("choose", "about", type_=TEXT, options=("cats", "dogs", "cats and dogs"))
    calls = ModelCalls([chosen], proxy, metrics)
    rows = frame(["about dogs", None, "cats", "neither"])
    assert calls.results(0, rows, np.arange(4)).values.tolist() == ["dogs", None, "cats", "cats"]
    assert ("about dogs", "about cats") in proxy.asked
    assert metrics.model_calls == 9
    assert calls.questions_per_row() == 3


def test_answers_kept_are_bounded_by_memory() -> None:
    kept = Answers(most_bytes=10_000)
    for number in range(200):
        kept[number.to_bytes(16)] = 0.5
    assert (199).to_bytes(16) in kept
    assert (0).to_bytes(16) not in kept
    assert sum(number.to_bytes(16) in kept for number in range(200)) == 40


def test_an_answer_used_again_is_kept_longer() -> None:
    kept = Answers(most_bytes=10 * 250)
    first, others = b"first", [number.to_bytes(16) for number in range(12)]
    kept[first] = 0.5
    for other in others:
        kept[other] = 0.5
        assert kept[first] == 0.5
    assert others[0] not in kept


def test_answers_forgotten_within_a_batch_are_still_given() -> None:
    proxy, metrics = FakeProxy(), RunMetrics()
    calls = ModelCalls([call("label", "has a")], proxy, metrics, Answers(0))
    rows = frame(["a", "b", "a", "b"])
    assert calls.results(0, rows, np.arange(4)).values.tolist() == pytest.approx([0.9, 0.1, 0.9, 0.1])
    assert (metrics.model_calls, metrics.cache_hits) == (2, 2)


class Choosing(FakeProxy):
    """Decides a choice with one question, as language models do."""

    def choose(self, texts: Sequence[str], instructions: Sequence[str], options: Sequence[str]) -> list[str]:
        return [options[0] for _ in texts]


@pytest.mark.parametrize(("proxy", "each"), [(Choosing(), 1), (FakeProxy(), 3)])
def test_a_choice_counts_the_questions_that_were_put(proxy: FakeProxy, each: int) -> None:
    metrics = RunMetrics()
    calls = ModelCalls([call("choose", "has", type_=TEXT, options="abc")], proxy, metrics)
    rows = frame(["a", "b", "a", "b"])
    calls.results(0, rows, np.arange(4))
    assert (metrics.model_calls, metrics.cache_hits) == (2 * each, 2 * each)


def test_without_a_proxy_the_error_says_what_to_do() -> None:
    with pytest.raises(ProxyError, match="was given no proxy") as raised:
        ModelCalls([call("label", "x")], None, RunMetrics())
    assert raised.value.hint is not None


@pytest.mark.parametrize(("kept", "read"), [(0.0, 0.0), (1.0, 1.0), (1.5, None), (-0.5, None), (float("nan"), None)])
def test_a_score_that_is_none_is_not_believed(kept: float, read: float | None) -> None:
    """A cache can come from a stranger."""
    assert LABEL_KIND.unpack(LABEL_KIND.pack(kept), "text") == read
