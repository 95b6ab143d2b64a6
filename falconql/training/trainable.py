"""A proxy directory back to a torch model: what fine-tuning starts from.

Only the ONNX file ships; its weights, int8 ones multiplied with their scales, are the trained ones within half a
quantisation step. They all lie on the grid to which a model trained from them is quantised again, so that steps of
training smaller than half a step of the grid would be lost without a trace: each weight is moved off the grid at
random, by less than half a step (dither: Schuchman, "Dither signals and their effect on quantization noise", IEEE
Transactions on Communication Technology 1964). docs/kestrel-training.md has what it does.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.dataset import BASE_HINT, check_reads
from falconql.training.half import model_of

# Node outputs and float weights are named after the modules of the model that was exported.
_LINEAR = re.compile(r"/model/(.+)/MatMul_output_0")
_ATTENTION = re.compile(r"/model/(bert/encoder/layer\.\d+/attention/self)/")

Weights = dict[str, NDArray[np.float32]]


def trainable(folder: Path, *, seed: int = 0) -> nn.Module:
    """Return the model in a proxy directory as a ``BertForTokenClassification`` whose classes are B, I and O.

    Args:
        folder: the proxy directory.
        seed: of the dither of int8 weights.

    Raises:
        ProxyError: the directory breaks the contract, its model is not one that FalconQL exported from a BERT, or it
            does not read instruction and text as Kestrel does.
    """
    from transformers import BertConfig, BertForTokenClassification

    proxy = OnnxProxy(folder)
    manifest, path = proxy.manifest, folder / proxy.manifest.model
    check_reads(proxy)
    weights, heads = _Reader(model_of(proxy).graph, seed).read()
    try:
        words, hidden = weights["bert.embeddings.word_embeddings.weight"].shape
        config = BertConfig(
            vocab_size=words,
            hidden_size=hidden,
            num_hidden_layers=sum(name.endswith("intermediate.dense.weight") for name in weights),
            num_attention_heads=heads,
            intermediate_size=len(weights["bert.encoder.layer.0.intermediate.dense.weight"]),
            max_position_embeddings=len(weights["bert.embeddings.position_embeddings.weight"]),
            type_vocab_size=len(weights["bert.embeddings.token_type_embeddings.weight"]),
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        config.num_labels = 3
        for name in ("classifier.weight", "classifier.bias"):
            weights[name] = weights[name][list(manifest.classes)]
        model = BertForTokenClassification(config)
        model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        raise ProxyError(f"{path} holds no model that can be trained on", hint=BASE_HINT) from error
    return model


class _Reader:
    """Reads weights under the names that torch has for them."""

    def __init__(self, graph: onnx.GraphProto, seed: int) -> None:
        self.graph = graph
        self.arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self.random = np.random.default_rng(seed)

    def read(self) -> tuple[Weights, int]:
        """Return the weights and the number of attention heads."""
        arrays = self.arrays
        weights: Weights = {}
        for name in arrays:
            if name.startswith("model.") and name.endswith((".weight", ".bias")):
                weights[name[6:]] = arrays[name].astype(np.float32)
            elif name.startswith("model.") and name.endswith("_quantized"):
                stem = name.removesuffix("_quantized")
                steps = arrays[name].astype(np.float32) - arrays[f"{stem}_zero_point"].astype(np.float32)
                weights[stem[6:]] = steps * arrays[f"{stem}_scale"]
        heads = 0
        for node in self.graph.node:
            if node.op_type in ("Attention", "QAttention"):
                weights |= self._attention(node)
                heads = next(attribute.i for attribute in node.attribute if attribute.name == "num_heads")
            elif found := _LINEAR.fullmatch(node.output[0]):
                name = f"{found[1].replace('/', '.')}.weight"
                weights[name] = np.ascontiguousarray(self._matrix(node).T)
        return weights, heads

    def _matrix(self, node: onnx.NodeProto) -> NDArray[np.float32]:
        """Return the matrix [inputs, outputs] of a node, float or int8 with a scale per output."""
        matrix = self.arrays[node.input[1]].astype(np.float32)
        scale = {"MatMulIntegerToFloat": 3, "QAttention": 4}.get(node.op_type)
        if scale is None:
            return matrix
        dither = self.random.random(matrix.shape, dtype=np.float32) - np.float32(0.5)
        return np.asarray((matrix + dither) * self.arrays[node.input[scale]].astype(np.float32))

    def _attention(self, node: onnx.NodeProto) -> Weights:
        """Return query, key and value of a layer, which the fused node holds side by side."""
        found = _ATTENTION.match(node.output[0])
        if found is None:
            return {}
        stem = found[1].replace("/", ".")
        matrices = np.split(self._matrix(node), 3, axis=1)
        biases = np.split(self.arrays[node.input[2]].astype(np.float32), 3)
        parts: Weights = {}
        for part, matrix, bias in zip(("query", "key", "value"), matrices, biases, strict=True):
            parts[f"{stem}.{part}.weight"] = np.ascontiguousarray(matrix.T)
            parts[f"{stem}.{part}.bias"] = bias
        return parts
