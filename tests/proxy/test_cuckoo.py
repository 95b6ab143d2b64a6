"""Any BIO token classifier with the contract runs: a tiny RoBERTa with Cuckoo's labels and prompt."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from falconql.runtime.proxy.decoding import softmax
from falconql.runtime.proxy.onnx import OnnxProxy
from tests.proxy.test_onnx import CUCKOO
from tests.proxy.tiny import MANIFEST, byte_level

pytestmark = pytest.mark.train


def test_a_roberta_exported_from_torch_gives_the_same_labels(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from falconql.training.exporter import write_onnx

    tokenizer = byte_level()
    config = transformers.RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=140,
        num_labels=3,
        id2label={0: "B", 1: "I", 2: "O"},
    )
    torch.manual_seed(3)
    model = transformers.RobertaForTokenClassification(config).eval()
    ids = tokenizer.encode("User:").ids
    example = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)}
    write_onnx(model, tmp_path / "model.onnx", example)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    prompt = {"kind": "single", "template": CUCKOO}
    label = {"readout": "any_span", "temperature": 1.0, "bias": 0.0, "threshold": 0.5}
    manifest = {**MANIFEST, "name": "cuckoo", "max_tokens": 128, "prompts": {"label": prompt, "span": prompt}}
    (tmp_path / "proxy.json").write_text(json.dumps({**manifest, "label": label}))

    proxy = OnnxProxy(tmp_path)
    texts = ["Anna lives in Rome", "It rains in Oslo, says Bob"]
    scores = proxy.label(texts, ["Who lives in Rome?"] * 2)
    for text, score in zip(texts, scores, strict=True):
        encoding = tokenizer.encode(CUCKOO.format(text=text, instruction="Who lives in Rome?"))
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([encoding.ids])).logits[0].numpy()
        start = CUCKOO.index("{text}")
        inside = [i for i, (a, b) in enumerate(encoding.offsets) if a >= start and b <= start + len(text) and b > a]
        words = [i for i in inside if i == inside[0] or encoding.word_ids[i] != encoding.word_ids[i - 1]]
        assert abs(softmax(logits[words])[:, 0].max() - score) < 1e-4
    for text, spans in zip(texts, proxy.spans(texts, ["who"] * 2, 0.2), strict=True):
        assert all(text[s.start : s.end].strip() for s in spans)
