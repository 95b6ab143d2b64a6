"""What FalconQL adds to inference: end to end against a bare ONNX Runtime loop, and the naive way.

    python benchmarks/overhead.py --data DIR [--rows 6000] [--repeat 3] [--naive-rows 512]

One label over every review of a corpus, once as a query (read the Parquet file, tokenise, batch, infer,
filter, result) and once as a loop over ``session.run`` with the same texts tokenised and cut into the same
length-sorted batches beforehand. Both in this process, in turn; medians of ``--repeat``. The naive way is
what a transformers pipeline does: float32 torch, batches of 32 in file order, padded; it needs the
``train`` extra, and measures a sample of the same rows because it is slow.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

QUESTION = "Is the reviewer satisfied?"
QUERY = f'text review select s: score(label("{QUESTION}"))'


def distinct_texts(path: Path, rows: int) -> list[str]:
    texts = [t for t in pq.read_table(path, columns=["review"]).column(0).to_pylist() if t]
    return list(dict.fromkeys(texts))[:rows]


def bare_batches(proxy: Any, texts: list[str]) -> tuple[list[dict[str, np.ndarray]], int]:
    """Return the padded inputs of the proxy's own batches, made in advance, and their tokens."""
    from falconql.runtime.proxy.batching import token_batches
    from falconql.runtime.proxy.onnx import TOKEN_BUDGET

    prompt = proxy.manifest.label_prompt
    windows = list(proxy._windows(prompt, texts, [QUESTION] * len(texts), range(len(texts))))
    batches = []
    for chosen in token_batches([len(w.ids) for w in windows], TOKEN_BUDGET):
        part = [windows[i] for i in chosen]
        shape = (len(part), max(len(w.ids) for w in part))
        arrays = {name: np.zeros(shape, np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
        for row, window in enumerate(part):
            length = len(window.ids)
            arrays["input_ids"][row, :length] = window.ids
            arrays["attention_mask"][row, :length] = 1
            arrays["token_type_ids"][row, :length] = window.type_ids
        batches.append({name: arrays[name] for name in proxy._input_names})
    return batches, sum(len(w.ids) for w in windows)


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def naive(texts: list[str]) -> None:
    import torch
    from transformers import AutoTokenizer

    from falconql.training.pretrain import base_model_dir, new_model

    torch.set_num_threads(2)
    model = new_model().eval()
    tokenizer = AutoTokenizer.from_pretrained(base_model_dir())
    for start in range(0, len(texts), 32):
        part = texts[start : start + 32]
        inputs = tokenizer(
            [QUESTION] * len(part), part, padding=True, truncation=True, max_length=256, return_tensors="pt"
        )
        with torch.inference_mode():
            model(**inputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--naive-rows", type=int, default=512, help="0 leaves the naive way out")
    options = parser.parse_args()

    import pyarrow as pa

    import falconql
    from falconql.runtime.proxy import open_proxy

    texts = distinct_texts(options.data / "corpora" / "laptop_reviews.parquet", options.rows)
    corpus = pa.table({"review": texts})
    proxy = open_proxy("kestrel")
    proxy.label(texts[:64], [QUESTION] * 64)
    batches, tokens = bare_batches(proxy, texts)
    bare: list[float] = []
    whole: list[float] = []
    for _ in range(options.repeat):
        bare.append(seconds(lambda: [proxy.session.run(["logits"], batch) for batch in batches]))
        whole.append(seconds(lambda: falconql.query(QUERY).run(corpus)))
    ratio = statistics.median(b / w for b, w in zip(bare, whole, strict=True))
    rows = len(texts)
    print(f"{rows} reviews, {tokens} tokens, kestrel {proxy.manifest.version}, medians of {options.repeat}\n")
    print("| way | seconds | rows/s | tokens/s |\n|---|---|---|---|")
    for name, values in (("bare ONNX Runtime loop", bare), ("FalconQL, end to end", whole)):
        s = statistics.median(values)
        print(f"| {name} | {s:.2f} | {rows / s:.0f} | {tokens / s:.0f} |")
    print(f"\nFalconQL reaches {ratio:.2f} of the bare loop (bar: 0.85)")
    if options.naive_rows:
        sample = texts[:: max(1, rows // options.naive_rows)][: options.naive_rows]
        part = pa.table({"review": sample})
        naive(sample[:32])
        slow = statistics.median(seconds(lambda: naive(sample)) for _ in range(options.repeat))
        fast = statistics.median(seconds(lambda: falconql.query(QUERY).run(part)) for _ in range(options.repeat))
        print(f"on {len(sample)} of the reviews: naive {slow:.2f} s, FalconQL {fast:.2f} s, ratio {slow / fast:.1f}")


if __name__ == "__main__":
    main()
