"""``python -m tests.fuzz [--minutes N] [--targets NAME ...] [--seed N]``: look for inputs that break a promise."""

from __future__ import annotations

import argparse
import time
import traceback
from collections import Counter

from tests.fuzz.fuzzing import fuzz
from tests.fuzz.targets import TARGETS

BATCH = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    tried: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    started, begun = time.monotonic(), options.seed
    while time.monotonic() - started < 60 * options.minutes:
        for name in options.targets:
            try:
                fuzz(name, examples=BATCH, start=begun)
            except Exception:  # what is found is told, and the search goes on
                failed[name] += 1
                print(f"--- {name}, seed {begun}\n{traceback.format_exc()}", flush=True)
            tried[name] += BATCH
        begun += 1
    print(f"{(time.monotonic() - started) / 60:.0f} minutes, seeds {options.seed} to {begun - 1}")
    for name in options.targets:
        print(f"{name}: {tried[name]:,} inputs, {failed[name]} batches with a failure")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
