"""The shipped model in OpenVINO: each operator of ONNX Runtime's own put in OpenVINO's terms, the same integers.

    pip install openvino
    PYTHONPATH=. python benchmarks/graphs_openvino.py

prints where the time of a batch goes on one thread, and how fast its int8 products are; ``inference.py`` compares it
with ``--only openvino``. OpenVINO reads ONNX, but not ``com.microsoft``'s int8 operators; its optimiser finds the
pattern of integers that are brought back to floats before a product, and multiplies the integers.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import openvino.opset14 as ops
from numpy.typing import NDArray
from openvino.frontend.onnx import ConversionExtension

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.session import INPUTS, OUTPUT

CONTRIB = "com.microsoft"
ALL = np.iinfo(np.int64).max
MASKED = np.float32(-10_000)
LAST, TOKENS = np.array([-1]), np.int64(1)


TEXTS, WIDTH, TURNS = 8, 64, 20


def opened(path: Path, threads: int, *, first_only: bool) -> Any:
    """Return what runs the model; with ``first_only``, the last layer is computed for the first token alone."""
    request = requested(path, threads, first_only=first_only)

    def run(feed: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        return np.array(request.infer({name: feed[name] for name in INPUTS})[OUTPUT])

    return run


def requested(path: Path, threads: int, *, first_only: bool, profiled: bool = False) -> Any:
    """Return OpenVINO's request for a model."""
    core = openvino.Core()
    for name, convert in (
        ("MatMulIntegerToFloat", _product),
        ("QAttention", _attention),
        ("QEmbedLayerNormalization", _embeddings),
        ("Gelu", lambda node: [ops.gelu(node.get_input(0), "erf").output(0)]),
    ):
        core.add_extension(ConversionExtension(name, CONTRIB, convert))
    model = core.read_model(str(path))
    if first_only:
        _stop_after_first(model)
    # Its own choice of threads follows physical cores; virtual machines do not always tell what those are.
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
        "ENABLE_HYPER_THREADING": True,
        "PERF_COUNT": profiled,
    }
    return core.compile_model(model, "CPU", settings).create_infer_request()


def _stop_after_first(model: Any) -> None:
    one = ops.constant(np.array([1]))
    for node in model.get_ops():
        if node.get_type_name() == "Constant" and node.get_element_type() == openvino.Type.i64:
            values = node.get_data().ravel()
            if values.size == 1 and values[0] == ALL:
                for use in node.output(0).get_target_inputs():
                    use.replace_source_output(one.output(0))


def _float(values: Any, scale: Any, zero: Any) -> Any:
    return ops.multiply(ops.subtract(ops.convert(values, "f32"), ops.convert(zero, "f32")), scale)


def _product(node: Any) -> list[Any]:
    x, weight, x_scale, scale, x_zero, zero, *bias = [node.get_input(i) for i in range(node.get_input_size())]
    product = ops.matmul(_float(x, x_scale, x_zero), _float(weight, scale, zero), False, False)
    return [(ops.add(product, bias[0]) if bias else product).output(0)]


def _attention(node: Any) -> list[Any]:
    x, weight, bias, x_scale, scale, lengths, x_zero, zero = [node.get_input(i) for i in range(8)]
    heads, hidden = node.get_attribute("num_heads"), bias.get_partial_shape()[0].get_length() // 3
    size = hidden // heads
    product = ops.matmul(_float(x, x_scale, x_zero), _float(weight, scale, zero), False, False)
    parted = ops.reshape(ops.add(product, bias), np.array([0, 0, 3, heads, size]), True)
    parts = ops.split(ops.transpose(parted, np.array([2, 0, 3, 1, 4])), 0, 3).outputs()
    query, key, value = (ops.squeeze(part, np.array([0])) for part in parts)
    width = ops.convert(ops.gather(ops.shape_of(x), TOKENS, np.int64(0)), "i32")
    places = ops.unsqueeze(ops.range(np.int32(0), width, np.int32(1), "i32"), np.int64(0))
    hidden_ones = ops.convert(ops.greater_equal(places, ops.unsqueeze(lengths, np.int64(1))), "f32")
    mask = ops.multiply(ops.unsqueeze(hidden_ones, np.array([1, 2])), MASKED)
    products = ops.multiply(ops.matmul(query, key, False, True), np.float32(size**-0.5))
    mixed = ops.matmul(ops.softmax(ops.add(products, mask), -1), value, False, False)
    joined = ops.reshape(ops.transpose(mixed, np.array([0, 2, 1, 3])), np.array([0, 0, hidden]), True)
    return [joined.output(0)]


def _embeddings(node: Any) -> list[Any]:
    inputs = [node.get_input(i) for i in range(18)]
    ids, types, words, places, kinds, scale, shift, mask = inputs[:8]
    tables = (words, places, kinds, scale, shift)
    word, place, kind, gain, offset = (_float(*each) for each in zip(tables, inputs[8:13], inputs[13:], strict=True))
    width = ops.gather(ops.shape_of(ids), TOKENS, np.int64(0))
    position = ops.range(np.int64(0), width, np.int64(1), "i64")
    summed = ops.add(ops.gather(word, ids, np.int64(0)), ops.gather(kind, types, np.int64(0)))
    summed = ops.add(summed, ops.unsqueeze(ops.gather(place, position, np.int64(0)), np.int64(0)))
    normal = ops.mvn(summed, LAST, True, 1e-12, "inside_sqrt")
    # The second output is how many tokens of each text are not padding.
    lengths = ops.reduce_sum(mask, np.array([1]))
    return [ops.add(ops.multiply(normal, gain), offset).output(0), lengths.output(0)]


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    request = requested(find_proxy("kestrel") / "model.onnx", 1, first_only=False, profiled=True)
    ids = np.random.default_rng(0).integers(1000, 29_000, (TEXTS, WIDTH))
    spent: Counter[str] = Counter()
    for turn in range(TURNS):
        request.infer({"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0})
        if turn >= TURNS // 2:
            for each in request.get_profiling_info():
                spent[f"{each.node_type} {each.exec_type}"] += each.real_time.total_seconds()
    # Per layer and token: three products and one of the width, two between the width and four times as much.
    multiplied = 6 * 12 * 384 * 384 * TEXTS * WIDTH * (TURNS - TURNS // 2)
    products = sum(s for kind, s in spent.items() if kind.startswith("FullyConnected") and kind.endswith("I8"))
    for kind, seconds in spent.most_common(8):
        print(f"{seconds / spent.total():6.1%}  {kind}")
    print(f"{multiplied / products / 1e9:.0f} billion multiplications a second in int8 products")


if __name__ == "__main__":
    main()
