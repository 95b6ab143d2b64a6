"""One proxy for labels and spans, or one for each (arXiv 2510.01427, figure 5).

``python benchmarks/paper/unified.py --data DIR [--count N] [--seeds N] [--base PROXY]``

The same training rows, once all together, once labels and spans apart. The base has been trained on none of the sets.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import mean

from common import KESTREL, Task, base_without, fresh, machine, measured, tuned

from falconql.runtime.proxy.onnx import OnnxProxy

LABELS = ("classify/sms_spam", "classify/tweet_emotion")
SPANS = ("spans/tasteset", "spans/cyner")


def together(base: OnnxProxy, tasks: list[Task], count: int, seed: int) -> list[float]:
    """Return every task's F1 from one model that learned them all at once."""
    drawn = [task.draw(count, seed) for task in tasks]
    learned = [example for rows in drawn for example in rows.learned]
    held_out = [example for rows in drawn for example in rows.held_out]
    model = tuned(fresh(KESTREL, base, seed), base, KESTREL, learned, held_out, seed)
    found: list[float] = measured(model, base, held_out, lambda proxy: [100 * task.f1(proxy) for task in tasks])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--count", type=int, default=256, help="training rows of each task")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--base", default="kestrel")
    parser.add_argument("--limit", type=int, default=300, help="test rows at most")
    options = parser.parse_args()
    base, begun = base_without(options.base, (*LABELS, *SPANS)), time.perf_counter()
    labels = [Task(options.data, name, options.limit) for name in LABELS]
    spans = [Task(options.data, name, options.limit) for name in SPANS]
    one, several = [], []
    for seed in range(options.seeds):
        one.append(together(base, [*labels, *spans], options.count, seed))
        several.append(together(base, labels, options.count, seed) + together(base, spans, options.count, seed))
    print(f"{machine()}; {options.count} training rows of each, {options.seeds} seeds\n")
    print("| task | one proxy | a label and a span proxy | difference |")
    print("|---|---:|---:|---:|")
    rows = [(mean(a), mean(b)) for a, b in zip(zip(*one, strict=True), zip(*several, strict=True), strict=True)]
    for task, (unified, apart) in zip([*labels, *spans], rows, strict=True):
        print(f"| {task.name} | {unified:.1f} | {apart:.1f} | {unified - apart:+.1f} |")
    unified, apart = mean(row[0] for row in rows), mean(row[1] for row in rows)
    print(f"| **mean** | **{unified:.1f}** | **{apart:.1f}** | **{unified - apart:+.1f}** |")
    print(f"\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
