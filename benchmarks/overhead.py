"""What FalconQL adds to inference: end to end against a bare ONNX Runtime loop, and the naive way.

    python benchmarks/overhead.py --data DIR [--rows 6000] [--repeat 5] [--naive-rows 512] [--format json]

One label over every review of a corpus, once as a query (read the Parquet file, tokenise, batch, infer, make the
result) and once as a loop over ``InferenceSession.run`` with the same texts tokenised and cut into length-sorted,
padded batches beforehand. Both in this process, in turn, with as many threads; the ratio is the median of the
ratios of each turn. The naive way is what a transformers pipeline does: float32 torch, batches of 32 in file
order, padded; it needs the ``train`` extra, and measures every n-th of the same reviews because it is slow. Its
weights are those of the encoder with a random head: they do not change the time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import falconql
from falconql.runtime.proxy import open_proxy
from falconql.runtime.proxy.batching import token_batches
from falconql.runtime.proxy.onnx import OnnxProxy, padded
from falconql.runtime.proxy.session import usable_cores

QUESTION = "Is the reviewer satisfied?"
QUERY = f'text review select s: score(label("{QUESTION}"))'
FILE, COLUMN = "laptop_reviews.parquet", "review"
BAR, NAIVE_BAR = 0.85, 4.0


def distinct_texts(path: Path, rows: int) -> list[str]:
    """Return texts that are not empty, each once: a query would put the same question only once."""
    texts = [text for text in pq.read_table(path, columns=[COLUMN]).column(0).to_pylist() if text]
    return list(dict.fromkeys(texts))[:rows]


def bare_batches(proxy: OnnxProxy, texts: list[str]) -> list[dict[str, np.ndarray]]:
    """Return padded inputs, made in advance, in batches of like length."""
    asked = [(text, QUESTION) for text in texts]
    prompted = proxy.prompter.prompted(proxy.manifest.label_prompt, asked, range(len(texts)), words=False)
    windows = [window for one in prompted for window in one.windows]
    batches = []
    for chosen in token_batches([len(window.ids) for window in windows], proxy.token_budget):
        arrays = padded([windows[i] for i in chosen], proxy.prompter.pad_id)
        batches.append({name: arrays[name] for name in proxy.session.inputs})
    return batches


def bare_session(proxy: OnnxProxy) -> Any:
    """Return a session as anybody would make it, with as many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = proxy.threads
    path = proxy.folder / proxy.manifest.model
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def naive_way() -> Callable[[list[str]], None]:
    """Return what runs texts as a pipeline does, its model loaded."""
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    from falconql.training.base import base_model_dir
    from falconql.training.pretrain import new_model

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(usable_cores())
    model = new_model(base_model_dir()).eval()
    tokenizer = AutoTokenizer.from_pretrained(base_model_dir())

    def run(texts: list[str]) -> None:
        for start in range(0, len(texts), 32):
            part = texts[start : start + 32]
            questions = [QUESTION] * len(part)
            inputs = tokenizer(questions, part, padding=True, truncation=True, max_length=256, return_tensors="pt")
            with torch.inference_mode():
                model(**inputs)

    return run


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure_bare(corpus: Path, texts: list[str], repeat: int) -> dict[str, Any]:
    proxy = open_proxy("kestrel")
    batches = bare_batches(proxy, texts)
    session = bare_session(proxy)
    query = falconql.query(QUERY)
    ways: dict[str, Callable[[], Any]] = {
        "bare ONNX Runtime loop": lambda: [session.run(["logits"], batch) for batch in batches],
        "FalconQL, end to end": lambda: query.run(str(corpus), proxy=proxy, cache=False),
    }
    for work in ways.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeat):
        # Whoever goes second finds the caches as the first left them: they take turns at that, too.
        for name in sorted(ways, reverse=bool(turn % 2)):
            taken[name].append(seconds(ways[name]))
    bare, whole = taken.values()
    tokens = sum(int(batch["attention_mask"].sum()) for batch in batches)
    return {
        "rows": len(texts),
        "tokens": tokens,
        "kestrel": proxy.manifest.version,
        "threads": proxy.threads,
        "seconds": {name: statistics.median(values) for name, values in taken.items()},
        "ratio": statistics.median(b / w for b, w in zip(bare, whole, strict=True)),
        "ratios": [round(b / w, 3) for b, w in zip(bare, whole, strict=True)],
    }


def measure_naive(texts: list[str], folder: Path, rows: int, repeat: int) -> dict[str, Any]:
    sample = texts[:: max(1, len(texts) // rows)][:rows]
    corpus = write(sample, folder / "sample.parquet")
    proxy = open_proxy("kestrel")
    slow, fast = [], []
    naive = naive_way()
    naive(sample[:32])
    for _ in range(repeat):
        slow.append(seconds(lambda: naive(sample)))
        fast.append(seconds(lambda: falconql.query(QUERY).run(str(corpus), proxy=proxy, cache=False)))
    ratio = statistics.median(s / f for s, f in zip(slow, fast, strict=True))
    seconds_ = {"naive": statistics.median(slow), "FalconQL": statistics.median(fast)}
    return {"rows": len(sample), "seconds": seconds_, "ratio": ratio}


def write(texts: list[str], path: Path) -> Path:
    pq.write_table(pa.table({COLUMN: texts}), path)
    return path


def report(found: dict[str, Any]) -> str:
    rows, tokens = found["rows"], found["tokens"]
    lines = [
        f"{rows} reviews, {tokens} tokens, kestrel {found['kestrel']}, {found['threads']} threads\n",
        "| way | seconds | rows/s | tokens/s |",
        "|---|---|---|---|",
    ]
    for name, s in found["seconds"].items():
        lines.append(f"| {name} | {s:.2f} | {rows / s:.0f} | {tokens / s:.0f} |")
    turns = ", ".join(f"{ratio:.2f}" for ratio in found["ratios"])
    lines.append(f"\nFalconQL reaches {found['ratio']:.2f} of the bare loop (bar: {BAR}; turn by turn: {turns})")
    if "naive" in found:
        naive = found["naive"]
        slow, fast = naive["seconds"].values()
        lines.append(
            f"on {naive['rows']} of the reviews the naive way takes {slow:.2f} s and FalconQL {fast:.2f} s: "
            f"{naive['ratio']:.1f} times faster (bar: {NAIVE_BAR:.0f})"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with corpora/{FILE}, or with {FILE}")
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--naive-rows", type=int, default=512, help="0 leaves the naive way out")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    options = parser.parse_args()
    path = options.data / "corpora" / FILE
    texts = distinct_texts(path if path.exists() else options.data / FILE, options.rows)
    with tempfile.TemporaryDirectory() as folder:
        found = measure_bare(write(texts, Path(folder) / "corpus.parquet"), texts, options.repeat)
        if options.naive_rows:
            found["naive"] = measure_naive(texts, Path(folder), options.naive_rows, options.repeat)
    print(json.dumps(found, indent=2) if options.format == "json" else report(found))


if __name__ == "__main__":
    main()
