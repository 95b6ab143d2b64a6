"""What the paper's experiments share: labelled sets as examples, fine-tuning, measuring, and what they ran on.

A set is read as the instructions that its labels make; 15 % of the drawn training rows decide when to stop and where
thresholds lie, test rows only measure (dev rows where there is no test split).
"""

from __future__ import annotations

import json
import os
import platform
import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.manifest import LabelCalibration
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.specialise.calibrating import calibrations
from falconql.specialise.gold import Gold
from falconql.specialise.task import Task as Asked
from falconql.training.base import base_model_dir
from falconql.training.dataset import collate, tokenise
from falconql.training.examples import Example
from falconql.training.exporter import fuse, write_manifest, write_onnx, write_proxy
from falconql.training.finetune import FineTuning, fine_tune
from falconql.training.phrasing import plain
from falconql.training.pretrain import new_model
from falconql.training.scoring import Counts, word_spans
from falconql.training.sources import label_names, read_split
from falconql.training.trainable import trainable

HELD_OUT = 0.15
# Types that a row lacks, asked of it in training.
ABSENT = 2
KESTREL, PLAIN = "kestrel", "plain"
# What a class of a set is asked as, by the name that its rows have; sets of spans ask for each of their types.
QUESTIONS = {
    "classify/sms_spam": {"spam": "Is this spam?"},
    "classify/tweet_emotion": {"joy": "Is the author happy?", "anger": "Is the author angry?"},
    "classify/bbc_news": {"sport": "Is this about sport?", "politics": "Is this about politics?"},
}


def base_without(name: str, sets: Iterable[str]) -> OnnxProxy:
    """Return the proxy of a name or folder.

    Raises:
        SystemExit: it was trained on one of the sets.
    """
    base = OnnxProxy(find_proxy(name))
    known = sorted({entry["name"] for entry in base.manifest.card.get("data", [])} & set(sets))
    if known:
        raise SystemExit(
            f"{name} was trained on {', '.join(known)}: give a --base that was not. Kestrel 1.2 was trained on none of "
            "tasteset, skillspan, cyner, re3d and sms_spam; falconql/training/rates.toml makes it"
        )
    return base


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a set, as the examples that they make."""

    learned: tuple[Example, ...]
    held_out: tuple[Example, ...]


class Task:
    """One labelled set.

    Args:
        data: folder of labelled sets.
        name: ``spans/bc2gm``, ``classify/sms_spam`` ...
        limit: test rows at most.

    Raises:
        ValueError: a class that is asked for is not one of the set.
    """

    def __init__(self, data: Path, name: str, limit: int) -> None:
        self.name = name
        self._data = data
        self._names = label_names(data, name)
        if not QUESTIONS.get(name, {}).keys() <= self._names.keys():
            raise ValueError(f"{name} has the classes {', '.join(self._names)}, not {', '.join(QUESTIONS[name])}")
        test = read_split(data, name, "test") or read_split(data, name, "dev")
        random.Random(2026).shuffle(test)
        self.test = tuple(example for row in test[:limit] for example in self._examples(row, None))

    @property
    def rows(self) -> int:
        """How many training rows there are."""
        return len(read_split(self._data, self.name, "train"))

    def draw(self, count: int, seed: int) -> Rows:
        """Return the examples of so many training rows."""
        rows = read_split(self._data, self.name, "train")
        rng = random.Random(seed)
        rng.shuffle(rows)
        held = max(4, round(HELD_OUT * count))
        return Rows(
            tuple(example for row in rows[held:count] for example in self._examples(row, rng)),
            tuple(example for row in rows[:held] for example in self._examples(row, rng)),
        )

    def f1(self, proxy: OnnxProxy) -> float:
        """Return F1 on the test rows, each asked everything: of words for spans, of yes for labels."""
        return f1(proxy, self.test)

    def _examples(self, row: dict[str, Any], rng: random.Random | None) -> list[Example]:
        if self.name.startswith("classify/"):
            return [Example(asked, row["text"], row["label"] == label) for label, asked in QUESTIONS[self.name].items()]
        names = set(self._names.values())
        present = {self._names[span["label"]] for span in row["spans"] if span["label"] in self._names}
        absent = sorted(names - present)
        wanted = [*sorted(present), *(absent if rng is None else rng.sample(absent, min(ABSENT, len(absent))))]
        return [Example(f"Extract the {plain(name)}", row["text"], self._spans(row, name)) for name in wanted]

    def _spans(self, row: dict[str, Any], name: str) -> tuple[tuple[int, int], ...]:
        places = {(span["start"], span["end"]) for span in row["spans"] if self._names.get(span["label"]) == name}
        return tuple(sorted(places))


def f1(proxy: OnnxProxy, examples: Sequence[Example]) -> float:
    """Return word F1 over all spans, or F1 of yes over all labels; the examples are of one kind."""
    texts, asked = [example.text for example in examples], [example.instruction for example in examples]
    total = Counts()
    if isinstance(examples[0].answer, bool):
        limits = [proxy.label_threshold_of(instruction) for instruction in asked]
        for example, score, limit in zip(examples, proxy.label(texts, asked).tolist(), limits, strict=True):
            said, true = score >= limit, bool(example.answer)
            total += Counts(int(said and true), int(said), int(true))
        return total.f1
    for example, spans in zip(examples, proxy.spans(texts, asked), strict=True):
        wanted = () if isinstance(example.answer, bool) else example.answer
        total += word_spans(example.text, [(span.start, span.end) for span in spans], wanted)
    return total.f1


def fresh(start: str, base: OnnxProxy, seed: int) -> nn.Module:
    """Return the model to start from: the base's, or the encoder that its training began with."""
    torch.manual_seed(seed)
    return trainable(base.folder, seed=seed) if start == KESTREL else new_model(base_model_dir())


def tuned(
    model: nn.Module, base: OnnxProxy, start: str, learned: Sequence[Example], held_out: Sequence[Example], seed: int
) -> nn.Module:
    """Return the model after fine-tuning as ``falconql train`` does it."""
    config = FineTuning(seed=seed)
    if start != KESTREL:
        # A head that starts from nothing needs longer strides, and more of them, and knows nothing to go back to.
        config = replace(config, learning_rate=3e-4, epochs=20, learned_share=1.0)
    fine_tune(model, base.prompter.tokenizer, learned, held_out, config)
    return model


def measured(
    model: nn.Module, like: OnnxProxy, held_out: Sequence[Example], measure: Callable[[OnnxProxy], Any]
) -> Any:
    """Return what is measured on a torch model as a float32 proxy that is read and calibrated as products are."""
    (item,) = tokenise(like.prompter.tokenizer, [Example("q", "a text", True)], 32, 0)
    example = {name: array for name, array in collate([item]).items() if name != "targets"}
    config: Any = model.config
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_onnx(model, folder / "plain.onnx", example)
        fuse(folder / "plain.onnx", folder / "fused.onnx", heads=config.num_attention_heads, hidden=config.hidden_size)
        manifest = json.loads((like.folder / "proxy.json").read_text(encoding="utf-8"))
        own = LabelCalibration(like.manifest.temperature, like.manifest.bias, like.manifest.label_threshold)
        raw = {**manifest, "label": {**manifest["label"], "temperature": 1.0, "bias": 0.0}}
        write_proxy(folder / "proxy", folder / "fused.onnx", like.folder / "tokenizer.json", raw)
        if held_out:
            found = calibrations(OnnxProxy(folder / "proxy"), [_gold(each) for each in held_out], own)
            manifest["label"]["instructions"], manifest["span"]["instructions"] = found["label"], found["span"]
        write_manifest(folder / "proxy", manifest)
        return measure(OnnxProxy(folder / "proxy"))


def _gold(example: Example) -> Gold:
    answer = example.answer if isinstance(example.answer, bool) else tuple(example.answer)
    kind: Literal["label", "spans"] = "label" if isinstance(answer, bool) else "spans"
    return Gold(0, Asked(kind, example.text, example.instruction), answer, 1.0, 0)


def machine() -> str:
    """Return what the figures were measured on, in a line."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor() or platform.machine()
    return f"{date.today().isoformat()}, {os.cpu_count()} cores of {cpu}, torch {torch.__version__}"
