"""Labels without what the last layer computes for other tokens."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.runtime.proxy.session import Session
from falconql.training.first_token import main, rewrite, with_tokens_wanted
from tests.proxy.tiny import save_proxy

TEXTS = ["It broke after a week. " * (i % 9) + "Still, I like it." for i in range(24)]
ASKED = ["Is the reviewer satisfied?", "Did something break?"] * 12


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The shipped proxy, and a copy that can be asked for the first tokens alone."""
    source, copy = find_proxy("kestrel"), tmp_path_factory.mktemp("proxy") / "copy"
    shutil.copytree(source, copy)
    assert rewrite(copy / "model.onnx")
    return source, copy


def test_every_logit_is_the_same(shipped: tuple[Path, Path]) -> None:
    ids = np.random.default_rng(0).integers(1000, 20000, (4, 24))
    arrays = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    before, after = (Session(folder / "model.onnx", 1) for folder in shipped)
    assert after.can_stop
    np.testing.assert_array_equal(after.run(arrays), before.run(arrays))
    np.testing.assert_array_equal(after.run(arrays, tokens=1), before.run(arrays)[:, :1])


def test_labels_are_the_same_to_the_last_bit(shipped: tuple[Path, Path]) -> None:
    before, after = (OnnxProxy(folder, threads=1) for folder in shipped)
    np.testing.assert_array_equal(after.label(TEXTS, ASKED), before.label(TEXTS, ASKED))


def test_it_is_done_once(shipped: tuple[Path, Path]) -> None:
    model = onnx.load(shipped[1] / "model.onnx")
    nodes = len(model.graph.node)
    assert with_tokens_wanted(model)
    assert len(model.graph.node) == nodes


def test_what_looks_at_other_tokens_behind_the_attention_is_left_alone(shipped: tuple[Path, Path]) -> None:
    model = onnx.load(shipped[0] / "model.onnx")
    (last,) = (node for node in model.graph.node if node.output[0] == "logits")
    last.output[0] = "of each token"
    model.graph.node.append(onnx.helper.make_node("CumSum", ["of each token", "axis"], ["logits"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1, dtype=np.int64), "axis"))
    before = model.SerializeToString(deterministic=True)
    assert not with_tokens_wanted(model)
    assert model.SerializeToString(deterministic=True) == before


def test_a_model_without_attention_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_proxy(tmp_path, good=["great"]) / "model.onnx"
    before = path.read_bytes()
    monkeypatch.setattr(sys, "argv", ["first_token", str(path)])
    with pytest.raises(SystemExit, match="no fused attention"):
        main()
    assert path.read_bytes() == before
