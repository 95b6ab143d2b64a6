"""Training, end to end, on a tiny encoder and tiny sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


def train(base: Path, data: Path, out: Path, steps: int, *, resume: bool = False) -> dict[str, torch.Tensor]:
    from falconql.training.pretrain import PretrainArgs, pretrain

    args = PretrainArgs(
        data=data,
        out=out,
        base=base,
        steps=steps,
        batch_size=8,
        block=160,
        warmup_steps=4,
        max_tokens=64,
        threads=1,
        learning_rate=2e-3,
    )
    pretrain(args, resume=resume)
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    model: dict[str, torch.Tensor] = state["model"]
    return model


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "log.jsonl").read_text().splitlines()]


def test_the_loss_falls_and_the_same_seed_gives_the_same_weights(base: Path, data: Path, tmp_path: Path) -> None:
    first = train(base, data, tmp_path / "a", 100)
    again = train(base, data, tmp_path / "b", 100)
    assert losses(tmp_path / "a")[-1] < 0.9 * losses(tmp_path / "a")[0]
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from falconql.training.pretrain import Run

    whole = train(base, data, tmp_path / "whole", 50)
    step = Run.step

    def interrupted(run: Run, arrays: dict[str, object]) -> float:
        if run.steps == 33:
            run.save()
            raise KeyboardInterrupt
        return step(run, arrays)

    monkeypatch.setattr(Run, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(base, data, tmp_path / "cut", 50)
    monkeypatch.undo()
    resumed = train(base, data, tmp_path / "cut", 50, resume=True)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_label_loss_is_averaged_apart_from_the_span_loss(tmp_path: Path) -> None:
    from falconql.training.dataset import IGNORE, B, O
    from falconql.training.pretrain import PretrainArgs, loss_of

    args = PretrainArgs(data=tmp_path, out=tmp_path, base=tmp_path)
    logits = torch.zeros(2, 5, 3)
    targets = torch.full((2, 5), IGNORE)
    targets[0, 0] = B
    alone = loss_of(logits, targets, args).item()
    targets[1, 1:] = O
    assert alone == pytest.approx(1.0986, abs=1e-3)
    assert loss_of(logits, targets, args).item() == pytest.approx(2 * 1.0986, abs=1e-3)
