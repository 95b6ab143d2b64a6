"""A model that can be asked for the first tokens alone.

A label is read off the first token. Behind the attention of the last layer no token looks at another one, so what
that layer computes for all others is not needed: about an eighth of all arithmetic. The model gets an optional input
that says how many tokens are wanted; who does not know of it gets all of them, as before, and every logit is the same
either way.

``python -m falconql.training.first_token MODEL`` gives it to an ONNX file that was exported without.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from falconql.runtime.proxy.session import OUTPUT, WANTED

ALL = np.iinfo(np.int64).max
_ATTENTION = ("Attention", "QAttention")
# What treats every token alike, and by itself: operators of a BERT layer behind its attention, and of the head.
_TOKENWISE = frozenset(
    {
        "Add",
        "BiasGelu",
        "Cast",
        "DequantizeLinear",
        "FastGelu",
        "Gelu",
        "LayerNormalization",
        "MatMul",
        "MatMulIntegerToFloat",
        "QuantizeLinear",
        "SkipLayerNormalization",
    }
)


def with_tokens_wanted(model: onnx.ModelProto) -> bool:
    """Give a model the optional input ``tokens_wanted`` [1], int64: from how many tokens on logits are left out.

    Returns:
        Whether it has that input now. A graph without fused attention, or with operators behind it that are not known
        to treat every token by itself, stays as it is.
    """
    graph = model.graph
    if any(value.name == WANTED for value in graph.input):
        return True
    attention = [node for node in graph.node if node.op_type in _ATTENTION]
    if not attention:
        return False
    behind = _behind(attention[-1], graph)
    if OUTPUT not in {name for node in behind for name in node.output}:
        return False
    if any(node.op_type not in _TOKENWISE for node in behind):
        return False
    _cut(graph, behind)
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([ALL], dtype=np.int64), WANTED),
            numpy_helper.from_array(np.array([0], dtype=np.int64), "first_token"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axis_of_tokens"),
        ]
    )
    graph.input.append(helper.make_tensor_value_info(WANTED, TensorProto.INT64, [1]))
    del graph.value_info[:]
    return True


def _behind(node: onnx.NodeProto, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes that depend on a node, in order."""
    reached, found = set(node.output), []
    for other in graph.node:
        if reached & set(other.input):
            found.append(other)
            reached |= set(other.output)
    return found


def _cut(graph: onnx.GraphProto, behind: list[onnx.NodeProto]) -> None:
    """Let the nodes behind the last attention read only the tokens that are wanted."""
    inner = {name for node in behind for name in node.output}
    fixed = {each.name for each in graph.initializer} | {""}
    for node in behind:
        for place, name in enumerate(node.input):
            if name not in inner and name not in fixed:
                node.input[place] = f"{name}/wanted"
    entering = {name for node in behind for name in node.input if name.endswith("/wanted")}
    nodes = []
    for node in graph.node:
        nodes.append(node)
        for name in node.output:
            if f"{name}/wanted" in entering:
                inputs = [name, "first_token", WANTED, "axis_of_tokens"]
                nodes.append(helper.make_node("Slice", inputs, [f"{name}/wanted"], name=f"{name}/Wanted"))
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def rewrite(path: Path) -> bool:
    """Give an ONNX file the input, in place; return whether it has it now."""
    model = onnx.load(path)
    if not with_tokens_wanted(model):
        return False
    onnx.save(model, path)
    return True


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, help="an ONNX file; it is written again")
    path = parser.parse_args().model
    if not rewrite(path):
        raise SystemExit(f"{path} has no fused attention followed by operators that treat every token by itself")
    print(f"{path} can be asked for the first tokens alone")


if __name__ == "__main__":
    main()
