"""What raw text supervises."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from falconql.training.examples import Example
from falconql.training.silver import is_a_examples, list_examples, next_token_examples


def found(example: Example) -> list[str]:
    assert not isinstance(example.answer, bool)
    return [example.text[start:end] for start, end in example.answer]


def test_a_repeated_span_is_what_the_words_before_it_ask_for() -> None:
    text = "Frederic Chopin was born near Warsaw. He left early. Years later his heart was buried in Warsaw again."
    (example,) = next_token_examples([text], random.Random(0))
    assert example.instruction == "Years later his heart was buried in"
    assert example.text == "Frederic Chopin was born near Warsaw. He left early."
    assert found(example) == ["Warsaw"]


def test_words_before_a_span_of_another_text_find_nothing() -> None:
    texts = [f"Town{n} lies near Lake{n}. Nobody there has ever swum in Lake{n} in winter." for n in range(40)]
    made = list(next_token_examples(texts, random.Random(0)))
    empty = [example for example in made if not example.answer]
    assert 0 < len(empty) < len(made)
    assert all(len(found(example)) == 1 for example in made if example.answer)


def test_what_something_is_asks_for_its_name() -> None:
    text = "Daybreak (1999) is a Canadian horror film directed by Jo Low. It flopped. Daybreak ran for a week."
    made = [example for seed in range(20) for example in is_a_examples([text], random.Random(seed))]
    positive = [example for example in made if example.answer]
    assert positive
    assert all(found(example) == ["Daybreak", "Daybreak"] for example in positive)
    assert all("film" in example.instruction.lower() for example in positive)
    assert {example.text.startswith("Daybreak (1999)") for example in positive} == {True, False}


def test_a_list_of_things_of_a_kind_asks_for_them() -> None:
    text = "They sold fruits such as red apples, pears and plums, mostly."
    made = [example for seed in range(20) for example in list_examples([text], random.Random(seed))]
    positive = [example for example in made if example.answer]
    assert all(found(example) == ["red apples", "pears", "plums"] for example in positive)
    assert {example.instruction for example in positive} >= {"fruits", "Extract the fruits"}
    assert {example.text for example in positive} == {text, "They sold red apples, pears and plums, mostly."}


@given(
    st.lists(
        st.text(max_size=80) | st.sampled_from(["A is a film.", "Ink was made. Old men wrote in Ink."]), max_size=8
    )
)
def test_any_text_is_taken(texts: list[str]) -> None:
    for make in (next_token_examples, is_a_examples, list_examples):
        for example in make(texts, random.Random(0)):
            assert all(0 <= start < end <= len(example.text) for start, end in example.answer)  # type: ignore[union-attr]
