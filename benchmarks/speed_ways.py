"""The ways that ``speed.py`` compares: each answers the same questions about the same texts, in this process.

Models of others are made here, without a network: the shipped proxy's encoder under transformers' heads, and GLiNER2's
code around an encoder of the same size and depth. Weights do not change the time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

import falconql
from falconql.runtime.proxy.batching import token_batches
from falconql.runtime.proxy.onnx import OnnxProxy, padded
from falconql.runtime.proxy.session import SLOW_FUSIONS, WANTED

Work = Callable[[], Any]
Way = Callable[[Sequence[str], Sequence[str]], Work]

LABELS, SPANS = "labels", "spans"
# What the pipelines are tried with; the fastest is measured.
BATCHES, ATTENTIONS = (1, 32), ("sdpa", "eager")
LONGEST = 512


def falconql_way(proxy: OnnxProxy, task: str) -> Way:
    """A query over a table in memory, from the text to the result."""

    def prepare(texts: Sequence[str], instructions: Sequence[str]) -> Work:
        call = {LABELS: 'score(label("{}"))', SPANS: 'spans("{}")'}[task]
        items = ", ".join(f"c{place}: {call.format(each)}" for place, each in enumerate(instructions))
        query = falconql.query(f"text body select {items}")
        table = pa.table({"body": list(texts)})
        return lambda: query.run(table, proxy=proxy, cache=False)

    return prepare


def bare_way(proxy: OnnxProxy, task: str) -> Way:
    """``InferenceSession.run`` over batches tokenised, sorted and padded in advance, as the runtime opens the model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = proxy.threads
    options.enable_mem_pattern = False
    path = proxy.folder / proxy.manifest.model
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
    )
    stops = task == LABELS and proxy.session.can_stop
    prompt = proxy.manifest.label_prompt if task == LABELS else proxy.manifest.span_prompt

    def prepare(texts: Sequence[str], instructions: Sequence[str]) -> Work:
        asked = [(text, each) for each in instructions for text in texts]
        prompted = proxy.prompter.prompted(prompt, asked, range(len(asked)), words=False)
        windows = [window for one in prompted for window in one.windows]
        batches = []
        for chosen in token_batches([len(window.ids) for window in windows], proxy.token_budget):
            arrays = padded([windows[i] for i in chosen], proxy.prompter.pad_id)
            feed = {name: arrays[name] for name in proxy.session.inputs}
            batches.append(feed | ({WANTED: np.array([1])} if stops else {}))
        return lambda: [session.run(["logits"], batch) for batch in batches]

    return prepare


class Encoder:
    """The shipped proxy as torch models with transformers' heads, its tokenizer beside it.

    Args:
        proxy: whose encoder.
        threads: of torch.
    """

    def __init__(self, proxy: OnnxProxy, threads: int) -> None:
        import torch
        from transformers import BertTokenizerFast
        from transformers.utils import logging

        from falconql.training.trainable import trainable

        logging.set_verbosity_error()
        torch.set_num_threads(threads)
        model: Any = trainable(proxy.folder)
        self.weights = model.bert.state_dict()
        self.config = model.config
        self.tokenizer = BertTokenizerFast(tokenizer_file=str(proxy.folder / "tokenizer.json"))
        self.tokenizer.model_max_length = LONGEST

    def under(self, kind: str, attention: str, **changes: Any) -> Any:
        """Return a model of a class of transformers with this encoder."""
        import transformers

        kept = {key: value for key, value in self.config.to_dict().items() if key not in ("id2label", "label2id")}
        config = type(self.config).from_dict({**kept, **changes})
        config._attn_implementation = attention
        model = getattr(transformers, kind)(config).eval()
        model.bert.load_state_dict(self.weights, strict=False)
        return model


def zero_shot_way(encoder: Encoder, trial: Sequence[str], instruction: str) -> tuple[Way, str]:
    """Return transformers' zero-shot-classification, every instruction a label, and with which settings."""
    from transformers import pipeline

    names = {"id2label": {0: "contradiction", 1: "neutral", 2: "entailment"}}
    names["label2id"] = {name: number for number, name in names["id2label"].items()}  # type: ignore[assignment]
    pipelines = {
        attention: pipeline(
            "zero-shot-classification",
            model=encoder.under("BertForSequenceClassification", attention, **names),
            tokenizer=encoder.tokenizer,
            device="cpu",
        )
        for attention in ATTENTIONS
    }

    def prepared(texts: Sequence[str], instructions: Sequence[str], attention: str, size: int) -> Work:
        settings = {"hypothesis_template": "{}", "multi_label": True, "batch_size": size}
        return lambda: pipelines[attention](list(texts), candidate_labels=list(instructions), **settings)

    return _fastest(prepared, trial, instruction)


def question_way(encoder: Encoder, trial: Sequence[str], instruction: str) -> tuple[Way, str] | None:
    """Return transformers' question-answering and its settings; None where transformers no longer has it."""
    from transformers import pipeline

    try:
        pipelines = {
            attention: pipeline(
                "question-answering",
                model=encoder.under("BertForQuestionAnswering", attention, num_labels=2),
                tokenizer=encoder.tokenizer,
                device="cpu",
            )
            for attention in ATTENTIONS
        }
    except KeyError:
        return None

    def prepared(texts: Sequence[str], instructions: Sequence[str], attention: str, size: int) -> Work:
        questions = [each for each in instructions for _ in texts]
        contexts = list(texts) * len(instructions)
        return lambda: pipelines[attention](question=questions, context=contexts, batch_size=size)

    return _fastest(prepared, trial, instruction)


def _fastest(
    prepared: Callable[[Sequence[str], Sequence[str], str, int], Work], trial: Sequence[str], instruction: str
) -> tuple[Way, str]:
    found = {}
    for attention in ATTENTIONS:
        for size in BATCHES:
            work = prepared(trial, [instruction], attention, size)
            work()
            started = time.perf_counter()
            work()
            found[attention, size] = time.perf_counter() - started
    attention, size = min(found, key=found.__getitem__)

    def way(texts: Sequence[str], instructions: Sequence[str]) -> Work:
        return prepared(texts, instructions, attention, size)

    return way, f"{attention} attention, batches of {size}"


def gliner2_way(encoder: Encoder, task: str, batch: int = 32) -> Way | None:
    """Return GLiNER2, all instructions in one pass over a text; None where it is not installed.

    Its encoder is a BERT of the proxy's layers and width with random weights, its heads are its own.
    """
    try:
        from gliner2 import AutoExtractor, ExtractorConfig
    except ImportError:
        return None
    with tempfile.TemporaryDirectory() as folder:
        # It wants a name to load from; a folder will do.
        encoder.config.save_pretrained(folder)
        encoder.tokenizer.save_pretrained(folder)
        settings = type(encoder.config).from_pretrained(folder)
        # Its prompt stands before the text; more positions take no more time.
        settings.max_position_embeddings = 2 * LONGEST
        config = ExtractorConfig(model_name=folder)
        model = AutoExtractor.from_config(config, encoder_config=settings).eval()

    def prepare(texts: Sequence[str], instructions: Sequence[str]) -> Work:
        if task == LABELS:
            tasks = {"true of it": {"labels": list(instructions), "multi_label": True}}
            return lambda: model.batch_classify_text(list(texts), tasks, batch_size=batch)
        return lambda: model.batch_extract_entities(list(texts), list(instructions), batch_size=batch)

    return prepare
