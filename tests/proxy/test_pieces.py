"""The pure parts: windows, batches, decoding."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.proxy.batching import token_batches
from falconql.runtime.proxy.decoding import decode
from falconql.runtime.proxy.windows import centrality, window_ranges


@given(st.lists(st.integers(1, 300), max_size=200), st.integers(1, 2000))
def test_batches_hold_every_position_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= budget


@given(st.integers(0, 2000), st.integers(4, 300), st.integers(0, 100))
def test_windows_cover_everything_and_overlap(tokens: int, room: int, overlap: int) -> None:
    windows = window_ranges(tokens, room, overlap)
    assert windows[0][0] == 0
    assert windows[-1][1] == tokens
    for (left, right), (next_left, _) in pairwise(windows):
        assert right - left == room
        assert left < next_left
        assert right - next_left >= min(overlap, room // 2)


def test_the_edge_of_the_text_is_no_edge() -> None:
    assert centrality(0, 4, 0, 50, 100) == 46
    assert centrality(60, 64, 50, 100, 100) == 10


@given(st.lists(st.sampled_from("BIO"), max_size=12))
def test_spans_begin_at_b_and_end_before_o_or_b(tags: list[str]) -> None:
    rows = {"B": [0.9, 0.05, 0.05], "I": [0.05, 0.9, 0.05], "O": [0.05, 0.05, 0.9]}
    text = " ".join("w" for _ in tags)
    words = [(2 * i, 2 * i + 1) for i in range(len(tags))]
    probabilities = np.array([rows[tag] for tag in tags], dtype=np.float32).reshape(len(tags), 3)
    expected: list[tuple[int, int]] = []
    for i, tag in enumerate(tags):
        if tag == "B":
            expected.append((2 * i, 2 * i + 1))
        elif tag == "I" and i and expected and expected[-1][1] == 2 * i - 1:
            expected[-1] = (expected[-1][0], 2 * i + 1)
    spans = decode(text, words, probabilities, 0.5)
    assert [(s.start, s.end) for s in spans] == expected
    assert all(abs(s.score - 0.9) < 1e-6 for s in spans)
