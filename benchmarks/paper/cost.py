"""The paper's headline: the same query over the same texts by a language model and by the trained proxy.

``python benchmarks/paper/cost.py --data DIR --llm MODEL --proxy NAME [--query NAME] [--rows N] [--seed N]``

Both run one after the other on this machine, nothing kept from earlier runs. The language model is asked about every text, as
``--proxy llm:MODEL`` does; OPENAI_BASE_URL names its server.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from common import machine
from unlabelled import QUERIES, corpus


def falconql(*words: str) -> str:
    """Return what a command prints to standard output."""
    done = subprocess.run([sys.executable, "-m", "falconql", *words], capture_output=True, text=True, check=False)
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
    table = pq.read_table(corpus(options.data, options.query))
    chosen = np.sort(np.random.default_rng(options.seed).choice(table.num_rows, options.rows, replace=False))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = folder / "texts.parquet"
        pq.write_table(table.take(chosen), texts)
        measured: dict[str, dict[str, Any]] = {}
        for proxy in (options.proxy, f"llm:{options.llm}"):
            metrics = folder / "metrics.json"
            falconql(
                "run", query, "--from", str(texts), "--proxy", proxy, "--no-cache", "-q",
                "-o", str(folder / "out.parquet"), "--metrics", str(metrics),
            )  # fmt: skip
            measured[proxy] = json.loads(metrics.read_text(encoding="utf-8"))
            (folder / "out.parquet").unlink()
        same = json.loads(
            falconql(
                "eval",
                query,
                "--from",
                str(texts),
                "--proxy",
                options.proxy,
                "--against",
                f"llm:{options.llm}",
                "--sample",
                str(options.rows),
                "--format",
                "json",
            )  # fmt: skip
        )
    print(f"{machine()}; {options.query}, {options.rows} texts\n")
    print("| | seconds | texts per second | model calls | tokens |\n|---|---:|---:|---:|---:|")
    for proxy, found in measured.items():
        seconds = found["seconds"]
        print(
            f"| {proxy} | {seconds:.2f} | {options.rows / seconds:.2f} | {found['model_calls']:,} | "
            f"{found['model_tokens']:,} |"
        )
    fast, slow = (measured[proxy]["seconds"] for proxy in (options.proxy, f"llm:{options.llm}"))
    print(f"\nThe proxy is {slow / fast:.0f} times faster. ", end="")
    agreed = same["agreement"]["same"]
    print(
        f"Same result for {100 * agreed['value']:.1f} % of the rows ({100 * agreed['low']:.0f} to {100 * agreed['high']:.0f})."
    )


if __name__ == "__main__":
    main()
