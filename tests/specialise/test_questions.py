"""Which questions reach which call."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import falconql
from falconql.runtime.io.memory import MemorySource
from falconql.specialise.questions import Asked, asked, draw_pool
from falconql.specialise.training import _tasks as tasks_of
from falconql.specialise.training import calls_asking
from tests.fakes import FakeProxy

TABLE = pa.table(
    {
        "id": list(range(8)),
        "stars": [5, 1, 5, 5, 1, 5, 5, None],
        "text": ["good Ann", "good Bob", "bad Cid", "good Ann", None, "", "Dan and Eve good", "good Fay"],
    }
)


def questions(query: str, table: pa.Table = TABLE) -> list[Asked]:
    source, typed = falconql.query(query).resolved(table)
    return asked(typed, draw_pool(typed, source), FakeProxy())


def test_a_condition_is_asked_of_rows_that_pass_what_needs_no_model() -> None:
    (label,) = questions('where stars > 2 and label("has good") select id')
    assert label.texts == ("good Ann", "bad Cid", "", "Dan and Eve good")
    assert label.counts.tolist() == [2, 1, 1, 1]
    assert label.scores == pytest.approx([0.9, 0.1, 0.1, 0.9])


def test_every_condition_is_asked_whatever_the_others_say() -> None:
    first, second = questions('where label("has good") and label("has bad") select id')
    assert first.texts == second.texts
    assert len(first) == 6


def test_outputs_are_asked_of_rows_that_the_proxy_lets_through() -> None:
    label, span = questions('where label("has good") select name: spans("re: [A-Z][a-z]+")')
    assert "bad Cid" in label.texts
    assert span.texts == ("good Ann", "good Bob", "Dan and Eve good", "good Fay")
    assert span.scores == pytest.approx([1, 1, 1, 1])


def test_quoted_values_are_those_of_the_current_proxy() -> None:
    _, about = questions('each who in spans("re: [A-Z][a-z]+") select who, of: span("what does {who} do")')
    assert set(about.instructions) == {f"what does {who} do" for who in ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay")}
    assert about.counts[about.instructions.index("what does Ann do")] == 2


def test_a_choice_is_scored_by_the_option_chosen() -> None:
    (choice,) = questions('select choose("has", "good", "bad")')
    assert dict(zip(choice.texts, choice.scores.tolist(), strict=True))["bad Cid"] == 1.0


def test_a_choice_is_learned_in_the_very_words_that_a_run_asks_in() -> None:
    query = 'select choose(" is it {lead} ", "good", "bad ")'
    table = pa.table({"lead": [" a", "b ", ""], "text": ["good Ann", "bad Bob", "Cid"]})
    typed = falconql.query(query).resolved(table)[1]
    proxy = FakeProxy()
    list(falconql.query(query).run(table, proxy=proxy).to_arrow())
    (choice,) = questions(query, table)
    drawn = [each.task for each in tasks_of(choice, 1.0, 10, seed=0)]
    assert {(task.text, task.instruction) for task in drawn} == set(proxy.asked)
    assert {calls_asking(typed.calls, task) for task in drawn} == {(0,)}


def test_aggregates_orders_and_limits_do_not_stand_in_the_way() -> None:
    (label,) = questions('group by stars select stars, n: share(label("has good")) order by n limit 1')
    assert len(label) == 6


def test_a_pool_is_drawn_evenly_and_counts_all() -> None:
    table = pa.table({"text": [str(number) for number in range(5000)], "keep": [n % 2 == 0 for n in range(5000)]})
    source = MemorySource(table)
    _, typed = falconql.query('where keep and label("has 1")').resolved(table)
    pool = draw_pool(typed, source, most=500, seed=1)
    numbers = np.array([int(text) for text in pool.table["text"].to_pylist()])
    assert (pool.rows, len(numbers), pool.scale) == (2500, 500, 5.0)
    assert (numbers % 2 == 0).all()
    assert (np.diff(numbers) > 0).all()
    assert 2200 < numbers.mean() < 2800


def test_an_empty_corpus_asks_nothing() -> None:
    (label,) = questions('where label("has good")', TABLE.slice(0, 0))
    assert len(label) == 0


@pytest.mark.parametrize("output", ['c: label("has good")', 'c: label("has good {who}")'])
def test_a_row_without_anything_for_an_each_never_gets_to_the_outputs(output: str) -> None:
    _, found = questions(f'each who in spans("re: [A-Z][a-z]+") select who, {output}')
    assert "" not in found.texts
    assert sum(found.counts) == 7


def test_what_an_each_is_made_of_is_asked_of_all_rows() -> None:
    first, second = questions(
        'each who in spans("re: [A-Z][a-z]+") each word in spans("re: [a-z][a-z][a-z]+") select who, word'
    )
    assert "" in first.texts
    assert sum(second.counts) == 7
