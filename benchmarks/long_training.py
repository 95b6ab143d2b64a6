"""What all windows of long texts are worth to fine-tuning, against the one with the first span.

``python benchmarks/long_training.py --data DIR [--set spans/cyner] [--texts 24] [--joined 20] [--seeds 0 1]``

Long texts are rows of a set of spans joined by line breaks. Kestrel is fine-tuned on some of them as ``falconql train``
does it, and measured on up to 40 joined texts of the test split.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "paper"))

import common
from common import KESTREL, Task, fresh, machine, measured, tuned

from falconql.runtime.proxy import find_proxy
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training import finetune
from falconql.training.pieces import in_pieces

TEXTS_MEASURED = 40


def joined(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return rows each of which is so many rows, one after the other."""
    found = []
    for first in range(0, len(rows) - count + 1, count):
        text, spans = "", []
        for row in rows[first : first + count]:
            text += "\n" if text else ""
            spans += [{**s, "start": s["start"] + len(text), "end": s["end"] + len(text)} for s in row["spans"]]
            text += row["text"]
        found.append({**rows[first], "text": text, "spans": spans})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--set", default="spans/cyner")
    parser.add_argument("--texts", type=int, default=24, help="long texts drawn, 15 %% of them held out")
    parser.add_argument("--joined", type=int, default=20, help="rows in each")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    read = common.read_split
    common.read_split = lambda data, name, split: joined(read(data, name, split), options.joined)
    base, task = OnnxProxy(find_proxy("kestrel")), Task(options.data, options.set, TEXTS_MEASURED)
    print(machine())
    for seed in options.seeds:
        rows = task.draw(options.texts, seed)
        length = mean(len(example.text.split()) for example in rows.learned)
        for said, cut in (("one window", lambda _, examples, *__: examples), ("all windows", in_pieces)):
            finetune.in_pieces = cut
            begun = time.perf_counter()
            model = tuned(fresh(KESTREL, base, seed), base, KESTREL, rows.learned, rows.held_out, seed)
            f1 = 100 * measured(model, base, rows.held_out, task.f1)
            seconds = time.perf_counter() - begun
            about = f"{options.set}, {options.texts} texts of {length:,.0f} words, seed {seed}"
            print(f"{about}: {said} {f1:.1f}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
