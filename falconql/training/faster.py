"""An exported model in the form that ONNX Runtime runs fastest on a processor; it computes the same.

Two changes. Biases of int8 products are added by the products themselves, and what the fused operators did besides is
left to those that are vectorised: ``SkipLayerNormalization`` and ``BiasGelu`` take several times as long as ``Add``,
``LayerNormalization`` and ``Gelu``. And the model gets an optional input that says how many of the first tokens are
wanted: a label is read off the first one, and behind the attention of the last layer no token looks at another one, so
what that layer computes for the others is not needed. Who does not know of the input gets the logits of all tokens.

``python -m falconql.training.faster MODEL`` rewrites an ONNX file that was exported without.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from falconql.runtime.proxy.session import OUTPUT, WANTED
from falconql.training.quantiser import CONTRIB

ALL = np.iinfo(np.int64).max
_ATTENTION = ("Attention", "QAttention")
_PRODUCT = "MatMulIntegerToFloat"
# Fused operators, with how many inputs they have a bias.
_SLOW = {"SkipLayerNormalization": 5, "BiasGelu": 2}
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


def without_slow_fusions(model: onnx.ModelProto) -> int:
    """Take apart the fused operators behind int8 products, whose biases go into the products.

    Returns:
        How many were taken apart. Their arithmetic is done in another order: scores move by roundings.
    """
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    nodes: list[onnx.NodeProto] = []
    changed = 0
    for node in graph.node:
        # The product comes first, the bias last: both operators have it so.
        product = makers.get(node.input[0]) if node.op_type in _SLOW else None
        fits = product is not None and product.op_type == _PRODUCT and len(product.input) == 6
        if product is None or not fits or len(node.input) != _SLOW[node.op_type] or uses[node.input[0]] != 1:
            nodes.append(node)
            continue
        product.input.append(node.input[-1])
        nodes.extend(_apart(node))
        changed += 1
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    return changed


def _apart(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return what a fused operator does, but for its bias."""
    if node.op_type == "BiasGelu":
        return [helper.make_node("Gelu", [node.input[0]], node.output[:1], name=node.name, domain=CONTRIB)]
    value, other, scale, shift, _ = node.input
    summed = f"{node.output[0]}/sum"
    kept = {each.name: helper.get_attribute_value(each) for each in node.attribute if each.name == "epsilon"}
    return [
        helper.make_node("Add", [value, other], [summed], name=f"{node.name}/Add"),
        helper.make_node("LayerNormalization", [summed, scale, shift], node.output[:1], name=node.name, **kept),
    ]


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
    for node in graph.node:
        if fixed.issuperset(node.input):
            fixed.update(node.output)
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
    """Write an ONNX file again, in its faster form; return whether it can be asked for the first tokens now."""
    model = onnx.load(path)
    changed, stops = without_slow_fusions(model), with_tokens_wanted(model)
    if changed or stops:
        onnx.save(model, path)
    return stops


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, help="an ONNX file; it is written again")
    path = parser.parse_args().model
    if not rewrite(path):
        raise SystemExit(f"{path} has no fused attention followed by operators that treat every token by itself")
    print(f"{path} is in its faster form")


if __name__ == "__main__":
    main()
