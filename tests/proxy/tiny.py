"""Proxies small enough to understand: every token has fixed logits, made without torch.

The label logit of the first token is the sum over all tokens of a weight per token, so that it depends on
the text; the logits of the other tokens are their own rows of a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

B, I, O = [4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]  # noqa: E741
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

MANIFEST: dict[str, Any] = {
    "format": 1,
    "name": "tiny",
    "version": "1",
    "model": "model.onnx",
    "tokenizer": "tokenizer.json",
    "labels": {"B": 0, "I": 1, "O": 2},
    "max_tokens": 32,
    "window_overlap": 8,
    "prompts": {
        "label": {"kind": "pair", "first": "{instruction}", "second": "{text}"},
        "span": {"kind": "pair", "first": "{instruction}", "second": "{text}"},
    },
    "label": {"readout": "first_token", "temperature": 1.0, "bias": 0.0, "threshold": 0.5},
    "span": {"threshold": 0.5},
    "description": "a proxy for tests",
    "licence": "Apache-2.0",
}


def wordpiece(words: Iterable[str]) -> Tokenizer:
    """A BERT-like tokenizer that knows some words whole and every other by its letters."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *LETTERS, *("##" + c for c in LETTERS), *".,!?$-'"]
    ids = {token: i for i, token in enumerate(dict.fromkeys(vocabulary))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    return tokenizer


def byte_level() -> Tokenizer:
    """A RoBERTa-like tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["User: Question: Assistant: Anna lives in Rome"] * 5, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def save_model(
    path: Path, token_logits: np.ndarray, label_weights: np.ndarray, *, types: bool = True, stops: bool = False
) -> None:
    """Write a model whose logits are rows of ``token_logits``; weights are summed up on the first token.

    With ``stops`` it can be asked for the first tokens alone.
    """
    names = ["input_ids", "attention_mask"] + (["token_type_ids"] if types else [])
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in names]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "tokens", 3])
    constants: dict[str, np.ndarray] = {
        "table": token_logits.astype(np.float32),
        "weights": np.stack([label_weights, 0 * label_weights, -label_weights], axis=1).astype(np.float32),
        "first": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "axis": np.array([1], np.int64),
        "last": np.array([2], np.int64),
        "rest": np.array([np.iinfo(np.int64).max], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["own"]),
        helper.make_node("Gather", ["weights", "input_ids"], ["weighed"]),
        helper.make_node("Cast", ["attention_mask"], ["float_mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["float_mask", "last"], ["mask"]),
        helper.make_node("Mul", ["weighed", "mask"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "axis"], ["label"], keepdims=1),
        helper.make_node("Slice", ["own", "one", "rest", "axis"], ["others"]),
        helper.make_node("Concat", ["label", "others"], ["all" if stops else "logits"], axis=1),
    ]
    if stops:
        constants["tokens_wanted"] = constants["rest"]
        inputs.append(helper.make_tensor_value_info("tokens_wanted", TensorProto.INT64, [1]))
        nodes.append(helper.make_node("Slice", ["all", "first", "tokens_wanted", "axis"], ["logits"]))
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)


def save_proxy(
    folder: Path,
    tokenizer: Tokenizer | None = None,
    *,
    begins: Iterable[str] = (),
    goes_on: Iterable[str] = (),
    good: Iterable[str] = (),
    types: bool = True,
    stops: bool = False,
    **changes: Any,
) -> Path:
    """Write a proxy that marks the words ``begins`` as B and ``goes_on`` as I; ``good`` ones add 3 to the label logit.

    Without any of those words the label logit is -2.
    """
    folder.mkdir(parents=True, exist_ok=True)
    begins, goes_on, good = list(begins), list(goes_on), list(good)
    tokenizer = tokenizer or wordpiece([*begins, *goes_on, *good])
    size = tokenizer.get_vocab_size()
    logits, weights = np.tile(np.array(O), (size, 1)), np.zeros(size)
    for words, row in ((begins, B), (goes_on, I)):
        for word in words:
            logits[_token(tokenizer, word)] = row
    for word in good:
        weights[_token(tokenizer, word)] = 1.5
    start = tokenizer.token_to_id("[CLS]")
    weights[tokenizer.token_to_id("<s>") if start is None else start] = -1.0
    save_model(folder / "model.onnx", logits, weights, types=types, stops=stops)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "proxy.json").write_text(json.dumps({**MANIFEST, **changes}), encoding="utf-8")
    return folder


def _token(tokenizer: Tokenizer, word: str) -> int:
    ids = tokenizer.encode(word, add_special_tokens=False).ids
    return int(ids[0])
