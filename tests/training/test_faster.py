"""The faster form of an exported model computes what the model computed."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.runtime.proxy.session import WANTED, Session
from falconql.training.faster import main, rewrite, with_tokens_wanted, without_slow_fusions
from tests.proxy.tiny import save_proxy

TEXTS = ["It broke after a week. " * (i % 9) + "Still, I like it." for i in range(24)]
ASKED = ["Is the reviewer satisfied?", "Did something break?"] * 12


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The shipped proxy with its operators fused, and the same in the faster form."""
    source, copies = find_proxy("kestrel"), tmp_path_factory.mktemp("proxies")
    for name in ("fused", "faster"):
        shutil.copytree(source, copies / name)
        onnx.save(fused_again(onnx.load(source / "model.onnx")), copies / name / "model.onnx")
    assert rewrite(copies / "faster" / "model.onnx")
    return copies / "fused", copies / "faster"


def fused_again(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model as it is exported, whichever form it ships in."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name.endswith("/wanted"):
                node.input[place] = name.removesuffix("/wanted")
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        maker = makers.get(node.input[0])
        if node.op_type == "LayerNormalization" and maker is not None and maker.op_type == "Add":
            product = makers[maker.input[0].removesuffix("/wanted")]
            node.op_type, node.domain = "SkipLayerNormalization", "com.microsoft"
            node.input[:] = [*maker.input, *node.input[1:], product.input.pop()]
            nodes.remove(maker)
        elif node.op_type == "Gelu" and maker is not None:
            node.op_type = "BiasGelu"
            node.input.append(maker.input.pop())
        if node.op_type != "Slice":
            nodes.append(node)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    kept = [value for value in graph.input if value.name != WANTED]
    del graph.input[:]
    graph.input.extend(kept)
    return model


def arrays() -> dict[str, np.ndarray]:
    ids = np.random.default_rng(0).integers(1000, 20000, (4, 24))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def test_labels_move_by_roundings_only(shipped: tuple[Path, Path]) -> None:
    before, after = (OnnxProxy(folder, threads=1) for folder in shipped)
    moved = np.abs(after.label(TEXTS, ASKED) - before.label(TEXTS, ASKED))
    assert moved.max() < 0.02
    assert moved.mean() < 0.002


def test_nothing_slow_is_left(shipped: tuple[Path, Path]) -> None:
    counted = [Counter(node.op_type for node in onnx.load(each / "model.onnx").graph.node) for each in shipped]
    assert counted[0]["SkipLayerNormalization"] == counted[1]["LayerNormalization"] == 12
    assert counted[0]["BiasGelu"] == counted[1]["Gelu"] == 6
    assert counted[1].keys().isdisjoint({"SkipLayerNormalization", "BiasGelu"})


def test_the_first_tokens_are_the_same_to_the_last_bit(shipped: tuple[Path, Path]) -> None:
    session = Session(shipped[1] / "model.onnx", 1)
    assert session.can_stop
    np.testing.assert_array_equal(session.run(arrays(), tokens=1), session.run(arrays())[:, :1])


def test_an_input_that_may_be_left_out_changes_no_logit(shipped: tuple[Path, Path], tmp_path: Path) -> None:
    model = onnx.load(shipped[0] / "model.onnx")
    assert with_tokens_wanted(model)
    onnx.save(model, tmp_path / "model.onnx")
    before, after = (Session(path / "model.onnx", 1) for path in (shipped[0], tmp_path))
    np.testing.assert_array_equal(after.run(arrays()), before.run(arrays()))


def test_it_is_done_once(shipped: tuple[Path, Path]) -> None:
    model = onnx.load(shipped[1] / "model.onnx")
    before = model.SerializeToString(deterministic=True)
    assert without_slow_fusions(model) == 0
    assert with_tokens_wanted(model)
    assert model.SerializeToString(deterministic=True) == before


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
    monkeypatch.setattr(sys, "argv", ["faster", str(path)])
    with pytest.raises(SystemExit, match="no fused attention"):
        main()
    assert path.read_bytes() == before


def test_what_all_layers_share_is_no_matter_of_tokens(shipped: tuple[Path, Path], tmp_path: Path) -> None:
    """Scales that are the same in every layer are kept once, and in int8 a node gives them back."""
    model = onnx.load(shipped[0] / "model.onnx")
    last = [node for node in model.graph.node if node.op_type == "SkipLayerNormalization"][-1]
    model.graph.node.insert(0, onnx.helper.make_node("Identity", [last.input[2]], ["shared"]))
    last.input[2] = "shared"
    assert with_tokens_wanted(model)
    shutil.copytree(shipped[0], tmp_path / "p")
    onnx.save(model, tmp_path / "p" / "model.onnx")
    wanted = OnnxProxy(shipped[0], threads=1).label(TEXTS, ASKED)
    np.testing.assert_array_equal(OnnxProxy(tmp_path / "p", threads=1).label(TEXTS, ASKED), wanted)
