"""Training, end to end, on a tiny encoder and tiny sets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from falconql.training.config import DataConfig, TrainingConfig
from tests.training.made_data import write_sets
from tests.training.made_model import write_base

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

if TYPE_CHECKING:
    import torch
else:
    torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sets(tmp_path_factory.mktemp("data"), rows=60)


@pytest.fixture(scope="module")
def examples(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from falconql.training.prepare import prepare

    shares = {"spans": 0.3, "qa": 0.2, "nli": 0.2, "opinions": 0.2, "next_token": 0.05, "is_a": 0.05}
    path = tmp_path_factory.mktemp("examples") / "examples.npz"
    prepare(DataConfig(600, 64, 3, False, [], shares), data, base).save(path)
    return path


CONFIG = TrainingConfig(
    examples=1600,
    tokens_per_step=256,
    learning_rate=2e-3,
    warmup_steps=4,
    head_rate=10.0,
    label_weight=1.0,
    base_rates={},
    taught={},
    span_tokens=4.0,
    begin_weight=1.5,
    freeze_words=False,
    quantise_from=0.8,
    seed=7,
    threads=1,
    checkpoint_minutes=60.0,
    snapshots=[400],
)


def train(base: Path, examples: Path, out: Path, *, resume: bool = False) -> dict[str, torch.Tensor]:
    from falconql.training.pretrain import pretrain

    pretrain(CONFIG, examples, out, base=base, device="cpu", resume=resume)
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    model: dict[str, torch.Tensor] = state["model"]
    return model


def logged(out: Path, name: str) -> list[float]:
    return [json.loads(line)[name] for line in (out / "log.jsonl").read_text().splitlines()]


def test_losses_fall_and_the_same_seed_gives_the_same_weights(base: Path, examples: Path, tmp_path: Path) -> None:
    first = train(base, examples, tmp_path / "a")
    again = train(base, examples, tmp_path / "b")
    for name in ("labels", "spans"):
        assert logged(tmp_path / "a", name)[-1] < 0.9 * logged(tmp_path / "a", name)[0]
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert (tmp_path / "a" / "final" / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(
    base: Path, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from falconql.training.pretrain import Run

    whole = train(base, examples, tmp_path / "whole")
    step = Run.step

    def interrupted(run: Run, chosen: Any) -> Any:
        if run.steps == 90:
            run.save()
            raise KeyboardInterrupt
        return step(run, chosen)

    monkeypatch.setattr(Run, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(base, examples, tmp_path / "cut")
    monkeypatch.undo()
    resumed = train(base, examples, tmp_path / "cut", resume=True)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_margins_are_learned_less_what_base_rates_say(base: Path, examples: Path, tmp_path: Path) -> None:
    from falconql.training.dataset import B
    from falconql.training.pack import Pack
    from falconql.training.pretrain import Run

    pack = Pack.load(examples)
    opinions = np.flatnonzero(pack.rows[:, 5] == list(pack.tasks).index("opinions"))[:8]
    tasks = torch.from_numpy(pack.rows[opinions, 5].astype(np.int64))
    plain, rare = (
        Run(replace(CONFIG, base_rates=rates), pack, tmp_path, base, "cpu") for rates in ({}, {"opinions": 0.1})
    )
    inputs = plain.tensors(opinions)
    targets = inputs.pop("targets")
    logits = torch.randn((*targets.shape, 3), generator=torch.Generator().manual_seed(1))
    less = logits.clone()
    less[:, 0, B] -= np.log(9)
    expected = plain.losses(logits, targets, inputs, tasks).labels.item()
    assert rare.losses(less, targets, inputs, tasks).labels.item() == pytest.approx(expected, abs=1e-5)
    assert rare.losses(logits, targets, inputs, tasks).labels.item() != pytest.approx(expected, abs=1e-2)


def test_base_rates_hold_for_other_targets_too(base: Path, examples: Path, tmp_path: Path) -> None:
    from falconql.training.pack import Pack
    from falconql.training.pretrain import Run, one_hot

    class Soft(Run):
        def softened(self, targets: Any, inputs: Any, tasks: Any) -> Any:
            return one_hot(targets)

    pack, config = Pack.load(examples), replace(CONFIG, base_rates={"opinions": 0.1})
    opinions = np.flatnonzero(pack.rows[:, 5] == list(pack.tasks).index("opinions"))[:8]
    tasks = torch.from_numpy(pack.rows[opinions, 5].astype(np.int64))
    plain, soft = (kind(config, pack, tmp_path, base, "cpu") for kind in (Run, Soft))
    inputs = plain.tensors(opinions)
    targets = inputs.pop("targets")
    logits = torch.randn((*targets.shape, 3), generator=torch.Generator().manual_seed(1))
    expected = plain.losses(logits, targets, inputs, tasks).labels.item()
    assert soft.losses(logits, targets, inputs, tasks).labels.item() == pytest.approx(expected, abs=1e-5)


def test_only_a_proxy_teaches(base: Path, examples: Path, tmp_path: Path) -> None:
    from falconql.training.pack import Pack
    from falconql.training.pretrain import Run

    with pytest.raises(ValueError, match=r"taught in \[training\] wants a proxy to start from"):
        Run(replace(CONFIG, taught={"nli": 0.5}), Pack.load(examples), tmp_path, base, "cpu")


def test_a_span_example_weighs_as_its_tokens_in_doubt() -> None:
    from falconql.training.dataset import IGNORE, B, O
    from falconql.training.pretrain import losses_of

    logits = torch.zeros(2, 5, 3)
    targets = torch.full((2, 5), IGNORE)
    targets[0, 0] = B
    alone = losses_of(logits, targets, CONFIG)
    assert alone.labels.item() == pytest.approx(1.0986, abs=1e-3)
    assert alone.spans.item() == 0
    targets[1, 1:] = O
    both = losses_of(logits, targets, CONFIG)
    assert both.labels.item() == pytest.approx(1.0986, abs=1e-3)
    assert both.spans.item() == pytest.approx(4 * 1.0986 / CONFIG.span_tokens, abs=1e-3)


def test_nothing_of_an_evaluation_split_is_prepared(base: Path, data: Path) -> None:
    from itertools import islice

    from falconql.training.overlap import fingerprint, fingerprints
    from falconql.training.prepare import training_examples
    from falconql.training.sources import evaluation_texts

    banned = fingerprints(evaluation_texts(data))
    shares = {"spans": 0.4, "qa": 0.3, "nli": 0.1, "opinions": 0.1, "is_a": 0.1}
    drawn = [
        example for _, example in islice(training_examples(DataConfig(1, 64, 3, False, [], shares), data, base), 500)
    ]
    assert not [example.text for example in drawn if fingerprint(example.text) in banned]


def test_leaving_out_a_set_that_does_not_exist_is_an_error_that_names_it(base: Path, data: Path) -> None:
    from falconql.training.config import ConfigError
    from falconql.training.prepare import prepare

    with pytest.raises(ConfigError, match=r"names no training set: spans/wikigolds"):
        prepare(DataConfig(1, 64, 3, False, ["spans/wikigolds"], {"spans": 1.0}), data, base)
