"""How far few labelled texts get: word-level F1 after fine-tuning (arXiv 2510.01427, table 3).

``python benchmarks/paper/labelled.py --data DIR [--sets NAME ...] [--counts N ...] [--seeds N] [--base PROXY]``

Two encoders of the same size side by side: Kestrel, and the encoder that Kestrel's own training began with. Rows of
the training split are drawn by seed, 15 % of them decide when to stop; measured on the test split (dev where there is
none). A set that the base was trained on is marked with a star: for the paper's comparison its base must be trained
without it.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import nn

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.base import base_model_dir
from falconql.training.dataset import collate, tokenise
from falconql.training.examples import Example
from falconql.training.exporter import fuse, write_onnx, write_proxy
from falconql.training.finetune import FineTuning, fine_tune
from falconql.training.phrasing import plain
from falconql.training.pretrain import new_model
from falconql.training.scoring import Counts, word_spans
from falconql.training.sources import SETS, label_names, read_split
from falconql.training.trainable import trainable

Row = dict[str, Any]
SETS_OF_TABLE = ("skillspan", "cyner", "tasteset", "broad_twitter", "bc2gm", "anatem", "wikigold", "mit_movie_trivia")
ABSENT = 2
HELD_OUT = 0.15


def examples(rows: Sequence[Row], names: dict[str, str], seed: int) -> list[Example]:
    """Return every type that a row has, and two that it lacks."""
    rng = random.Random(seed)
    found = []
    for row in rows:
        present = {names[span["label"]] for span in row["spans"] if span["label"] in names}
        absent = sorted(set(names.values()) - present)
        for name in sorted(present) + rng.sample(absent, min(ABSENT, len(absent))):
            spans = tuple(sorted({(s["start"], s["end"]) for s in row["spans"] if names.get(s["label"]) == name}))
            found.append(Example(asked(name), row["text"], spans))
    return found


def asked(name: str) -> str:
    return f"Extract the {plain(name)}"


def word_f1(proxy: OnnxProxy, rows: Sequence[Row], names: dict[str, str]) -> float:
    """Return word-level F1 when every row is asked for every type."""
    pairs = [(row, name) for row in rows for name in sorted(set(names.values()))]
    found = proxy.spans([row["text"] for row, _ in pairs], [asked(name) for _, name in pairs])
    total = Counts()
    for (row, name), spans in zip(pairs, found, strict=True):
        wanted = [(s["start"], s["end"]) for s in row["spans"] if names.get(s["label"]) == name]
        total += word_spans(row["text"], [(span.start, span.end) for span in spans], wanted)
    return total.f1


def opened(model: nn.Module, like: OnnxProxy, folder: Path) -> OnnxProxy:
    """Return a torch model as a float32 proxy that is read as ``like`` is."""
    (item,) = tokenise(like.prompter.tokenizer, [Example("q", "a text", True)], 32, 0)
    example = {name: array for name, array in collate([item]).items() if name != "targets"}
    write_onnx(model, folder / "plain.onnx", example)
    config: Any = model.config
    fuse(folder / "plain.onnx", folder / "fused.onnx", heads=config.num_attention_heads, hidden=config.hidden_size)
    manifest = json.loads((like.folder / "proxy.json").read_text(encoding="utf-8"))
    write_proxy(folder / "proxy", folder / "fused.onnx", like.folder / "tokenizer.json", manifest)
    return OnnxProxy(folder / "proxy")


def run(base: OnnxProxy, start: str, data: Path, name: str, count: int, seed: int, limit: int) -> float:
    """Return the word F1 of one encoder after training on so many rows of one set."""
    names = label_names(data, f"spans/{name}")
    test = read_split(data, f"spans/{name}", "test") or read_split(data, f"spans/{name}", "dev")
    random.Random(2026).shuffle(test)
    torch.manual_seed(seed)
    model = trainable(base.folder, seed=seed) if start == "kestrel" else new_model(base_model_dir())
    if count:
        rows = read_split(data, f"spans/{name}", "train")
        random.Random(seed).shuffle(rows)
        held = max(4, round(HELD_OUT * count))
        learned, stopping = examples(rows[held:count], names, seed), examples(rows[:held], names, seed)
        rate = 1e-4 if start == "kestrel" else 3e-4  # a head that starts from nothing needs longer strides
        config = FineTuning(learning_rate=rate, epochs=12 if start == "kestrel" else 20, seed=seed)
        fine_tune(model, base.prompter.tokenizer, learned, stopping, config)
    with tempfile.TemporaryDirectory() as folder:
        return word_f1(opened(model, base, Path(folder)), test[:limit], names)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--sets", nargs="+", default=list(SETS_OF_TABLE))
    parser.add_argument("--counts", nargs="+", type=int, default=[0, 64, 512, 2048])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--base", default="kestrel")
    parser.add_argument("--starts", nargs="+", default=["kestrel", "plain"])
    parser.add_argument("--limit", type=int, default=300, help="test rows at most")
    options = parser.parse_args()
    base = OnnxProxy(find_proxy(options.base))
    known = {set_.name for set_ in SETS}
    print(f"| set | start | {' | '.join(str(count) for count in options.counts)} | seconds |")
    print(f"|---|---|{'---:|' * (len(options.counts) + 1)}")
    for name in options.sets:
        for start in options.starts:
            begun, cells = time.perf_counter(), []
            for count in options.counts:
                seeds = range(options.seeds if count else 1)
                scores = [100 * run(base, start, options.data, name, count, seed, options.limit) for seed in seeds]
                spread = f" ± {stdev(scores):.1f}" if len(scores) > 1 else ""
                cells.append(f"{mean(scores):.1f}{spread}")
            star = "*" if f"spans/{name}" in known and start == "kestrel" else ""
            print(f"| {name}{star} | {start} | {' | '.join(cells)} | {time.perf_counter() - begun:.0f} |", flush=True)


if __name__ == "__main__":
    main()
