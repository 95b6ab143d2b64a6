"""A fused float model to int8: small, fast on a CPU, and blind to what shares its batch.

The weights become 7-bit integers with a scale per column, the embeddings 8-bit ones. Activations
are quantised with ranges measured once on real inputs: with ranges taken from each batch as it
comes, the scores of a text would depend on the texts beside it. Seven bits in the weights keep
the 16-bit sums of older x86 processors from overflowing, so that every machine gets one result.

Knows nothing of what the model is for: an ONNX file and inputs for it are all it sees.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Arrays = Mapping[str, NDArray[np.int64]]

WEIGHT_LIMIT = 63
SAMPLES_PER_INPUT = 4096
CONTRIB = "com.microsoft"
_ERROR = 3


@dataclass(frozen=True, slots=True)
class Activation:
    """What was seen of one activation: its extremes, and sampled values."""

    low: float
    high: float
    sample: NDArray[np.float32]


def loaded(model: str | bytes) -> onnxruntime.InferenceSession:
    """Return a session for a processor that says nothing on standard error but what goes wrong."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERROR
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def quantise(fused: Path, target: Path, inputs: Sequence[Arrays]) -> None:
    """Write the int8 form of a fused float model; ``inputs`` are real batches to measure ranges on."""
    with tempfile.TemporaryDirectory() as folder:
        embedded = Path(folder) / "embedded.onnx"
        _quantise_embeddings(fused, embedded)
        model = onnx.load(embedded)
    weights = {i.name: i for i in model.graph.initializer}
    chosen = [node for node in model.graph.node if _is_quantised(node, weights)]
    seen = _observe(fused, sorted({node.input[0] for node in chosen}), inputs)
    rewriter = _Rewriter(weights, seen)
    picked = {id(node) for node in chosen}
    for node in model.graph.node:
        rewriter.rewrite(node, quantised=id(node) in picked)
    _replace_graph(model, rewriter)
    onnx.save(model, target)


def _quantise_embeddings(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # It recommends, through the root logger, a step that the fusion has made already.
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            source,
            target,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["EmbedLayerNormalization", "Gather"],
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
    finally:
        logging.root.setLevel(level)


def _is_quantised(node: onnx.NodeProto, weights: Mapping[str, onnx.TensorProto]) -> bool:
    """The head's few columns stay as they are: they cost nothing and decide everything."""
    if node.op_type not in ("MatMul", "Attention") or node.input[1] not in weights:
        return False
    dims = weights[node.input[1]].dims
    return len(dims) == 2 and dims[1] >= 16


def _observe(fused: Path, names: Sequence[str], inputs: Sequence[Arrays]) -> dict[str, list[Activation]]:
    model = onnx.load(fused)
    for name in names:
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = loaded(model.SerializeToString())
    random = np.random.default_rng(0)
    seen: dict[str, list[Activation]] = {name: [] for name in names}
    for arrays in inputs:
        real = arrays["attention_mask"].astype(bool)
        for name, value in zip(names, session.run(list(names), dict(arrays)), strict=True):
            # What has no row for every token, such as the distances of DeBERTa, has no padding.
            values = (value[real] if value.shape[:2] == real.shape else value).ravel()
            sample = random.choice(values, min(SAMPLES_PER_INPUT, len(values)), replace=False)
            seen[name].append(Activation(float(values.min()), float(values.max()), sample))
    return seen


def _joined(parts: Sequence[Activation]) -> Activation:
    return Activation(
        min(0.0, *(part.low for part in parts)),
        max(0.0, *(part.high for part in parts)),
        np.concatenate([part.sample for part in parts]),
    )


class _Rewriter:
    """Collects the nodes and weights of the quantised graph, in order."""

    def __init__(self, weights: Mapping[str, onnx.TensorProto], seen: Mapping[str, Sequence[Activation]]) -> None:
        self.weights = weights
        self.seen = seen
        self.nodes: list[onnx.NodeProto] = []
        self.added: list[onnx.TensorProto] = []

    def rewrite(self, node: onnx.NodeProto, *, quantised: bool) -> None:
        if not quantised:
            self.nodes.append(node)
            return
        weight = numpy_helper.to_array(self.weights[node.input[1]]).astype(np.float32)
        quantised_input = self._quantised_input(node)
        quantised_weight = self._quantised_weight(node.output[0], weight)
        if node.op_type == "MatMul":
            self._matmul(node, quantised_input, quantised_weight)
        else:
            self._attention(node, quantised_input, quantised_weight)

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.added.append(numpy_helper.from_array(value, name))
        return name

    def _quantised_input(self, node: onnx.NodeProto) -> tuple[str, str, str]:
        stem = f"{node.output[0]}/input"
        step, zero = activation_range(self.seen[node.input[0]])
        scale = self._constant(f"{stem}_scale", np.array(step))
        offset = self._constant(f"{stem}_zero", np.array(zero))
        inputs = [node.input[0], scale, offset]
        self.nodes.append(helper.make_node("QuantizeLinear", inputs, [f"{stem}_int8"]))
        return f"{stem}_int8", scale, offset

    def _quantised_weight(self, name: str, weight: NDArray[np.float32]) -> tuple[str, str, str]:
        steps = np.maximum(np.abs(weight).max(axis=0), 1e-8).astype(np.float32) / WEIGHT_LIMIT
        values = np.rint(weight / steps).astype(np.int8)
        return (
            self._constant(f"{name}/weight_int8", values),
            self._constant(f"{name}/weight_scale", steps),
            self._constant(f"{name}/weight_zero", np.zeros(weight.shape[1], dtype=np.int8)),
        )

    def _matmul(self, node: onnx.NodeProto, x: tuple[str, str, str], w: tuple[str, str, str]) -> None:
        inputs = [x[0], w[0], x[1], w[1], x[2], w[2]]
        self.nodes.append(helper.make_node("MatMulIntegerToFloat", inputs, node.output, domain=CONTRIB))

    def _attention(self, node: onnx.NodeProto, x: tuple[str, str, str], w: tuple[str, str, str]) -> None:
        mask = node.input[3] if len(node.input) > 3 else ""
        inputs = [x[0], w[0], node.input[2], x[1], w[1], mask, x[2], w[2]]
        made = helper.make_node("QAttention", inputs, node.output, name=node.name, domain=CONTRIB)
        kept = ("num_heads", "unidirectional", "mask_filter_value")
        made.attribute.extend(attribute for attribute in node.attribute if attribute.name in kept)
        self.nodes.append(made)


def activation_range(parts: Sequence[Activation]) -> tuple[np.float32, np.uint8]:
    """Return scale and zero point of the range that loses least of what was seen, outliers cut where that pays."""
    seen = _joined(parts)
    sample = np.append(seen.sample, [seen.low, seen.high]).astype(np.float32)
    shares = np.linspace(0.3, 1.0, 29)
    share = min(shares, key=lambda share: _loss(sample, seen.low * share, seen.high * share))
    step = np.float32(max((seen.high - seen.low) * share, 1e-6) / 255)
    return step, np.uint8(np.rint(-seen.low * share / step))


def _loss(sample: NDArray[np.float32], low: float, high: float) -> float:
    step = max(high - low, 1e-6) / 255
    zero = np.rint(-low / step)
    restored = (np.clip(np.rint(sample / step) + zero, 0, 255) - zero) * step
    return float(np.square(sample - restored).mean())


def _replace_graph(model: onnx.ModelProto, rewriter: _Rewriter) -> None:
    graph = model.graph
    del graph.node[:]
    graph.node.extend(rewriter.nodes)
    used = {name for node in graph.node for name in node.input}
    kept = [i for i in [*graph.initializer, *rewriter.added] if i.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.value_info[:]
    if CONTRIB not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
