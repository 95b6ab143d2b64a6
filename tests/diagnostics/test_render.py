"""Diagnostics as text: the caret stands under the exact words."""

from __future__ import annotations

import json

import pytest

from falconql.diagnostics.model import Diagnostic, Edit, Help, Label, Severity
from falconql.diagnostics.render import display_width, painted, render, to_json_object
from falconql.source import Source, Span
from falconql.visible import visible


def at(text: str, words: str, *, label: str = "") -> Label:
    start = text.index(words)
    return Label(Span(start, start + len(words)), label)


def full(text: str, *labels: Label) -> list[str]:
    diagnostic = Diagnostic("FQL001", "wrong", labels[0], secondary=labels[1:])
    return render([diagnostic], Source("q.fql", text)).splitlines()


def test_everything_a_diagnostic_says() -> None:
    text = "where stars > 3\nselect id\n"
    diagnostic = Diagnostic(
        "FQL203",
        "this is wrong",
        at(text, "id", label="here"),
        secondary=(at(text, "stars", label="because of this"),),
        notes=("a fact",),
        helps=(Help("do this"), Help("or that", Edit(Span(0, 5), "x"))),
    )
    assert render([diagnostic], Source("q.fql", text)) == "\n".join(
        [
            "error[FQL203]: this is wrong",
            " --> q.fql:2:8",
            "  |",
            "1 | where stars > 3",
            "  |       ----- because of this",
            "2 | select id",
            "  |        ^^ here",
            "  |",
            "  = note: a fact",
            "  = help: do this",
            "  = help: or that",
        ]
    )


def test_tabs_are_copied_into_the_caret_line() -> None:
    text = "where\tstars\t== 4"
    assert full(text, at(text, "=="))[-2:] == ["1 | where\tstars\t== 4", "  |      \t     \t^^"]


@pytest.mark.parametrize(
    ("before", "width"),
    [
        ("abc", 3),
        ("価格", 4),
        ("\U0001f600", 2),
        ("cafe\u0301", 4),
        ("\uff57", 2),
        ("a\u200db", 2),
        ("\u2764\ufe0f", 1),
    ],
)
def test_the_caret_follows_the_columns_of_the_terminal(before: str, width: int) -> None:
    assert display_width(before) == width
    assert full(f"{before} x", Label(Span(len(before) + 1, len(before) + 2)))[-1] == "  | " + " " * (width + 1) + "^"


def test_wide_characters_have_wide_carets() -> None:
    text = "x = 価格"
    assert full(text, at(text, "価格"))[-1] == "  |     ^^^^"


def test_several_lines_show_the_first_and_the_last() -> None:
    text = "a\nlet x = f(1,\n  2,\n  3)\nb"
    lines = full(text, Label(Span(text.index("f("), text.index(")") + 1), "this call"))
    assert lines[2:] == ["  |", "2 | let x = f(1,", "  |         ^^^^", "  ...", "4 |   3)", "  |   ^^ this call"]


def test_two_lines_have_nothing_between_them() -> None:
    text = "f(1,\n  2)"
    assert full(text, Label(Span(0, len(text))))[3:] == ["1 | f(1,", "  | ^^^^", "2 |   2)", "  |   ^^"]


@pytest.mark.parametrize("text", ["where", "where\n", "a\nwhere"])
def test_the_end_of_the_text_has_a_caret_behind_it(text: str) -> None:
    assert full(text.removesuffix("\n"), Label(Span(len(text.rstrip()), len(text.rstrip()))))[-1] == "  |      ^"


def test_an_empty_text_has_a_caret() -> None:
    assert full("", Label(Span(0, 0)))[1:] == [" --> q.fql:1:1", "  |", "1 | ", "  | ^"]


def test_a_range_that_ends_with_a_line_break_stays_on_its_line() -> None:
    assert full("abc\ndef", Label(Span(0, 4)))[-2:] == ["1 | abc", "  | ^^^"]


def test_lines_far_apart_have_dots_between_them() -> None:
    text = "first\n" * 10 + "last"
    lines = full(text, at(text, "last"), Label(Span(0, 5), "see"))
    assert lines[2:] == ["   |", " 1 | first", "   | ----- see", "   ...", "11 | last", "   | ^^^^"]


def test_a_very_long_line_is_cut_around_the_words() -> None:
    text = "x" * 500 + " here " + "y" * 500
    line, carets = full(text, at(text, "here"))[-2:]
    assert len(line) < 140
    assert line.startswith("1 | …xxx")
    assert line.endswith("yyy…")
    assert line[carets.index("^") : carets.rindex("^") + 1] == "here"


def test_two_labels_on_a_very_long_line_each_show_their_part() -> None:
    text = "here" + "x" * 500 + "there"
    lines = full(text, at(text, "there"), at(text, "here"))
    assert [line for line in lines if line.startswith("1 | ")] == [lines[3], lines[5]]
    assert lines[3][lines[4].index("-") :].startswith("here")
    assert lines[5][lines[6].index("^") :] == "there"


LONG = {
    "letters": "some more words of it " * 4,
    "wide": "価格が高い " * 8,
    "signs": "cafe\u0301 " * 16,
    "tabs": "a\tb " * 16,
    "nothing": "",
}


def on_screen(line: str) -> list[str]:
    """Return what is in each column of a terminal."""
    cells: list[str] = []
    for char in line:
        if char == "\t":
            cells += [" "] * (8 - len(cells) % 8)
        elif display_width(char) == 0:
            cells[-1] += char
        else:
            cells += [char, ""][: display_width(char)]
    return cells


@pytest.mark.parametrize("width", [10, 40, 61, 80, 200])
@pytest.mark.parametrize("after", LONG)
@pytest.mark.parametrize("before", LONG)
def test_a_line_is_cut_to_the_terminal_around_the_words(before: str, after: str, width: int) -> None:
    text = f"{LONG[before]}h\u00e9r\u0065\u0301{LONG[after]}"
    start = len(LONG[before])
    diagnostic = Diagnostic("FQL101", "no", Label(Span(start, start + 5)))
    line, carets = map(
        on_screen, render([diagnostic], Source("q", text), width=width).removesuffix("\n").splitlines()[-2:]
    )
    marked = [place for place, char in enumerate(carets) if char == "^"]
    assert "".join(line[place] for place in marked) == "h\u00e9re\u0301"
    assert max(len(line), len(carets)) <= max(width, 40)
    shown = "".join(line[4:])
    assert shown.startswith("…") == (display_width(text) > len(line) and not shown.startswith(text[:3]))
    if before == after == "nothing":
        assert shown == text


@pytest.mark.parametrize("width", [40, 80])
def test_the_end_of_a_long_line_has_its_caret_on_the_screen(width: int) -> None:
    for length in range(width - 8, width + 4):
        text = "x" * length
        line, carets = render(
            [Diagnostic("FQL001", "no", Label(Span(length, length)))], Source("q", text), width=width
        ).splitlines()[-2:]
        assert len(line) + 1 == len(carets) <= width


def test_words_longer_than_the_terminal_are_marked_to_its_edge() -> None:
    text = f"select {'long' * 50} limit 1"
    diagnostic = Diagnostic("FQL101", "no", at(text, "long" * 50))
    line, carets = render([diagnostic], Source("q", text), width=50).splitlines()[-2:]
    assert line.endswith("…")
    assert len(line) <= 50
    assert line[carets.index("^") : carets.rindex("^") + 2] == line[line.index("long") :]


def test_what_is_said_is_wrapped_at_words() -> None:
    text = "where recommended and stars > 3"
    diagnostic = Diagnostic(
        "FQL101",
        "something long is wrong with all of this",
        at(text, "stars", label="this is what it is about, in so many words"),
        helps=(Help("do this first of all, and if it helps not do that"),),
    )
    assert render([diagnostic], Source("q.fql", text), width=40).splitlines() == [
        "error[FQL101]: something long is wrong",
        "  with all of this",
        " --> q.fql:1:23",
        "  |",
        "1 | where recommended and stars > 3",
        "  |                       ^^^^^",
        "  | this is what it is about, in so many",
        "  | words",
        "  |",
        "  = help: do this first of all, and if",
        "          it helps not do that",
    ]


def test_windows_line_ends_are_not_shown() -> None:
    text = "where a\r\nselect b\r\n"
    assert full(text, at(text, "select"))[-2:] == ["2 | select b", "  | ^^^^^^"]


def test_control_characters_cannot_drive_the_terminal() -> None:
    text = "a\x1b[31m\x00\x7f\udc80 b"
    assert full(text, at(text, "b"))[-2:] == ["1 | a␛[31m␀�� b", "  | " + " " * 10 + "^"]


@pytest.mark.parametrize("color", [False, True])
def test_names_in_what_is_said_cannot_drive_the_terminal_either(color: bool) -> None:
    evil = "\x1b[31m\x07"
    diagnostic = Diagnostic(
        "FQL101",
        f"no {evil}",
        at("where a", "a", label=f"label {evil}"),
        notes=(f"note {evil}\nmore",),
        helps=(Help(f"help {evil}"),),
    )
    source = Source(f"{evil}.fql", "where a")
    full = render([diagnostic], source, color=color)
    for said in ("no", "^ label", "note", "help"):
        assert f"{said} ␛[31m␇" in full
    assert "␛[31m␇.fql:1:7" in full
    assert "\nmore" in full
    for text in (full, render([diagnostic], source, "concise")):
        assert evil[:-1] not in text
        assert "\x07" not in text


def test_of_painted_text_only_our_colours_stay() -> None:
    text = "\x1b[1;31merror\x1b[0m: \x1b[31mred\x1b[2J\n\tmore"
    assert painted(text) == "\x1b[1;31merror\x1b[0m: ␛[31mred␛[2J\n\tmore"
    assert visible(text) == "␛[1;31merror␛[0m: ␛[31mred␛[2J\n\tmore"


def test_colours_surround_the_same_text() -> None:
    text = "where stars == 4"
    diagnostic = Diagnostic("FQL006", "wrong", at(text, "=="), helps=(Help("do this"),), severity=Severity.WARNING)
    coloured = render([diagnostic], Source("q", text), color=True)
    plain = render([diagnostic], Source("q", text))
    assert "\x1b[1;33mwarning[FQL006]\x1b[0m" in coloured
    for code in ("1;33", "1;34", "1", "36", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


def test_concise_is_one_line_each() -> None:
    text = "where stars == 4"
    diagnostics = [Diagnostic("FQL006", "wrong", at(text, "==")), Diagnostic("FQL101", "no", at(text, "stars"))]
    assert render(diagnostics, Source("q.fql", text), "concise").splitlines() == [
        "q.fql:1:13: error[FQL006]: wrong",
        "q.fql:1:7: error[FQL101]: no",
    ]


def test_json_counts_lines_and_columns_from_one_in_characters() -> None:
    text = "-- 価格\nwhere 'é' == 4"
    diagnostic = Diagnostic("FQL006", "wrong", at(text, "=="), helps=(Help("do this"),))
    expected = {
        "code": "FQL006",
        "severity": "error",
        "message": "wrong",
        "line": 2,
        "column": 11,
        "end_line": 2,
        "end_column": 13,
        "hints": ["do this"],
    }
    assert to_json_object(diagnostic, Source("q", text)) == expected
    assert json.loads(render([diagnostic], Source("q", text), "json")) == [expected]
