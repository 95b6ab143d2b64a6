"""The worked examples: right, varied, and found by likeness."""

from __future__ import annotations

import pytest

from falconql.asking.decoding import grammars_for
from falconql.asking.library import Example, compact, examples, likest, parse_example
from falconql.asking.mending import mend
from falconql.asking.prompt import PromptSettings, conversation, reference
from falconql.asking.reading import read
from falconql.asking.review import slips
from falconql.catalog import Catalog
from falconql.check import check_query
from falconql.source import Source
from falconql.syntax import format_source, parse

NAMES = [example.name for example in examples()]


@pytest.fixture(params=examples(), ids=NAMES)
def example(request: pytest.FixtureRequest) -> Example:
    found: Example = request.param
    return found


def test_there_are_sixty_and_a_few_are_in_every_prompt() -> None:
    assert len(examples()) >= 60
    assert 6 <= sum(example.core for example in examples()) <= 12
    instructions = [example.instruction.lower() for example in examples()]
    assert len(set(instructions)) == len(instructions)


def test_it_is_a_formatted_query_that_checks(example: Example) -> None:
    assert format_source(Source(example.name, example.whole)) == example.whole
    typed, diagnostics = check_query(parse(Source(example.name, example.whole)), Catalog(example.corpus.fields, {}))
    assert typed is not None, diagnostics


def test_it_says_what_its_instruction_says(example: Example) -> None:
    """Neither mending nor review finds fault with a right query."""
    found = read(example.query, example.corpus)
    assert mend(found.query, example.corpus, example.instruction).notes == ()
    typed, _ = check_query(found.query, Catalog(example.corpus.fields, {}))
    assert typed is not None
    assert slips(example.instruction, example.corpus, found.source, typed) == []


def accepted(example: Example, *, framed: bool) -> bool:
    llguidance = pytest.importorskip("llguidance")
    tokenizer = llguidance.LLTokenizer("byte")
    grammar = grammars_for(example.corpus, example.instruction, thinking=True, framed=framed).lark()
    matcher = llguidance.LLMatcher(tokenizer, llguidance.grammar_from("lark", grammar))
    assert not matcher.is_error(), matcher.get_error()
    written = "\n".join([*(f"-- {thought}" for thought in example.thoughts), example.query])
    tokens = tokenizer.tokenize_str(written)
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def test_a_model_could_write_it(example: Example) -> None:
    """The decoding grammar of its table accepts the query, thoughts and all."""
    assert accepted(example, framed=False)


def test_the_words_of_most_instructions_decide_rightly() -> None:
    """Of the others a third try is free."""
    right = sum(accepted(example, framed=True) for example in examples())
    assert right >= 0.75 * len(examples())


def test_examples_like_an_instruction_come_last() -> None:
    chosen = likest("find the towns named and say for each whether it lies by the sea", 2)
    assert len(chosen) == 2
    assert "each" in chosen[-1].query
    assert "group by" in likest("what share of guests in each city complains about noise?", 2)[-1].query
    assert likest("anything", 0) == []


def test_settings_decide_what_a_prompt_holds() -> None:
    corpus = examples()[0].corpus
    bare = conversation(corpus, "find it", PromptSettings(examples=None))
    assert [message["role"] for message in bare] == ["system", "user"]
    assert bare[0]["content"] == reference()
    core = conversation(corpus, "find it", PromptSettings(examples=0, thinking=False))
    assert all("-- keep" not in message["content"] for message in core[1:])


def test_a_header_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="needs ask, table and column"):
        parse_example("x", 'where label("a")')
    with pytest.raises(ValueError, match="cannot read the column"):
        parse_example("x", "-- ask: a\n-- table: t\n-- column: body Prose\n\nselect body\n")


def test_a_compact_query_has_a_line_per_clause() -> None:
    assert compact("where a\n  and b\n\nselect c,\n       d\n") == "where a and b\nselect c, d"
