"""Long texts in windows."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from falconql.annotating.task import Annotation
from falconql.annotating.windows import Window, joined, windows


@given(st.text(st.sampled_from("ab \n"), max_size=900), st.integers(16, 200), st.data())
def test_windows_hold_the_whole_text_and_overlap(text: str, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size // 2))
    found = windows(text, size, overlap)
    assert found[0].start == 0
    assert found[-1].start + len(found[-1].text) == len(text)
    for window in found:
        assert len(window.text) <= size
        assert text[window.start : window.start + len(window.text)] == window.text
    for one, other in pairwise(found):
        assert one.start < other.start <= one.start + len(one.text)


def test_words_are_not_cut() -> None:
    text = " ".join(f"word{number}" for number in range(200))
    found = windows(text, 200, 40)
    assert all(re.fullmatch(r"( ?word\d+)+", window.text) for window in found)
    assert all(one.start + len(one.text) - other.start >= 40 for one, other in pairwise(found))


def parts(*answers: Annotation | None) -> list[tuple[Window, Annotation | None]]:
    return [(Window(100 * number, "x" * 150), answer) for number, answer in enumerate(answers)]


def test_a_label_is_true_if_some_window_says_so() -> None:
    assert joined("label", parts(False, True, None)) is True
    assert joined("label", parts(False, False)) is False
    assert joined("label", parts(False, None)) is None


def test_spans_are_moved_and_merged() -> None:
    assert joined("spans", parts(((1, 3), (120, 130)), ((20, 30), (40, 44)))) == ((1, 3), (120, 130), (140, 144))
    assert joined("spans", parts(((140, 150),), ((40, 55),))) == ((140, 155),)
    assert joined("spans", parts((), ())) == ()
    assert joined("spans", parts(((1, 2),), None)) is None


def test_a_choice_is_that_of_most_windows() -> None:
    assert joined("choose", parts("b", "a", "a")) == "a"
    assert joined("choose", parts("b", "a")) == "b"
