"""What the editor offers at the cursor."""

from __future__ import annotations

import pytest

from falconql.cli.repl.completion import Known, candidates

KNOWN = Known({"stars": "Int", "section": "Text", "odd name": "Text"}, ("good",), ("open", "save", "set"), ("rows",))


def offered(before: str) -> list[str]:
    return [candidate.text for candidate in candidates(before, KNOWN)]


@pytest.mark.parametrize(
    ("before", "first"),
    [
        ("whe", ["where"]),
        ("where st", ["stars"]),
        ("where odd", ["`odd name`"]),
        ("where `od", ["`odd name`"]),
        ("where stars > 3 an", ["and"]),
        ("where goo", ["good"]),
        ("where lab", ["label("]),
        ("select section order b", ["by"]),
        ("let x = sp", ["span(", "spans("]),
        ("let near = stars where nea", ["near"]),
        ("where stasr", ["stars"]),
        ('let p = span("who") select j: span("job of {p', ["p"]),
        (".o", ["open"]),
        (".set r", ["rows"]),
        (".explain where st", ["stars"]),
        ("text sec", ["section"]),
    ],
)
def test_likeliest_first(before: str, first: list[str]) -> None:
    assert offered(before)[: len(first)] == first


@pytest.mark.parametrize("before", ['where label("sta', "? find sta", "-- sta", "let sta", 'where section = "sta'])
def test_nothing_where_words_are_free(before: str) -> None:
    assert offered(before) == []


def test_only_what_the_grammar_takes() -> None:
    after = offered("where stars ")
    assert "is" in after
    assert "stars" not in after
    assert "where" not in offered("select stars ")


def test_a_completion_replaces_what_was_typed() -> None:
    (found, *_) = candidates("where st", KNOWN)
    assert (found.start, found.kind) == (6, "Int")


def test_a_text_that_cannot_be_read_still_completes() -> None:
    assert "stars" in offered("where )) st")


def test_columns_with_odd_names() -> None:
    known = Known({"not": "Int", "null": "Int", "len(": "Int", "in two\nlines": "Int", "": "Int", 'say "x"': "Text"})

    def written(before: str) -> list[str]:
        return [candidate.text for candidate in candidates(before, known)]

    assert written("where no") == ["`not`", "not"]
    assert written("where nul") == ["`null`", "null"]
    assert written("select len") == ["`len(`", "length("]
    assert not [text for text in written("select ") if "\n" in text or text == "``"]
    assert written("where `n") == ["`not`", "`null`"]
    # Inside a text a quote would end it.
    assert written('where label("is {') == ["not", "null", "len("]
