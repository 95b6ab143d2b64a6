"""No evaluation text is trained on."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from falconql.training.dataset import TASK_SHARES, mixed_examples
from falconql.training.overlap import evaluation_free, fingerprint, fingerprints, overlaps
from falconql.training.sources import HELD_OUT, SETS, evaluation_texts, read_split, sets_in
from tests.training.made_data import write_sets


def test_case_space_and_punctuation_make_no_difference() -> None:
    assert fingerprint("The  CAT\nsat, there!") == fingerprint("the cat sat there")
    assert fingerprint("the cat sat there") != fingerprint("the cat sat here")


def test_rows_with_an_evaluation_text_are_left_out() -> None:
    rows = [{"premise": "Rain fell."}, {"premise": "Snow fell."}]
    assert evaluation_free(rows, "nli", fingerprints(["rain FELL"])) == [{"premise": "Snow fell."}]


def test_the_stream_holds_no_evaluation_text(tmp_path: Path) -> None:
    data = write_sets(tmp_path)
    shared = read_split(data, "spans/broad_twitter", "train")[0]["text"]
    assert shared in set(evaluation_texts(data))
    banned = fingerprints(evaluation_texts(data))
    unfiltered = list(islice(mixed_examples(sets_in(data), data, frozenset(), TASK_SHARES, 1), 2000))
    filtered = list(islice(mixed_examples(sets_in(data), data, banned, TASK_SHARES, 1), 2000))
    assert any(e.text == shared for e in unfiltered)
    assert not any(fingerprint(e.text) in banned for e in filtered)


def test_the_report_counts_what_is_removed_and_what_is_left(tmp_path: Path) -> None:
    found = {one.name: one for one in overlaps(write_sets(tmp_path))}
    assert found["nli/mnli_part"].rows == 24
    assert found["nli/mnli_part"].removed == 1
    assert all(one.left == 0 for one in found.values())


def test_held_out_families_are_not_trained_on() -> None:
    assert not {s.name for s in SETS} & set(HELD_OUT)
