"""How far few labelled texts get: word-level F1 after fine-tuning (arXiv 2510.01427, table 3).

``python benchmarks/paper/labelled.py --data DIR [--sets NAME ...] [--counts N ...] [--seeds N] [--base PROXY]``

Two encoders of the same size side by side: Kestrel, and the encoder that Kestrel's own training began with. A set that
the base was trained on is marked with a star: for the paper's comparison its base must be trained without it
(``leave_out`` in the configuration of ``falconql.training.prepare``).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import mean, stdev

from common import KESTREL, PLAIN, Task, fresh, machine, measured, tuned

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy

SETS_OF_TABLE = (
    "bc2gm",
    "anatem",
    "broad_twitter",
    "wikigold",
    "wikineural_en",
    "skillspan",
    "cyner",
    "tasteset",
    "mit_movie_trivia",
)


def run(base: OnnxProxy, start: str, task: Task, count: int, seed: int) -> float:
    """Return the word F1 of one encoder after training on so many rows of one set."""
    model = fresh(start, base, seed)
    if not count:
        return float(measured(model, base, (), task.f1))
    rows = task.draw(count, seed)
    tuned(model, base, start, rows.learned, rows.held_out, seed)
    return float(measured(model, base, rows.held_out, task.f1))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--sets", nargs="+", default=list(SETS_OF_TABLE))
    parser.add_argument("--counts", nargs="+", type=int, default=[0, 64, 512, 2048])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--base", default="kestrel")
    parser.add_argument("--starts", nargs="+", default=[KESTREL, PLAIN])
    parser.add_argument("--limit", type=int, default=300, help="test rows at most")
    options = parser.parse_args()
    base = OnnxProxy(find_proxy(options.base))
    learned_from = {entry["name"] for entry in base.manifest.card.get("data", [])}
    print(f"{machine()}; {options.seeds} seeds, at most {options.limit} test rows\n")
    print(f"| set | start | {' | '.join(str(count) for count in options.counts)} | seconds |")
    print(f"|---|---|{'---:|' * (len(options.counts) + 1)}")
    for name in options.sets:
        task = Task(options.data, f"spans/{name}", options.limit)
        for start in options.starts:
            begun, cells = time.perf_counter(), []
            for count in options.counts:
                seeds = range(options.seeds if count else 1)
                scores = [100 * run(base, start, task, count, seed) for seed in seeds]
                spread = f" ± {stdev(scores):.1f}" if len(scores) > 1 else ""
                cells.append(f"{mean(scores):.1f}{spread}")
            star = "*" if task.name in learned_from and start == KESTREL else ""
            print(f"| {name}{star} | {start} | {' | '.join(cells)} | {time.perf_counter() - begun:.0f} |", flush=True)


if __name__ == "__main__":
    main()
