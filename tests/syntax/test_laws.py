"""Laws of parser and formatter, on random queries and on those of the repository."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from falconql.diagnostics.render import render
from falconql.errors import QueryError
from falconql.source import Source
from falconql.syntax import ast, format_query, format_source, parse, parse_tolerant
from falconql.syntax.lexemes import lexemes
from falconql.syntax.walk import children, walk
from tests.case_runner import all_cases
from tests.strategies import queries

_EXAMPLES = Path(__file__).parents[2] / "examples"
VALID = [case.query for case in all_cases() if not parse_tolerant(Source("q", case.query)).diagnostics]
VALID += [path.read_text(encoding="utf-8") for path in sorted(_EXAMPLES.rglob("*.fql"))]
# Words that belong somewhere, and some that belong nowhere.
_WORDS = [
    *["from", "text", "using", "llm", "let", "each", "where", "group", "by", "select", "order", "limit", "asc", "as"],
    *["and", "or", "not", "in", "is", "null", "contains", "starts", "with", "matches", "true", "like", "between"],
    *[
        "(",
        ")",
        ",",
        ":",
        ";",
        "=",
        "==",
        "<",
        ">=",
        "+",
        "-",
        "*",
        "/",
        "&&",
        "|",
        "!",
        ".",
        "[",
        "]",
        "#",
        "//",
        "/*",
    ],
    *[
        "id",
        "stars",
        "label",
        "1",
        "0.5",
        "1_000",
        "3abc",
        "1.",
        "$n",
        "$",
        '"x"',
        "'y'",
        '"',
        "'",
        "`a b`",
        "`",
        "/x/i",
    ],
    *["--", "\n", "\t", "\r\n", "\u201c", "\u200b", "\u3000", "\ufeff", "\0", "\\", "\U0001f600", "having", "join"],
]

sources = st.one_of(*[st.sampled_from(VALID)] * 3, queries().map(format_query))


def read(text: str) -> ast.Query | None:
    """Read any text; whatever comes of it must be usable."""
    source = Source("query.fql", text)
    result = parse_tolerant(source)
    assert (result.query is not None) or result.diagnostics
    for diagnostic in result.diagnostics:
        for label in (diagnostic.primary, *diagnostic.secondary):
            assert label.span.end <= len(text)
        for help_ in diagnostic.helps:
            assert help_.edit is None or help_.edit.span.end <= len(text)
    if result.query is not None:
        check_ranges(result.query, len(text))
    render(result.diagnostics, source, color=True)
    return None if result.diagnostics else result.query


def check_ranges(query: ast.Query, length: int) -> None:
    for node in walk(query):
        assert node.span.end <= length
        for child in children(node):
            assert node.span.start <= child.span.start
            assert child.span.end <= node.span.end


# One test for three laws, as making random queries takes most of the time.
@given(queries())
def test_a_formatted_query_reads_as_the_same_query(query: ast.Query) -> None:
    text = format_query(query)
    again = parse(Source("q", text))
    assert again == query
    assert format_query(again) == text
    assert format_source(Source("q", text)) == text
    check_ranges(again, len(text))
    for node in walk(again):
        if isinstance(node, ast.Integer):
            assert text[node.span.start : node.span.end] == str(node.value)
        if isinstance(node, ast.Text):
            assert text[node.span.start] == text[node.span.end - 1] == text[node.offsets[-1]]
            assert len(node.offsets) == len(node.value) + 1


@pytest.mark.parametrize("text", VALID)
def test_formatting_a_query_of_the_repository_keeps_its_meaning(text: str) -> None:
    formatted = format_source(Source("q", text))
    assert parse(Source("q", formatted)) == parse(Source("q", text))
    assert format_source(Source("q", formatted)) == formatted


@given(sources, st.data())
def test_every_prefix_parses_or_is_explained(text: str, data: st.DataObject) -> None:
    read(text[: data.draw(st.integers(0, len(text)))])


@given(sources, st.data())
def test_every_mutation_of_a_word_parses_or_is_explained(text: str, data: st.DataObject) -> None:
    words = lexemes(text)
    word = data.draw(st.sampled_from(words))
    new = data.draw(st.sampled_from(["", word.text * 2, f"{word.text} {word.text}", *_WORDS]))
    read(f"{text[: word.start]}{new}{text[word.end :]}")


@given(st.lists(st.sampled_from(_WORDS), max_size=20), st.sampled_from(["", " "]))
@example(["where", "matches", "//"], " ")
def test_a_soup_of_words_parses_or_is_explained(words: list[str], between: str) -> None:
    read(between.join(words))


@given(st.text(max_size=30))
def test_any_text_parses_or_is_explained(text: str) -> None:
    read(text)


@given(sources, st.data())
def test_no_comment_is_lost(text: str, data: st.DataObject) -> None:
    words = [word for word in lexemes(text) if word.kind != "comment"]
    places = data.draw(st.lists(st.sampled_from(words), max_size=4, unique=True))
    commented = text
    for number, word in sorted(enumerate(places), key=lambda pair: -pair[1].start):
        alone = data.draw(st.sampled_from(["\n", " ", "\n\n"]))
        commented = f"{commented[: word.end]}{alone}-- {number}!{alone.strip(' ')}\n{commented[word.end :]}"
    formatted = format_source(Source("q", commented))
    assert _comments(formatted) == _comments(commented)
    assert parse(Source("q", formatted)) == parse(Source("q", text))
    assert format_source(Source("q", formatted)) == formatted


def _comments(text: str) -> Counter[str]:
    return Counter(word.text.rstrip() for word in lexemes(text) if word.kind == "comment")


def test_every_offered_edit_removes_its_problem() -> None:
    edits = 0
    for case in all_cases():
        for diagnostic in parse_tolerant(Source("q", case.query)).diagnostics:
            for help_ in diagnostic.helps:
                if help_.edit is None:
                    continue
                span = help_.edit.span
                edited = f"{case.query[: span.start]}{help_.edit.new_text}{case.query[span.end :]}"
                left = [d.message for d in parse_tolerant(Source("q", edited)).diagnostics]
                before = [d.message for d in parse_tolerant(Source("q", case.query)).diagnostics]
                assert left.count(diagnostic.message) < before.count(diagnostic.message), (case.name, edited)
                edits += 1
    assert edits > 50


def test_an_error_names_its_source() -> None:
    with pytest.raises(QueryError, match=r"--> a\.fql:1:13") as caught:
        parse(Source("a.fql", "where stars == 4"))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["FQL006"]
    assert caught.value.source.name == "a.fql"
