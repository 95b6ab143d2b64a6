"""Proxy directories that break the contract: each is refused, by name of file and field."""

from __future__ import annotations

import builtins
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy import add_proxy
from falconql.runtime.proxy.contents import tensor_elsewhere
from falconql.runtime.proxy.manifest import read_manifest
from falconql.runtime.proxy.onnx import OnnxProxy
from tests.proxy.tiny import MANIFEST, save_model, save_proxy


def changed(path: str, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(MANIFEST))
    place = data
    *steps, last = path.split(".")
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", 2, "format 2 is not supported"),
        ("name", None, "the field `name` is missing"),
        ("name", " ", "`name` must be a text"),
        ("model", "../model.onnx", "`model` must be the name of a file"),
        ("tokenizer", "/etc/passwd", "`tokenizer` must be the name of a file"),
        ("max_tokens", 0, "`max_tokens` must be a whole number"),
        ("max_tokens", "many", "`max_tokens` must be a whole number"),
        ("window_overlap", 31, "`window_overlap` must be a whole number from 0 to 16"),
        ("format", True, "format true is not supported"),
        ("model", "proxy.json", "`model` must be the name of a file"),
        ("model", "..\\model.onnx", "`model` must be the name of a file"),
        ("gpu_model", "a/b", '`gpu_model` must be the name of a file in the proxy\'s folder, found "a/b"'),
        ("labels", {"B": 0, "I": 1}, "the field `labels.O` is missing"),
        ("labels", {"B": 0, "I": 1, "O": "2"}, "`labels` must be the positions"),
        ("labels", {"B": False, "I": 1, "O": 2}, "`labels` must be the positions"),
        ("labels", [0, 1, 2], "the field `labels.B` is missing"),
        ("prompts.label", {"kind": ["pair"]}, "`prompts.label.kind` must be `pair` or `single`"),
        ("prompts.span", {"kind": "single", "template": 3}, "`prompts.span.template` must be a text"),
        ("label.threshold", float("nan"), "`label.threshold` must be a number from 0 to 1"),
        ("description", ["a"], "`description` must be a text"),
        ("lineage", {}, "`lineage` must be a list"),
        ("data", ["x"], "`data` must be a list of objects"),
        ("metrics", 1, "`metrics` must be an object, found 1"),
        ("labels", {"B": 0, "I": 1, "O": 3}, "`labels` must be the positions"),
        ("prompts.label", {"kind": "triple"}, "`prompts.label.kind` must be `pair` or `single`"),
        ("prompts.span.first", "{text}", "`prompts.span` must be a template"),
        ("label.readout", "last", "`label.readout` must be `first_token` or `any_span`"),
        ("label.temperature", 0, "`label.temperature` must be a number"),
        ("label.bias", None, "the field `label.bias` is missing"),
        ("label.threshold", 1.5, "`label.threshold` must be a number from 0 to 1"),
        ("span", None, "the field `span.threshold` is missing"),
    ],
)
def test_a_field_that_is_wrong_is_named(tmp_path: Path, path: str, value: Any, message: str) -> None:
    save_proxy(tmp_path)
    (tmp_path / "proxy.json").write_text(json.dumps(changed(path, value)))
    with pytest.raises(ProxyError) as caught:
        OnnxProxy(tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{", "\ud800".encode("utf-8", "surrogatepass"), "[" * 100_000])
def test_a_manifest_that_is_no_object(tmp_path: Path, content: str | bytes) -> None:
    save_proxy(tmp_path)
    (tmp_path / "proxy.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ProxyError, match=r"proxy\.json"):
        OnnxProxy(tmp_path)


@pytest.mark.parametrize("file", ["proxy.json", "model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    save_proxy(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(ProxyError, match=file):
        OnnxProxy(tmp_path)


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("keep", [0, 0.5])
def test_a_file_cut_off_is_named(tmp_path: Path, file: str, keep: float) -> None:
    save_proxy(tmp_path)
    content = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ProxyError, match=file):
        OnnxProxy(tmp_path).label(["a"], ["b"])


def save_identity(path: Path, inputs: dict[str, int], output: str, shape: list[str | int]) -> None:
    """Write a model that gives its first input as it is; ``inputs``: names and element types."""
    values = [helper.make_tensor_value_info(n, kind, ["batch", "tokens"]) for n, kind in inputs.items()]
    first, kind = next(iter(inputs.items()))
    graph = helper.make_graph(
        [helper.make_node("Identity", [first], [output])],
        "identity",
        values,
        [helper.make_tensor_value_info(output, kind, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)


IDS = {"input_ids": TensorProto.INT64, "attention_mask": TensorProto.INT64}


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        ({"tokens": TensorProto.INT64}, "logits", "the inputs must be input_ids"),
        (IDS | {"position_ids": TensorProto.INT64}, "logits", "the inputs must be input_ids"),
        (IDS | {"attention_mask": TensorProto.FLOAT}, "logits", "the input attention_mask must be int64"),
        (IDS, "scores", "the output must be `logits`"),
        (IDS, "logits", "the output must be `logits` of shape"),
    ],
)
def test_a_model_with_other_inputs_or_outputs(
    tmp_path: Path, inputs: dict[str, int], output: str, message: str
) -> None:
    save_identity(tmp_path / "model.onnx", inputs, output, ["batch", "tokens"])
    (tmp_path / "elsewhere").mkdir()
    save_proxy(tmp_path / "elsewhere")
    for file in ("tokenizer.json", "proxy.json"):
        (tmp_path / "elsewhere" / file).rename(tmp_path / file)
    with pytest.raises(ProxyError) as caught:
        OnnxProxy(tmp_path).label(["a"], ["b"])
    assert message in str(caught.value)
    assert "model.onnx" in str(caught.value)


@pytest.mark.parametrize(("rows", "tokens"), [(1, "tokens"), ("batch", 32)])
def test_a_model_for_one_size_alone(tmp_path: Path, rows: str | int, tokens: str | int) -> None:
    model = onnx.load(save_proxy(tmp_path / "p") / "model.onnx")
    for value in model.graph.input:
        value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.INT64, [rows, tokens]))
    onnx.save(model, tmp_path / "p" / "model.onnx")
    with pytest.raises(ProxyError, match="any number of each, found tensor") as caught:
        OnnxProxy(tmp_path / "p").label(["a"], ["b"])
    assert "dynamic_axes" in str(caught.value.hint)


def with_weights_at(folder: Path, location: str) -> Path:
    """Return a proxy whose model keeps one tensor in another file."""
    save_proxy(folder)
    model = onnx.load(folder / "model.onnx")
    (tensor,) = (one for one in model.graph.initializer if one.name == "table")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(4 * tensor.dims[0] * 3))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "/etc/passwd", "../../etc/passwd"])
def test_weights_in_another_file_are_refused_before_it_is_read(
    tmp_path: Path, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_weights_at(tmp_path / "proxy", location)
    for place in (folder, tmp_path):
        (place / "weights.bin").write_bytes(bytes(1 << 16))
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(ProxyError, match=r"model\.onnx keeps the values of `table` in another file") as caught:
        OnnxProxy(folder).label(["a"], ["b"])
    assert "with its weights inside" in str(caught.value.hint)


def test_weights_elsewhere_are_found_wherever_a_model_may_hold_tensors() -> None:
    tensor = TensorProto(name="deep", data_location=TensorProto.EXTERNAL)
    inner = helper.make_graph([], "inner", [], [], [tensor])
    sparse = onnx.SparseTensorProto(values=tensor)
    for attribute in (
        helper.make_attribute("value", tensor),
        helper.make_attribute("values", [tensor]),
        helper.make_attribute("then_branch", inner),
        helper.make_attribute("branches", [inner]),
        helper.make_attribute("sparse", sparse),
        helper.make_attribute("sparses", [sparse]),
    ):
        node = helper.make_node("If", ["a"], ["b"])
        node.attribute.append(attribute)
        graph = helper.make_graph([node], "g", [], [])
        function = helper.make_function("d", "f", ["a"], ["b"], [node], [helper.make_opsetid("", 17)])
        training = onnx.TrainingInfoProto(algorithm=graph)
        models = [onnx.ModelProto(graph=graph), onnx.ModelProto(functions=[function])]
        models.append(onnx.ModelProto(training_info=[training]))
        for model in models:
            assert found_elsewhere(model.SerializeToString()) == "deep"
    inner.initializer[0].data_location = TensorProto.DEFAULT
    assert found_elsewhere(onnx.ModelProto(graph=inner).SerializeToString()) is None


def found_elsewhere(model: bytes) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        return tensor_elsewhere(path)


@pytest.mark.parametrize("file", ["proxy.json", "model.onnx", "tokenizer.json"])
def test_a_link_out_of_the_folder_is_refused_and_not_read(tmp_path: Path, file: str) -> None:
    folder = save_proxy(tmp_path / "proxy")
    (folder / file).rename(tmp_path / "elsewhere")
    (folder / file).symlink_to(tmp_path / "elsewhere")
    for use in (OnnxProxy, read_manifest, add_proxy):
        if use is read_manifest and file != "proxy.json":
            continue
        with pytest.raises(ProxyError, match="is a link to a file outside the proxy's folder") as caught:
            use(folder)
        assert "cp -rL" in str(caught.value.hint)
    (folder / file).unlink()
    (folder / file).symlink_to("within")
    (tmp_path / "elsewhere").rename(folder / "within")
    assert len(OnnxProxy(folder).label(["a"], ["b"])) == 1


def test_operators_from_a_library_are_not_known(tmp_path: Path) -> None:
    save_proxy(tmp_path)
    model = onnx.load(tmp_path / "model.onnx")
    model.graph.node[0].domain = "custom.library"
    model.opset_import.append(helper.make_opsetid("custom.library", 1))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ProxyError, match="not a model that ONNX Runtime can load"):
        OnnxProxy(tmp_path).label(["a"], ["b"])


def test_a_shape_beyond_all_memory_is_an_error(tmp_path: Path) -> None:
    save_proxy(tmp_path)
    model = onnx.load(tmp_path / "model.onnx")
    huge = helper.make_tensor("huge", TensorProto.INT64, [3], [1 << 20, 1 << 20, 1 << 10])
    model.graph.initializer.append(huge)
    nodes = [
        helper.make_node("ConstantOfShape", ["huge"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0),
        helper.make_node("Add", ["logits0", "zero"], ["logits"]),
    ]
    model.graph.node[-1].output[0] = "logits0"
    model.graph.node.extend(nodes)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ProxyError, match=r"model\.onnx"):
        OnnxProxy(tmp_path).label(["a"], ["b"])


def test_a_tokenizer_that_panics_is_an_error(tmp_path: Path) -> None:
    save_proxy(tmp_path)
    path = tmp_path / "tokenizer.json"
    data = json.loads(path.read_text())
    data["post_processor"]["special_tokens"] = {}
    path.write_text(json.dumps(data))
    with pytest.raises(ProxyError, match=r"tokenizer\.json"):
        OnnxProxy(tmp_path).label(["a"], ["b"])


def test_a_tokenizer_that_panics_when_it_is_read_is_an_error(tmp_path: Path) -> None:
    save_proxy(tmp_path)
    # A piece that is shorter than the prefix that it should begin with.
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}
    broken = {"version": "1.0", "model": {**model, "continuing_subword_prefix": "####"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(broken))
    with pytest.raises(ProxyError, match=r"tokenizer\.json is not a tokenizer"):
        OnnxProxy(tmp_path).label(["a"], ["b"])


def test_a_tokenizer_that_pads_to_a_billion_tokens_does_not(tmp_path: Path) -> None:
    save_proxy(tmp_path)
    path = tmp_path / "tokenizer.json"
    data = json.loads(path.read_text())
    data["padding"] = {
        "strategy": {"Fixed": 1 << 30},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    path.write_text(json.dumps(data))
    assert len(OnnxProxy(tmp_path).label(["a"], ["b"])) == 1


def test_a_vocabulary_larger_than_the_model(tmp_path: Path) -> None:
    save_proxy(tmp_path)
    save_model(tmp_path / "model.onnx", np.zeros((30, 3)), np.zeros(30))
    with pytest.raises(ProxyError, match=r"model\.onnx failed") as caught:
        OnnxProxy(tmp_path).label(["a"], ["a"])
    assert "must belong together" in str(caught.value.hint)


def test_logits_that_are_no_numbers(tmp_path: Path) -> None:
    size = OnnxProxy(save_proxy(tmp_path)).prompter.tokenizer.get_vocab_size()
    save_model(tmp_path / "model.onnx", np.full((size, 3), np.nan), np.zeros(size))
    with pytest.raises(ProxyError, match="gave logits that are not finite"):
        OnnxProxy(tmp_path).label(["a"], ["b"])


def test_without_onnx_runtime_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ProxyError) as caught:
        OnnxProxy(save_proxy(tmp_path)).label(["a"], ["b"])
    assert caught.value.hint is not None
    assert 'pip install "falconql[cpu]"' in caught.value.hint


def test_names_that_are_not_utf_8_are_an_error(tmp_path: Path) -> None:
    folder = save_proxy(tmp_path / "proxy")
    model = folder / "model.onnx"
    model.write_bytes(model.read_bytes().replace(b"input_ids", b"input_\xe9ds"))
    with pytest.raises(ProxyError, match=r"model\.onnx"):
        OnnxProxy(folder).label(["a"], ["b"])
