"""Five tasks in a row, each trained from the last, against each trained from the base (arXiv 2510.01427, figure 4).

``python benchmarks/paper/continual.py --data DIR [--count N] [--seed N] [--base PROXY]``

Each step learns up to 512 examples of the earlier ones again, as ``falconql train --base`` does; without them is shown
beside it. The base has been trained on none of the sets.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

from common import KESTREL, Rows, Task, base_without, fresh, machine, measured, tuned

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.specialise.run import MOST_REHEARSED

TASKS = ("classify/sms_spam", "spans/tasteset", "classify/tweet_emotion", "spans/cyner", "classify/bbc_news")


def chain(base: OnnxProxy, tasks: Sequence[Task], drawn: Sequence[Rows], seed: int, rehearsed: int) -> list[float]:
    """Return every task's F1 after the last one was learned, from one model that learned them in a row."""
    model = fresh(KESTREL, base, seed)
    earlier: list[tuple[int, int]] = []
    for place, rows in enumerate(drawn):
        again = random.Random(seed + place).sample(earlier, min(rehearsed, len(earlier)))
        learned = [*rows.learned, *(drawn[step].learned[number] for step, number in again)]
        tuned(model, base, KESTREL, learned, rows.held_out, seed)
        earlier += [(place, number) for number in range(len(rows.learned))]
    held_out = [example for rows in drawn for example in rows.held_out]
    found: list[float] = measured(model, base, held_out, lambda proxy: [task.f1(proxy) for task in tasks])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--count", type=int, default=256, help="training rows of each task")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--base", default="kestrel")
    parser.add_argument("--limit", type=int, default=300, help="test rows at most")
    options = parser.parse_args()
    base, begun = base_without(options.base, TASKS), time.perf_counter()
    tasks = [Task(options.data, name, options.limit) for name in TASKS]
    drawn = [task.draw(options.count, options.seed) for task in tasks]
    before = [task.f1(base) for task in tasks]
    alone = []
    for task, rows in zip(tasks, drawn, strict=True):
        model = tuned(fresh(KESTREL, base, options.seed), base, KESTREL, rows.learned, rows.held_out, options.seed)
        alone.append(float(measured(model, base, rows.held_out, task.f1)))
    kept = chain(base, tasks, drawn, options.seed, MOST_REHEARSED)
    lost = chain(base, tasks, drawn, options.seed, 0)
    print(f"{machine()}; {options.count} training rows of each, seed {options.seed}\n")
    print("| task, in this order | base | alone, from the base | in a row | difference | without learning again |")
    print("|---|---:|---:|---:|---:|---:|")
    for task, *scores in zip(tasks, before, alone, kept, lost, strict=True):
        first, own, row, forgotten = (100 * score for score in scores)
        print(f"| {task.name} | {first:.1f} | {own:.1f} | {row:.1f} | {row - own:+.1f} | {forgotten:.1f} |")
    print(f"\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
