"""The paper's headline: the same query over the same texts by a language model and by the trained proxy.

``python benchmarks/paper/cost.py --data DIR --llm MODEL --proxy NAME [--query NAME] [--rows N] [--seed N]``

Both run one after the other on this machine, without answers of earlier runs. The language model is asked about every
text, as ``--proxy llm:MODEL`` does; OPENAI_BASE_URL names its server.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from common import machine
from unlabelled import QUERIES, corpus

from falconql.runtime.proxy import find_proxy


def falconql(home: Path, *words: str) -> str:
    """Return what a command prints to standard output; ``home`` is an empty folder, so that no answers are known."""
    done = subprocess.run(
        [sys.executable, "-m", "falconql", *words],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ) | {"FALCONQL_HOME": str(home)},
    )
    if done.returncode:
        raise SystemExit(f"falconql {' '.join(words)}\n{done.stderr}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with corpora/")
    parser.add_argument("--llm", required=True, help="the model's name")
    parser.add_argument("--proxy", required=True, help="the proxy trained for the query")
    parser.add_argument("--query", default="sms_basic")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    query = str(QUERIES / f"{options.query}.fql")
    sides = (str(find_proxy(options.proxy)), f"llm:{options.llm}")
    table = pq.read_table(corpus(options.data, options.query))
    chosen = np.sort(np.random.default_rng(options.seed).choice(table.num_rows, options.rows, replace=False))
    measured: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts, metrics = folder / "texts.parquet", folder / "metrics.json"
        pq.write_table(table.take(chosen), texts)
        for place, side in enumerate(sides):
            given = ["run", query, "--from", str(texts), "--proxy", side, "--no-cache", "-q"]
            falconql(folder / "home", *given, "-o", str(folder / f"{place}.parquet"), "--metrics", str(metrics))
            measured.append(json.loads(metrics.read_text(encoding="utf-8")))
        given = ["eval", query, "--from", str(texts), "--proxy", sides[0], "--against", sides[1], "--format", "json"]
        same = json.loads(falconql(folder / "home", *given, "--sample", str(options.rows)))["agreement"]["same"]
    print(f"{machine()}; {options.query}, {options.rows} texts\n")
    print("| | seconds | texts per second | model calls | tokens |\n|---|---:|---:|---:|---:|")
    for side, found in zip((options.proxy, sides[1]), measured, strict=True):
        seconds, calls, tokens = found["seconds"], found["model_calls"], found["model_tokens"]
        print(f"| {side} | {seconds:.2f} | {options.rows / seconds:.2f} | {calls:,} | {tokens:,} |")
    print(f"\nThe proxy is {measured[1]['seconds'] / measured[0]['seconds']:.0f} times faster. ", end="")
    low, value, high = (100 * same[part] for part in ("low", "value", "high"))
    print(f"The result is the same for {value:.1f} % of the rows ({low:.0f} to {high:.0f}).")


if __name__ == "__main__":
    main()
