"""From a torch model to the proxy directories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from falconql.training.config import DataConfig, TrainingConfig
from tests.training.made_data import write_sets
from tests.training.made_model import write_base

pytestmark = [
    pytest.mark.train,
    # The exporters of torch and ONNX Runtime use what they themselves call deprecated.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sets(tmp_path_factory.mktemp("data"), rows=60)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    from falconql.training.prepare import prepare
    from falconql.training.pretrain import pretrain

    base = write_base(tmp_path_factory.mktemp("base"))
    out = tmp_path_factory.mktemp("run")
    shares = {"spans": 0.3, "qa": 0.2, "nli": 0.2, "opinions": 0.3}
    prepare(DataConfig(400, 64, 3, False, [], shares), data, base).save(out / "examples.npz")
    config = TrainingConfig(400, 256, 2e-4, 4, 10.0, 1.0, {}, {}, 4.0, 1.5, False, 1.0, 7, 1, 60.0, [])
    pretrain(config, out / "examples.npz", out, base=base, device="cpu", resume=False)
    return out


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, run: Path, data: Path) -> tuple[Path, dict[str, Any]]:
    from falconql.training.export import export_run

    out = tmp_path_factory.mktemp("proxies") / "tiny"
    return out, export_run(run, out, data, version="0.1")


def test_both_proxies_open_and_agree(exported: tuple[Path, dict[str, Any]]) -> None:
    from falconql.runtime.proxy.onnx import OnnxProxy

    out, manifest = exported
    texts, asked = ["Ada visited Paris .", "Grace left Oslo"], ["a person", "Is the person the person?"]
    small, exact = OnnxProxy(out), OnnxProxy(out.with_name("tiny-fp32"))
    assert np.allclose(small.label(texts, asked), exact.label(texts, asked), atol=0.1)
    assert small.label_threshold == manifest["label"]["threshold"]


def test_what_the_proxy_says_is_the_target_as_far_as_it_teaches(
    exported: tuple[Path, dict[str, Any]], run: Path, tmp_path: Path
) -> None:
    import torch

    from falconql.training.dataset import B, O
    from falconql.training.pack import Pack
    from falconql.training.pretrain import Run

    pack = Pack.load(run / "examples.npz")
    labels = np.flatnonzero(pack.rows[:, 4] >= 0)[:8]
    losses = {}
    for taught in (0.5, 1.0):
        config = TrainingConfig(
            8, 256, 2e-4, 4, 10.0, 1.0, {}, {task: taught for task in pack.tasks}, 4.0, 1.5, False, 1.0, 7, 1, 60.0, []
        )
        pupil = Run(config, pack, tmp_path, exported[0], "cpu")
        inputs, tasks = pupil.tensors(labels), torch.from_numpy(pack.rows[labels, 5].astype(np.int64))
        targets = inputs.pop("targets")
        shape = (*targets.shape, 3)
        losses[taught] = [
            pupil.losses(
                torch.randn(shape, generator=torch.Generator().manual_seed(1)), said, inputs, tasks
            ).labels.item()
            for said in (torch.where(targets == B, O, targets), torch.where(targets == O, B, targets))
        ]
    assert losses[1.0][0] == losses[1.0][1]
    assert losses[0.5][0] != losses[0.5][1]


def test_the_scores_of_a_text_do_not_depend_on_its_batch(exported: tuple[Path, dict[str, Any]]) -> None:
    from falconql.runtime.proxy.onnx import OnnxProxy

    proxy = OnnxProxy(exported[0])
    texts = ["Ada visited Paris .", "Grace left Oslo " * 8, "Alan"]
    together = proxy.label(texts, ["a person"] * 3)
    alone = np.concatenate([proxy.label([text], ["a person"]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)


def test_the_manifest_says_what_it_was_made_from(exported: tuple[Path, dict[str, Any]]) -> None:
    out, manifest = exported
    written = json.loads((out / "proxy.json").read_text())
    assert written == json.loads(json.dumps(manifest))
    assert {entry["name"] for entry in written["data"]} == {
        "spans/broad_twitter",
        "qa/squad_part",
        "nli/mnli_part",
        "classify/sst2",
    }
    assert 0 < written["lineage"][1]["examples"] <= 400
    assert written["metrics"]["export"]["onnx_vs_torch_largest_logit_difference"] < 1e-3


def test_a_model_that_computes_something_else_is_refused() -> None:
    from falconql.training.exporter import ExportError, check_same

    logits = [np.zeros((4, 3), dtype=np.float32)]
    assert check_same(logits, [logits[0] + 1e-5]) == pytest.approx(1e-5)
    with pytest.raises(ExportError, match=r"differs from the torch model by 0\.5"):
        check_same(logits, [logits[0] + 0.5])
    with pytest.raises(ExportError, match="nan"):
        check_same(logits, [logits[0] * np.nan])


def test_drift_counts_moved_probabilities_and_changed_classes() -> None:
    from falconql.training.exporter import drift

    sure = np.array([[9.0, 0.0, 0.0], [0.0, 0.0, 9.0]], dtype=np.float32)
    swapped = sure[:, ::-1].copy()
    assert drift([sure], [sure]).largest == 0.0
    assert drift([sure], [swapped]).changed == 1.0
    assert drift([sure], [swapped]).largest > 0.99


@pytest.mark.parametrize(
    ("exact", "quantised", "passes"),
    [
        ({"labels": 0.90, "spans": 0.60}, {"labels": 0.90, "spans": 0.60}, True),
        ({"labels": 0.90, "spans": 0.60}, {"labels": 0.91, "spans": 0.585}, True),
        ({"labels": 0.90, "spans": 0.60}, {"labels": 0.95, "spans": 0.57}, False),
        ({"labels": 0.90, "spans": 0.60}, {"labels": 0.885, "spans": 0.585}, False),
        ({}, {}, True),
    ],
)
def test_int8_that_answers_worse_is_refused(exact: dict[str, float], quantised: dict[str, float], passes: bool) -> None:
    from falconql.training.exporter import ExportError, check_scores

    if passes:
        check_scores(exact, quantised)
    else:
        with pytest.raises(ExportError, match=r"60\.0 against 5"):
            check_scores(exact, quantised)
