"""What is kept of a text gives the spans that the text itself gives, at every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.proxy.decoding import decode, softmax
from falconql.runtime.proxy.reading import LOWEST_THRESHOLD, fits, lowest_for, reading_of, spans_in

_logits = st.lists(st.tuples(*[st.sampled_from([-6.0, -2.0, 0.0, 1.0, 4.0, 4.5, 9.0])] * 3), max_size=25)


@given(_logits, st.floats(0.0, 1.0), st.data())
def test_a_reading_gives_the_spans_of_every_threshold_it_serves(
    logits: list[tuple[float, float, float]], first: float, data: st.DataObject
) -> None:
    probabilities = softmax(np.array(logits, dtype=np.float32).reshape(-1, 3))
    words = [data.draw(st.sampled_from(["a", "bc", " d", "é "])) for _ in logits]
    text = "".join(words)
    ends = np.cumsum([len(word) for word in words], dtype=np.int64)
    starts = ends - np.array([len(word) for word in words], dtype=np.int64)
    lowest = lowest_for(first)
    reading = reading_of(starts, ends, probabilities, lowest)
    assert fits(text, reading)
    near = [float(p) for p in probabilities[:, 0]] + [first, lowest, 1.0]
    for threshold in (t for t in near if t >= lowest):
        assert spans_in(text, reading, threshold) == decode(text, starts, ends, probabilities, threshold)


def test_below_the_lowest_threshold_every_word_is_kept() -> None:
    assert lowest_for(0.5) == lowest_for(LOWEST_THRESHOLD) == LOWEST_THRESHOLD
    assert lowest_for(LOWEST_THRESHOLD / 2) == lowest_for(0.0) == 0.0


def test_most_of_a_text_takes_no_space() -> None:
    count = 200
    probabilities = np.tile(np.array([0.001, 0.001, 0.998], dtype=np.float32), (count, 1))
    probabilities[[7, 90]] = [0.9, 0.05, 0.05]
    starts = np.arange(count) * 2
    assert len(reading_of(starts, starts + 1, probabilities, LOWEST_THRESHOLD)) == 2 * 21


@pytest.mark.parametrize("reading", [b"x", b"\0" * 20, np.full(21, 255, np.uint8).tobytes()])
def test_bytes_that_cannot_be_a_reading_are_told(reading: bytes) -> None:
    assert not fits("a text", reading)
