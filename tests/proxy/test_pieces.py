"""The pure parts: windows, batches, decoding."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.runtime.proxy.base import SpanValue
from falconql.runtime.proxy.batching import ENOUGH_TOKENS, MOST_PADDING, chunks, token_batches
from falconql.runtime.proxy.decoding import calibrated, decode, is_question, pooled, surest_begin
from falconql.runtime.proxy.windows import centrality, window_ranges


@given(st.lists(st.integers(1, 300), max_size=200), st.integers(1, 2000))
def test_batches_hold_every_position_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = token_batches(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= budget
        padded = max(lengths[i] for i in batch) * len(batch)
        assert padded <= ENOUGH_TOKENS or padded - sum(lengths[i] for i in batch) <= MOST_PADDING * padded


def test_a_batch_is_cut_before_it_is_mostly_padding() -> None:
    assert [len(batch) for batch in token_batches([20] * 100 + [40] * 100, 100_000)] == [100, 100]
    assert [len(batch) for batch in token_batches([10] * 4 + [80] * 2, 100_000)] == [6]


@given(st.lists(st.integers(0, 300), max_size=200), st.integers(1, 50), st.integers(1, 2000))
def test_chunks_hold_every_position_once_in_order_of_size(sizes: list[int], most_items: int, most_size: int) -> None:
    parts = chunks(sizes, most_items, most_size)
    positions = [i for part in parts for i in part]
    assert sorted(positions) == list(range(len(sizes)))
    assert [sizes[i] for i in positions] == sorted(sizes)
    totals = [sum(sizes[i] for i in part) for part in parts]
    assert all(len(part) <= most_items for part in parts)
    assert all(len(part) == 1 or total <= most_size for part, total in zip(parts, totals, strict=True))
    for (part, following), total in zip(pairwise(parts), totals, strict=False):
        assert len(part) == most_items or total + sizes[following[0]] > most_size


@given(st.integers(0, 2000), st.integers(4, 300), st.integers(0, 100))
def test_windows_cover_everything_and_overlap(tokens: int, room: int, overlap: int) -> None:
    windows = window_ranges(tokens, room, overlap)
    assert windows[0][0] == 0
    assert windows[-1][1] == tokens
    for (left, right), (next_left, _) in pairwise(windows):
        assert left < next_left
        assert right - next_left >= min(overlap, room // 2)


@given(st.integers(1, 2000), st.integers(4, 300), st.integers(0, 100))
def test_windows_are_few_of_one_size_and_no_larger_than_needed(tokens: int, room: int, overlap: int) -> None:
    windows = window_ranges(tokens, room, overlap)
    (size,) = {right - left for left, right in windows}
    shared = min(overlap, room // 2)
    assert size <= room
    assert (len(windows) - 1) * (room - shared) + shared < tokens or len(windows) == 1
    assert len(windows) * size - (len(windows) - 1) * shared < tokens + len(windows)


def test_a_text_just_longer_than_a_window_costs_little_more_than_it_has() -> None:
    assert window_ranges(250, 240, 64) == [(0, 157), (93, 250)]
    assert window_ranges(240, 240, 64) == [(0, 240)]


def test_the_edge_of_the_text_is_no_edge() -> None:
    tokens = np.array([10, 12, 19])
    assert centrality(tokens, (10, 20), (10, 40)).tolist() == [9, 7, 0]
    assert centrality(tokens, (10, 20), (0, 20)).tolist() == [0, 2, 9]
    assert centrality(tokens, (10, 20), (0, 40)).tolist() == [0, 2, 0]
    assert centrality(tokens, (10, 20), (10, 20)).tolist() == [10, 10, 10]


@given(st.integers(40, 500), st.integers(20, 60), st.integers(0, 30))
def test_some_window_has_each_token_half_an_overlap_from_its_edge(tokens: int, room: int, overlap: int) -> None:
    best = np.full(tokens, -1)
    for left, right in window_ranges(tokens, room, overlap):
        best[left:right] = np.maximum(best[left:right], centrality(np.arange(left, right), (left, right), (0, tokens)))
    assert best.min() >= (min(overlap, room // 2) - 1) // 2


def decoded(text: str, words: list[tuple[int, int]], rows: list[list[float]], threshold: float) -> list[SpanValue]:
    places = np.array(words, dtype=np.int64).reshape(-1, 2)
    return decode(text, places[:, 0], places[:, 1], np.array(rows, dtype=np.float32).reshape(-1, 3), threshold)


@given(st.lists(st.sampled_from("BIO"), max_size=12))
def test_spans_begin_at_b_and_end_before_o_or_b(tags: list[str]) -> None:
    rows = {"B": [0.9, 0.05, 0.05], "I": [0.05, 0.9, 0.05], "O": [0.05, 0.05, 0.9]}
    text = " ".join("w" for _ in tags)
    words = [(2 * i, 2 * i + 1) for i in range(len(tags))]
    expected: list[tuple[int, int]] = []
    for i, tag in enumerate(tags):
        if tag == "B":
            expected.append((2 * i, 2 * i + 1))
        elif tag == "I" and i and expected and expected[-1][1] == 2 * i - 1:
            expected[-1] = (expected[-1][0], 2 * i + 1)
    spans = decoded(text, words, [rows[tag] for tag in tags], 0.5)
    assert [(s.start, s.end) for s in spans] == expected
    assert all(abs(s.score - 0.9) < 1e-6 for s in spans)


@given(st.lists(st.tuples(*[st.floats(0.01, 1)] * 3), max_size=12), st.floats(0, 1))
def test_decoding_is_what_its_description_says(weights: list[tuple[float, float, float]], threshold: float) -> None:
    rows = np.array(weights, dtype=np.float32).reshape(-1, 3)
    rows /= rows.sum(axis=1, keepdims=True)
    text = "w " * len(rows)
    spans = decoded(text, [(2 * i, 2 * i + 1) for i in range(len(rows))], rows.tolist(), threshold)
    expected = []
    i = 0
    while i < len(rows):
        end = i + 1
        if rows[i, 0] >= threshold:
            while end < len(rows) and rows[end, 1] > rows[end, 2]:
                if rows[end, 0] >= max(threshold, rows[end, 1]):
                    break
                end += 1
            expected.append((2 * i, 2 * end - 1, (rows[i, 0] + rows[i + 1 : end, 1].sum()) / (end - i)))
        i = end
    assert [(s.start, s.end) for s in spans] == [(start, end) for start, end, _ in expected]
    np.testing.assert_allclose([s.score for s in spans], [score for _, _, score in expected], rtol=1e-5)


def test_a_low_threshold_does_not_cut_spans_to_pieces() -> None:
    rows = [[0.3, 0.1, 0.6], [0.25, 0.7, 0.05], [0.5, 0.4, 0.1]]
    spans = decoded("w w w", [(0, 1), (2, 3), (4, 5)], rows, 0.2)
    assert [(s.start, s.end) for s in spans] == [(0, 3), (4, 5)]


@pytest.mark.parametrize(
    ("instruction", "asks"),
    [
        ("Who wrote it?", True),
        ("what does it cost", True),
        ("In which city did it happen?", True),
        ("price?", False),
        ("Extract the people who were born", False),
        ("somewhat odd?", False),
        ("", False),
    ],
)
def test_questions_are_told_from_types(instruction: str, asks: bool) -> None:
    assert is_question(instruction) == asks


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=9), st.randoms())
def test_windows_are_pooled_between_their_mean_and_the_highest(margins: list[float], random: Random) -> None:
    whole = pooled(margins)
    assert np.mean(margins) - 1e-9 <= whole <= max(margins) + 1e-9
    shuffled = random.sample(margins, len(margins))
    assert pooled(shuffled) == whole
    assert pooled([margins[0]]) == margins[0]


def test_words_of_one_place_give_one_span() -> None:
    # A tokenizer may read the one character "½" as the words "1", "/" and "2".
    assert [(s.start, s.end) for s in decoded("½", [(0, 1)] * 3, [[0.9, 0.1, 0.0]] * 3, 0.5)] == [(0, 1)]


def test_white_space_at_the_ends_is_cut_off() -> None:
    begin, inside = [0.9, 0.1, 0.0], [0.0, 0.9, 0.1]
    assert [(s.start, s.end) for s in decoded(" a \t", [(0, 2), (2, 4)], [begin, inside], 0.5)] == [(1, 2)]
    assert decoded(" \t ", [(0, 3)], [begin], 0.5) == []


def test_scores_stay_in_bounds() -> None:
    margins = np.array([-np.inf, -1e30, -2.0, 0.0, 2.0, 1e30])
    scores = calibrated(margins, 2.0, 0.0)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, [0, 0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1], atol=1e-7)
    assert surest_begin(np.zeros((0, 3), np.float32)) < -16
    assert surest_begin(np.array([[0.1, 0.9, 0.0], [0.5, 0.2, 0.3]], np.float32)) == 0.0
