"""A proxy for a GPU: the same weights in half precision, in a file beside the one for the processor.

An int8 model is of no use to CUDA, for which ONNX Runtime has few of its operators. So the int8 weights are multiplied
with their scales again, activations are no longer rounded, and everything becomes float16, but for the logits.

Knows the operators that ``quantiser`` writes, and those of the fused float model; no torch is needed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.manifest import FILE
from falconql.runtime.proxy.onnx import OnnxProxy, padded
from falconql.runtime.proxy.session import OUTPUT, Session
from falconql.training.quantiser import loaded

HALF = "model_fp16.onnx"
MOST_DIFFERENCE = 0.02
_CONTRIB = "com.microsoft"
_TEXTS = (
    "The battery lasts two days, and the screen is bright.",
    "Ada Lovelace wrote to Charles Babbage from London in 1843.",
    "Refund me! It broke after a week.",
    "",
)
_ASKED = ("Is the reviewer satisfied?", "Extract the name of the person")


def add_half(folder: Path, out: Path) -> dict[str, Any]:
    """Write a proxy directory with a model for CUDA beside the one it has.

    Args:
        folder: the proxy.
        out: where the new one goes; it may not be there yet.

    Returns:
        The manifest of the new one, with ``metrics.half``: the largest difference of a class probability, over the
        tokens of a few texts, from the same model in float32, both run on the processor.

    Raises:
        ProxyError: the directory breaks the contract, the model has operators that cannot be turned into floats, or
            half precision changes its scores.
    """
    proxy = OnnxProxy(folder)
    manifest: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    exact = floats_again(model_of(proxy))
    small = in_half(exact)
    moved = _largest_difference(proxy, exact, small)
    if not moved <= MOST_DIFFERENCE:
        raise ProxyError(f"half precision moves a probability of {folder} by {moved:.3f} (allowed: {MOST_DIFFERENCE})")
    out.mkdir(parents=True)
    for file in proxy.manifest.files:
        shutil.copyfile(folder / file, out / file)
    onnx.save(small, out / HALF)
    manifest["gpu_model"] = HALF
    manifest.setdefault("metrics", {})["half"] = {"largest_probability_difference": float(f"{moved:.2g}")}
    (out / FILE).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def model_of(proxy: OnnxProxy) -> onnx.ModelProto:
    """Return the model of a proxy for the processor.

    Raises:
        ProxyError: it is none that the runtime would load.
    """
    path = proxy.folder / proxy.manifest.model
    Session(path, threads=1)
    return onnx.load(path)


def floats_again(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model whose int8 operators are float32 ones on the same weights; a float model as it is.

    Raises:
        ProxyError: an operator is neither float nor one of those that ``quantiser`` writes.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    rewriter = _Floats(copy.graph)
    for node in copy.graph.node:
        rewriter.rewrite(node)
    graph = copy.graph
    del graph.node[:]
    graph.node.extend(rewriter.nodes)
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.input}
    kept = [each for each in [*graph.initializer, *rewriter.added] if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.value_info[:]
    return copy


class _Floats:
    """Collects the nodes of the float graph, in order, and the weights they need."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        self.added: list[onnx.TensorProto] = []
        # What stands for a quantised activation: the float that it was made of.
        self.floats: dict[str, str] = {}
        self.makers: dict[str, Callable[[onnx.NodeProto], onnx.NodeProto | None]] = {
            "QuantizeLinear": self._activation,
            "MatMulIntegerToFloat": self._matmul,
            "QAttention": self._attention,
            "QEmbedLayerNormalization": self._embedding,
            "DequantizeLinear": self._refuse,
            "DynamicQuantizeLinear": self._refuse,
            "MatMulInteger": self._refuse,
        }

    def rewrite(self, node: onnx.NodeProto) -> None:
        maker = self.makers.get(node.op_type)
        made = node if maker is None else maker(node)
        if made is not None:
            self.nodes.append(onnx.NodeProto.FromString(made.SerializeToString()))
        if node.op_type == "MatMulIntegerToFloat" and len(node.input) > 6:
            self.nodes[-1].output[0] = f"{node.output[0]}/product"
            self.nodes.append(helper.make_node("Add", [f"{node.output[0]}/product", node.input[6]], node.output))

    def _refuse(self, node: onnx.NodeProto) -> None:
        raise ProxyError(
            f"the operator {node.op_type} cannot be turned into a float one", hint="start from a float32 export"
        )

    def _activation(self, node: onnx.NodeProto) -> None:
        self.floats[node.output[0]] = node.input[0]

    def _weight(self, name: str, value: NDArray[np.float32]) -> str:
        self.added.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), f"{name}/float"))
        return f"{name}/float"

    def _dequantised(self, node: onnx.NodeProto, weight: int, scale: int, zero: int) -> str:
        name = node.input[weight]
        steps = self.arrays[name].astype(np.float32) - self.arrays[node.input[zero]].astype(np.float32)
        return self._weight(name, steps * self.arrays[node.input[scale]])

    def _matmul(self, node: onnx.NodeProto) -> onnx.NodeProto:
        inputs = [self.floats[node.input[0]], self._dequantised(node, 1, 3, 5)]
        return helper.make_node("MatMul", inputs, node.output, name=node.name)

    def _attention(self, node: onnx.NodeProto) -> onnx.NodeProto:
        inputs = [self.floats[node.input[0]], self._dequantised(node, 1, 4, 7), node.input[2], node.input[5]]
        made = helper.make_node("Attention", inputs, node.output, name=node.name, domain=_CONTRIB)
        made.attribute.extend(node.attribute)
        return made

    def _embedding(self, node: onnx.NodeProto) -> onnx.NodeProto:
        inputs = list(node.input[:2])
        for place in range(2, 7):
            inputs.append(self._dequantised(node, place, place + 6, place + 11) if node.input[place] else "")
        made = helper.make_node(
            "EmbedLayerNormalization", [*inputs, node.input[7]], node.output, name=node.name, domain=_CONTRIB
        )
        made.attribute.extend(node.attribute)
        return made


def in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a float32 model in float16; inputs and logits keep their types."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    # Shapes of the contrib operators are not known to ONNX, and not needed.
    half: onnx.ModelProto = convert_float_to_float16(copy, keep_io_types=True, disable_shape_infer=True)
    return half


def _largest_difference(proxy: OnnxProxy, exact: onnx.ModelProto, small: onnx.ModelProto) -> float:
    """Return by how much a class probability moves at most, over a few texts and instructions."""
    asked = [(text, instruction) for text in _TEXTS for instruction in _ASKED]
    prompted = proxy.prompter.prompted(proxy.manifest.label_prompt, asked, range(len(asked)), words=False)
    windows = [window for each in prompted for window in each.windows]
    feed = padded(windows, proxy.prompter.pad_id)
    real = feed["attention_mask"].astype(bool)
    found = []
    for model in (exact, small):
        session = loaded(model.SerializeToString())
        names = [value.name for value in session.get_inputs()]
        (logits,) = session.run([OUTPUT], {name: feed[name] for name in names})
        powers = np.exp(logits[real] - logits[real].max(axis=1, keepdims=True))
        found.append(powers / powers.sum(axis=1, keepdims=True))
    return float(np.abs(found[0] - found[1]).max())
