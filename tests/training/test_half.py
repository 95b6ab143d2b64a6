"""Proxies for a GPU, as far as they can be tested without one."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.runtime.proxy.session import Session
from falconql.training.faster import rewrite
from falconql.training.half import HALF, add_half, floats_again
from tests.proxy.tiny import save_proxy

TEXTS = ["I love it.", "It broke after a week and nobody answered.", "The Lenovo costs $1,299 at the store."] * 3
ASKED = ["Is the reviewer satisfied?"] * 9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proxy")
    shutil.copytree(find_proxy("kestrel"), folder / "base")
    rewrite(folder / "base" / "model.onnx")
    add_half(folder / "base", folder / "half")
    return folder / "half"


def test_the_model_is_in_half_precision(made: Path) -> None:
    graph = onnx.load(made / HALF).graph
    types = {each.data_type for each in graph.initializer if len(each.dims) == 2}
    assert types == {onnx.TensorProto.FLOAT16}
    assert {node.op_type for node in graph.node}.isdisjoint({"QAttention", "MatMulIntegerToFloat", "QuantizeLinear"})
    assert json.loads((made / "proxy.json").read_text())["gpu_model"] == HALF


def test_it_answers_as_the_int8_one_does(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falconql.runtime.proxy.onnx.cuda_is_offered", lambda: False)
    small = OnnxProxy(made, threads=1)
    int8, wanted = small.fingerprint, small.label(TEXTS, ASKED)
    monkeypatch.setattr("falconql.runtime.proxy.onnx.cuda_is_offered", lambda: True)
    half = OnnxProxy(made, threads=1)
    with warnings.catch_warnings():
        # This ONNX Runtime may have no CUDA; it then warns and uses the processor.
        warnings.simplefilter("ignore", UserWarning)
        assert half.session.path.name == HALF
    if not half.session.cuda:
        # The same inputs and outputs, bound to the memory of the processor.
        device = Session._on_device
        monkeypatch.setattr(Session, "_on_device", lambda self, fed: device(self, fed, "cpu"))
        half.session.cuda = True
    assert half.session.can_stop
    assert half.fingerprint != int8
    np.testing.assert_allclose(half.label(TEXTS, ASKED), wanted, atol=0.15)
    spans = half.spans(TEXTS[2:3], ["Extract the price"])
    assert [TEXTS[2][span.start : span.end] for span in spans[0]] == ["$1,299"]


def test_a_float_model_stays_what_it_is(tmp_path: Path) -> None:
    model = onnx.load(save_proxy(tmp_path, good=["great"]) / "model.onnx")
    assert [node.op_type for node in floats_again(model).graph.node] == [node.op_type for node in model.graph.node]


def test_int8_of_another_kind_is_refused(tmp_path: Path) -> None:
    model = onnx.load(save_proxy(tmp_path / "base", good=["great"]) / "model.onnx")
    model.graph.node[0].op_type = "MatMulInteger"
    with pytest.raises(ProxyError, match="MatMulInteger cannot be turned into a float one"):
        floats_again(model)


def test_only_the_files_of_a_proxy_come_along(tmp_path: Path) -> None:
    shutil.copytree(find_proxy("kestrel"), tmp_path / "own")
    (tmp_path / "own" / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "own" / "notes.txt").write_text("mine")
    add_half(tmp_path / "own", tmp_path / "half")
    assert sorted(path.name for path in (tmp_path / "half").iterdir()) == [
        "model.onnx",
        HALF,
        "proxy.json",
        "tokenizer.json",
    ]


def test_a_directory_that_breaks_the_contract_is_refused(tmp_path: Path) -> None:
    for name, left in (("missing", None), ("cut off", 200), ("empty", 0)):
        model = save_proxy(tmp_path / name) / "model.onnx"
        content = model.read_bytes()
        model.unlink() if left is None else model.write_bytes(content[:left])
        with pytest.raises(ProxyError, match=r"lacks the file model\.onnx|is not an ONNX model"):
            add_half(tmp_path / name, tmp_path / "half")
