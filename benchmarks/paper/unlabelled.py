"""Consistency with the annotator before and after training on a sample (arXiv 2510.01427, table 4).

``python benchmarks/paper/unlabelled.py --data DIR --annotator MODEL [--queries NAME ...] [--sample N] [--seed N]``

For every query in ``benchmarks/paper/queries`` what a user does: ``falconql train``, with the language model that
OPENAI_BASE_URL names as annotator. A fifth of the annotated texts is measured on, before and after, and neither
learned from nor calibrated on. TED talks, reviews on Steam and text messages; a basic, a query-based and a
multi-entity task each.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from common import machine

QUERIES = Path(__file__).parent / "queries"
CORPORA = {"ted": "ted_talks", "steam": "steam_reviews", "sms": "nus_sms"}
_LINE = re.compile(r"(.+?)  +([\d,]+)  +(\d+ \(.+?\))  +(\d+ \(.+?\))  +(\d+ \(.+?\))")


def corpus(data: Path, query: str) -> Path:
    """Return the corpus of a query, by the beginning of its name."""
    return data / "corpora" / f"{CORPORA[query.partition('_')[0]]}.parquet"


def train(query: str, data: Path, annotator: str, sample: int | None, seed: int, name: str) -> tuple[str, str]:
    """Return what ``falconql train`` prints to standard output and to standard error."""
    words = ["train", str(QUERIES / f"{query}.fql"), "--from", str(corpus(data, query)), "--name", name]
    words += ["--annotator", annotator, "--seed", str(seed), *([] if sample is None else ["--sample", str(sample)])]
    done = subprocess.run([sys.executable, "-m", "falconql", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"falconql {' '.join(words)}\n{done.stderr}")
    return done.stdout, done.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with corpora/")
    parser.add_argument("--annotator", required=True, help="the model's name")
    parser.add_argument("--queries", nargs="+", default=sorted(path.stem for path in QUERIES.glob("*.fql")))
    parser.add_argument("--sample", type=int, help="questions per call; 5 %% of the rows that reach it if left out")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--prefix", default="paper-", help="of the names of the proxies that are made")
    options = parser.parse_args()
    print(f"{machine()}; annotator {options.annotator}, seed {options.seed}\n")
    print("| query | call | measured on | F1 before | F1 after | true of the corpus | seconds |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for query in options.queries:
        begun = time.perf_counter()
        name = options.prefix + query.replace("_", "-")
        found, told = train(query, options.data, options.annotator, options.sample, options.seed, name)
        seconds = f"{time.perf_counter() - begun:.0f}"
        for match in filter(None, map(_LINE.fullmatch, found.splitlines())):
            print(f"| {query} | {' | '.join(match.groups())} | {seconds} |", flush=True)
            seconds = ""
        print(told, file=sys.stderr)


if __name__ == "__main__":
    main()
