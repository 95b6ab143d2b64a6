"""How fast two workers on Ray are against the local engine on the same two cores.

    python benchmarks/cluster.py [--rows 6000] [--repeat 3] [--workers 2] [--format json]

One label over distinct texts (the example reviews, numbered), in Parquet, local and on Ray in turn, no answers kept.
Speed is that of the work going on: rows by the second between the first block that has gone through and the last,
because starting Ray's processes takes the same few seconds for a minute's work and for a day's. Those are shown apart.
Ratios are medians of the ratios of each turn; rows must be equal.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import falconql
from falconql.runtime.proxy import open_proxy

QUERY = 'text review select n, s: score(label("Is the reviewer satisfied?"))'
REVIEWS = Path(__file__).parents[1] / "examples" / "data" / "game_reviews.csv"
BAR = 0.9


def write_corpus(path: Path, rows: int) -> None:
    """Write distinct texts."""
    reviews = falconql.query("text review select review").run(str(REVIEWS)).to_arrow().column("review").to_pylist()
    texts = [f"{n}. {reviews[n % len(reviews)]}" for n in range(rows)]
    pq.write_table(pa.table({"n": range(rows), "review": texts}), path)


def measure(corpus: Path, engine: Any, proxy: Any) -> tuple[pa.Table, dict[str, float]]:
    """Return the rows of one run, its speed in rows per second, and the seconds to the first block."""
    began, seen = time.perf_counter(), []

    def note(metrics: Any) -> None:
        seen.append((time.perf_counter(), metrics.rows_done))

    run = falconql.query(QUERY).start(str(corpus), proxy=proxy, cache=False, engine=engine, on_progress=note)
    table = pa.Table.from_batches(list(run.batches()), schema=run.schema)
    (first, done_first), (last, done_last) = seen[0], seen[-1]
    return table, {
        "rows_per_s": (done_last - done_first) / (last - first),
        "start_s": first - began,
        "seconds": time.perf_counter() - began,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    asked = parser.parse_args()
    turns: list[dict[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.parquet"
        write_corpus(corpus, asked.rows)
        for turn in range(asked.repeat):
            engines = {"local": "local", "ray": falconql.Ray(workers=asked.workers)}
            found = {
                name: measure(corpus, engines[name], open_proxy(threads=asked.workers))
                for name in sorted(engines, reverse=bool(turn % 2))
            }
            assert found["local"][0] == found["ray"][0]
            turns.append({name: numbers for name, (_, numbers) in found.items()})
    ratio = statistics.median(turn["ray"]["rows_per_s"] / turn["local"]["rows_per_s"] for turn in turns)
    if asked.format == "json":
        print(json.dumps({"rows": asked.rows, "workers": asked.workers, "turns": turns, "ratio": ratio}, indent=1))
        return
    for name in ("local", "ray"):
        medians = {key: statistics.median(turn[name][key] for turn in turns) for key in turns[0][name]}
        print(f"{name:6} {medians['rows_per_s']:8.0f} rows/s, {medians['start_s']:.1f} s to the first block")
    print(f"ray against local: {ratio:.2f} (bar {BAR}), medians of {asked.repeat} turns over {asked.rows:,} texts")


if __name__ == "__main__":
    main()
