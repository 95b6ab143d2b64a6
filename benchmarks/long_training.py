"""What all windows of long texts are worth to fine-tuning, against one of them.

``python benchmarks/long_training.py --data DIR [--set spans/cyner] [--texts 24] [--joined 20] [--seeds 0 1]``

Long texts are rows of a set joined by line breaks. With a set of classes, half of the texts have one row, somewhere,
of a class that is asked for. Kestrel is fine-tuned on some of them as ``falconql train`` does it, and measured on up to
40 joined texts of the test split (100 with classes).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "paper"))

import common
from common import KESTREL, QUESTIONS, Task, base_without, fresh, machine, measured, tuned

from falconql.training import finetune
from falconql.training.dataset import tokenise

TEXTS_MEASURED = 40
LABELS_MEASURED = 100


def hidden(rows: list[dict[str, Any]], count: int, asked: set[str]) -> list[dict[str, Any]]:
    """Return rows each of which is so many rows of classes not asked for, every second with one that is."""
    rng = random.Random(1)
    plain, others = ([row for row in rows if (row["label"] in asked) is wanted] for wanted in (False, True))
    rng.shuffle(plain)
    rng.shuffle(others)
    found: list[dict[str, Any]] = []
    for first in range(0, len(plain) - count + 1, count):
        parts, label = [row["text"] for row in plain[first : first + count]], plain[first]["label"]
        if len(found) % 2:
            if not others:
                break
            row = others.pop()
            parts[rng.randrange(count)], label = row["text"], row["label"]
        found.append({**plain[first], "text": "\n".join(parts), "label": label})
    return found


def one_window(tokenizer: Any, examples: Any, max_tokens: int, _: int, seed: int) -> list[list[Any]]:
    """Return one item for each example, as pre-training reads it."""
    return [[item] for item in tokenise(tokenizer, examples, max_tokens, seed)]


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
    parser.add_argument("--base", default="kestrel")
    options = parser.parse_args()
    read = common.read_split
    asked = set(QUESTIONS.get(options.set, ()))

    def long_rows(data: Path, name: str, split: str) -> list[dict[str, Any]]:
        rows = read(data, name, split)
        return hidden(rows, options.joined, asked) if asked else joined(rows, options.joined)

    common.read_split = long_rows
    base = base_without(options.base, [options.set])
    task = Task(options.data, options.set, LABELS_MEASURED if asked else TEXTS_MEASURED)
    replaced, by = ("items_of", one_window) if asked else ("in_pieces", lambda _, examples, *__: examples)
    all_windows = getattr(finetune, replaced)
    print(machine())
    for seed in options.seeds:
        rows = task.draw(options.texts, seed)
        length = mean(len(example.text.split()) for example in rows.learned)
        for said, way in (("one window", by), ("all windows", all_windows)):
            setattr(finetune, replaced, way)
            begun = time.perf_counter()
            model = tuned(fresh(KESTREL, base, seed), base, KESTREL, rows.learned, rows.held_out, seed)
            f1 = 100 * measured(model, base, rows.held_out, task.f1)
            seconds = time.perf_counter() - begun
            about = f"{options.set}, {options.texts} texts of {length:,.0f} words, seed {seed}"
            print(f"{about}: {said} {f1:.1f}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
