"""What noisy guidance costs: the starts of the training spans drawn at random (arXiv 2510.01427, "arising abilities").

``python benchmarks/paper/noisy.py --data DIR [--set NAME] [--count N] [--seeds N] [--base PROXY]``

Every span of the training rows, held-out ones included, begins at a random word from four before its start to its last
word. Kestrel, which must not have been trained on the set, beside the encoder that its training began with.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean

from common import KESTREL, PLAIN, Rows, Task, base_without, fresh, machine, measured, tuned

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.examples import Example

WORDS_BEFORE = 4
_WORD = re.compile(r"\S+")


def noisy(example: Example, rng: random.Random) -> Example:
    """Return an example whose spans begin elsewhere; they stay disjoint."""
    if isinstance(example.answer, bool):
        return example
    words = [match.start() for match in _WORD.finditer(example.text)]
    spans: list[tuple[int, int]] = []
    for start, end in example.answer:
        lowest = spans[-1][1] if spans else 0
        before = [place for place in words if lowest <= place < start][-WORDS_BEFORE:]
        inside = [place for place in words if start <= place < end]
        spans.append((rng.choice([*before, start, *inside]), end))
    return replace(example, answer=tuple(spans))


def run(base: OnnxProxy, start: str, task: Task, count: int, seed: int, noise: bool) -> float:
    """Return the word F1 after training on rows with true or with random starts."""
    rows = task.draw(count, seed)
    if noise:
        rng = random.Random(seed)
        rows = Rows(
            tuple(noisy(example, rng) for example in rows.learned),
            tuple(noisy(example, rng) for example in rows.held_out),
        )
    model = tuned(fresh(start, base, seed), base, start, rows.learned, rows.held_out, seed)
    return 100 * float(measured(model, base, rows.held_out, task.f1))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--set", default="tasteset")
    parser.add_argument("--count", type=int, default=256, help="training rows")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--base", default="kestrel")
    parser.add_argument("--limit", type=int, default=300, help="test rows at most")
    options = parser.parse_args()
    base, begun = base_without(options.base, [f"spans/{options.set}"]), time.perf_counter()
    task = Task(options.data, f"spans/{options.set}", options.limit)
    print(f"{machine()}; {options.set}, {options.count} training rows, {options.seeds} seeds\n")
    print("| start | true starts | random starts | lost |\n|---|---:|---:|---:|")
    for start in (KESTREL, PLAIN):
        true, random_ = (
            mean(run(base, start, task, options.count, seed, noise) for seed in range(options.seeds))
            for noise in (False, True)
        )
        print(f"| {start} | {true:.1f} | {random_:.1f} | {true - random_:.1f} |", flush=True)
    print(f"\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
