"""Forms of the shipped proxy's ONNX graph that benchmarks compare: they compute the same, or nearly, in another way.

The graph of a proxy is a chain: embeddings, then layers, then the head, each layer's output under the name that its
torch module had. So a part of it can be cut out, and what goes in replaced.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

EMBEDDED = "EmbedLayerNormalization_0_output"
HIDDEN = "hidden"


def output_of(layer: int) -> str:
    """Return the name of what a layer gives; -1: what the embeddings give."""
    return EMBEDDED if layer < 0 else f"/model/bert/encoder/layer.{layer}/output/LayerNorm/LayerNormalization_output_0"


def with_mask_of_pairs(path: Path) -> onnx.ModelProto:
    """Return the model with ``attention_mask`` int32 [batch, tokens, tokens] and a further input ``position_ids``.

    A token may then be kept from seeing others, and several texts stand side by side. The fused int8 embedding has no
    input for positions, so it is written out: a table that is dequantised row by row, and a normalisation.
    """
    model = onnx.load(path)
    graph = model.graph
    fused = next(node for node in graph.node if node.op_type == "QEmbedLayerNormalization")
    mask = fused.input[7]
    kept = [node for node in graph.node if mask not in node.output and fused.output[0] not in node.output]
    for node in kept:
        if node.op_type == "QAttention":
            node.input[5] = "attention_mask"
    made = _embedding(fused, graph)
    del graph.node[:]
    graph.node.extend([*made, *kept])
    del graph.input[:]
    for name in ("input_ids", "token_type_ids", "position_ids"):
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]))
    graph.input.append(
        helper.make_tensor_value_info("attention_mask", TensorProto.INT32, ["batch", "tokens", "tokens"])
    )
    onnx.checker.check_model(model)
    return model


def _embedding(fused: onnx.NodeProto, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes that embed and normalise, and add the weights they need."""
    tables, scales, zeros = fused.input[2:7], fused.input[8:13], fused.input[13:18]
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    nodes = []
    for number, name in enumerate(("input_ids", "position_ids", "token_type_ids")):
        nodes.append(helper.make_node("Gather", [tables[number], name], [f"rows_{number}"]))
        nodes.append(
            helper.make_node("DequantizeLinear", [f"rows_{number}", scales[number], zeros[number]], [f"float_{number}"])
        )
    nodes.append(helper.make_node("Sum", [f"float_{number}" for number in range(3)], ["summed"]))
    for number in (3, 4):
        value = (arrays[tables[number]].astype(np.float32) - arrays[zeros[number]]) * arrays[scales[number]]
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), f"norm_{number}"))
    nodes.append(
        helper.make_node(
            "LayerNormalization", ["summed", "norm_3", "norm_4"], [fused.output[0]], epsilon=1e-12, name="embedding"
        )
    )
    return nodes


def part(model: onnx.ModelProto, first: int, last: int, *, head: bool) -> onnx.ModelProto:
    """Return layers ``first`` to ``last`` (inclusive) of a model as a model of its own.

    From layer 0 on, its inputs are the model's; otherwise ``hidden`` [batch, tokens, width] and the mask. What it gives
    is ``logits`` with the head and what the last layer gives without.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    before = output_of(first - 1)
    wanted = "logits" if head else output_of(last)
    inputs = [value for value in graph.input if first == 0 or value.name == "attention_mask"]
    if first:
        for node in graph.node:
            for place, name in enumerate(node.input):
                if name == before:
                    node.input[place] = HIDDEN
        inputs.append(helper.make_tensor_value_info(HIDDEN, TensorProto.FLOAT, ["batch", "tokens", "width"]))
    needed = _needed(graph, wanted)
    kept = [node for node in graph.node if any(name in needed for name in node.output)]
    used = {name for node in kept for name in node.input}
    weights = [each for each in graph.initializer if each.name in used]
    outputs = [helper.make_tensor_value_info(wanted, TensorProto.FLOAT, ["batch", "tokens", "width"])]
    made = helper.make_graph(kept, "part", [i for i in inputs if i.name in used], outputs, weights)
    return helper.make_model(made, opset_imports=list(model.opset_import), ir_version=model.ir_version)


def _needed(graph: onnx.GraphProto, wanted: str) -> set[str]:
    """Return the values that another one is computed from, itself included."""
    makers = {name: node for node in graph.node for name in node.output}
    needed, waiting = set(), [wanted]
    while waiting:
        name = waiting.pop()
        if name in needed or name not in makers:
            continue
        needed.add(name)
        waiting.extend(makers[name].input)
    return needed


def one_scale_per_matrix(path: Path) -> onnx.ModelProto:
    """Return an int8 model whose weights have one scale for a whole matrix, not one per column."""
    model = onnx.load(path)
    arrays = {each.name: each for each in model.graph.initializer}
    for node in model.graph.node:
        places = {"MatMulIntegerToFloat": (1, 3, 5), "QAttention": (1, 4, 7)}.get(node.op_type)
        if places is None:
            continue
        weight, scale, zero = (arrays[node.input[place]] for place in places)
        real = numpy_helper.to_array(weight).astype(np.float32) * numpy_helper.to_array(scale)
        step = np.float32(np.abs(real).max() / 63)
        weight.CopyFrom(numpy_helper.from_array(np.rint(real / step).astype(np.int8), weight.name))
        scale.CopyFrom(numpy_helper.from_array(np.array(step), scale.name))
        zero.CopyFrom(numpy_helper.from_array(np.array(0, dtype=np.int8), zero.name))
    return model
