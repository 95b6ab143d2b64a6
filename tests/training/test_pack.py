"""Examples packed into one file are those that were made."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falconql.training.dataset import tokenise
from falconql.training.examples import Example
from falconql.training.pack import Pack, batches, packed
from tests.training.made_model import made_tokenizer

TOKENIZER = made_tokenizer()
TEXT = "Ada Lovelace visited Paris — naïvely 🙂 . Ada left"
EXAMPLES = [
    Example("a person", TEXT, ((0, 12), (42, 45))),
    Example("a person", TEXT, True),
    Example("a place", TEXT, ()),
    Example("a place", "Paris", False),
    Example("Ada", "Ada Ada Ada", ((0, 3), (4, 11))),
    Example("a place", "", ()),
]


def pack_of(examples: list[Example], max_tokens: int = 64, seed: int = 0) -> Pack:
    tagged = [("labels" if isinstance(e.answer, bool) else "spans", e) for e in examples]
    return packed(
        tagged, TOKENIZER, max_tokens=max_tokens, seed=seed, tasks=["labels", "spans"], about={"made": "here"}
    )


def test_items_are_those_of_the_examples() -> None:
    pack = pack_of(EXAMPLES)
    for number, item in enumerate(tokenise(TOKENIZER, EXAMPLES, 64, seed=0)):
        read = pack.item(number)
        assert read.ids.tolist() == item.ids.tolist()
        assert read.targets.tolist() == item.targets.tolist()
        assert read.instruction_tokens == item.instruction_tokens
        assert pack.lengths()[number] == len(item.ids)
    assert [str(pack.tasks[task]) for task in pack.rows[:2, 5]] == ["spans", "labels"]


@given(st.integers(0, 300), st.integers(0, 50))
def test_windows_are_those_of_the_examples(before: int, seed: int) -> None:
    start = 6 * before
    example = Example("a person", "Paris " * before + "Ada Ada " + "Paris " * 300, ((start, start + 7),))
    (item,) = tokenise(TOKENIZER, [example], 64, seed)
    read = pack_of([example], 64, seed).item(0)
    assert read.ids.tolist() == item.ids.tolist()
    assert read.targets.tolist() == item.targets.tolist()


def test_texts_and_instructions_are_kept_once() -> None:
    pack = pack_of(EXAMPLES * 5)
    assert len(pack) == 30
    assert len(pack.texts_at) - 1 == 4
    assert len(pack.instructions_at) - 1 == 3


def test_a_file_is_read_as_written_and_holds_no_code(tmp_path: Path) -> None:
    pack = pack_of(EXAMPLES)
    pack.save(tmp_path / "examples.npz")
    read = Pack.load(tmp_path / "examples.npz")
    assert all(read.item(n).targets.tolist() == pack.item(n).targets.tolist() for n in range(len(pack)))
    assert str(read.about) == '{"made": "here"}'
    np.savez(tmp_path / "other.npz", texts=np.zeros(3))
    with pytest.raises(ValueError, match="lacks texts_at"):
        Pack.load(tmp_path / "other.npz")
    np.savez(tmp_path / "objects.npz", texts=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="lacks"):
        Pack.load(tmp_path / "objects.npz")


@given(st.lists(st.integers(1, 40), min_size=1, max_size=200), st.integers(40, 200), st.integers(1, 64))
def test_batches_hold_every_example_once_within_the_budget(lengths: list[int], budget: int, pool: int) -> None:
    cut = batches(np.array(lengths, dtype=np.int32), budget, seed=1, pool=pool)
    assert sorted(int(i) for batch in cut for i in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[i] for i in batch) <= budget for batch in cut)


def test_batches_are_the_same_for_a_seed_and_keep_to_their_pool() -> None:
    lengths = np.array([random.Random(1).randint(4, 60) for _ in range(500)], dtype=np.int32)
    one, again, other = (batches(lengths, 128, seed, 100) for seed in (1, 1, 2))
    assert [b.tolist() for b in one] == [b.tolist() for b in again] != [b.tolist() for b in other]
    assert all(len({int(i) // 100 for i in batch}) == 1 for batch in one)
