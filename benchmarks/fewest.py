"""What the settings of fine-tuning come to with few texts: one instruction, dev rows of sets Kestrel did not learn.

    python benchmarks/fewest.py --data DIR --scores FILE [--settings fewest_steps=0 fewest_steps=100,epochs=24 ...]
        [--texts 42] [--held-out 10] [--seeds 0 1 2] [--rows 150] [--tasks NAME ...]

What ``falconql train`` does with the fewest texts it takes: of 64, 42 are learned and 10 held out. Scores are percent
on dev rows: the area under the ROC curve for labels, the F1 of tokens for spans. Every score is in the file the moment
it is there; what the file has is not measured again. Test rows are not read: settings may be chosen by this.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent / "paper"))

from common import base_without

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.dataset import collate, tokenise
from falconql.training.examples import Example
from falconql.training.finetune import FineTuning, fine_tune
from falconql.training.heldout import HeldOut
from falconql.training.sources import read_split
from falconql.training.trainable import trainable

# An instruction, and the label in the set that it is right for; of spans and of whole texts.
TASKS = {
    "classify/sms_spam": ("Is this spam?", "spam"),
    "classify/tweet_irony": ("Is this ironic?", "irony"),
    "classify/tweet_offensive": ("Is this offensive?", "offensive"),
    "classify/tweet_emotion": ("Is the author angry?", "anger"),
    "classify/ag_news": ("Is this about business?", "Business"),
    "spans/jnlpba": ("Extract the protein", "protein"),
    "spans/cyner": ("Extract the malware", "Malware"),
    "spans/tasteset": ("Extract the way of preparing", "PROCESS"),
    "spans/skillspan": ("Extract the skill or task the job asks for", "skill"),
    "spans/re3d": ("Extract the organization", "Organisation"),
}

START = "start"


class Run(NamedTuple):
    """What is measured once; ``settings`` in words, or ``start`` for Kestrel as it is."""

    task: str
    settings: str
    texts: int
    seed: int


class Outcome(NamedTuple):
    """Percent, and seconds of processor time for the training."""

    score: float
    taken_s: float


def examples(data: Path, name: str, split: str, seed: int) -> list[Example]:
    """Return the rows of a split as examples of the one instruction, shuffled."""
    asked, wanted = TASKS[name]
    rows: list[dict[str, Any]] = read_split(data, name, split)
    random.Random(seed).shuffle(rows)
    if name.startswith("classify/"):
        return [Example(asked, row["text"], row["label"] == wanted) for row in rows]
    return [
        Example(
            asked, row["text"], tuple(sorted({(s["start"], s["end"]) for s in row["spans"] if s["label"] == wanted}))
        )
        for row in rows
    ]


def score(model: torch.nn.Module, base: OnnxProxy, rows: list[Example]) -> float:
    """Return the score of a model on examples, 0 to 100."""
    items = tokenise(base.prompter.tokenizer, rows, 256, 0)
    order = np.argsort([len(item.ids) for item in items], kind="stable")
    answers = HeldOut()
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), 16):
            chosen = [int(number) for number in order[start : start + 16]]
            arrays = collate([items[number] for number in chosen], multiple=16)
            targets = arrays.pop("targets")
            logits = model(**{name: torch.from_numpy(array) for name, array in arrays.items()}).logits
            answers.take([rows[number].instruction for number in chosen], logits.float().numpy(), targets)
    return 100 * answers.score()


def read_scores(path: Path) -> dict[Run, Outcome]:
    """Return what a file has."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {Run(*run): Outcome(*outcome) for run, outcome in map(json.loads, lines)}


def settings_of(words: str) -> FineTuning:
    """Return ``name=value,name=value`` as settings."""
    given = dict(pair.split("=") for pair in words.split(",") if pair)
    return FineTuning(
        **{name: float(value) if {".", "e"} & set(value) else int(value) for name, value in given.items()}
    )


def table(found: dict[Run, Outcome], columns: Sequence[str], texts: int) -> str:
    """Return scores by task and by setting, means over seeds."""

    def mean_of(column: str, part: str) -> str:
        of = {run: out for run, out in found.items() if (run.settings, run.texts) == (column, texts)}
        scores = [out.score for run, out in of.items() if run.task.startswith(part)]
        return f"{mean(scores):.1f}" if scores else ""

    lines = ["| task | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    tasks = sorted({run.task for run in found if run.texts == texts})
    for part in (*tasks, "classify/", "spans/"):
        title = part if part in tasks else f"**mean of {part[:-1]}**"
        lines.append(f"| {title} | " + " | ".join(mean_of(each, part) for each in columns) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--settings", nargs="+", default=["fewest_steps=0", "fewest_steps=100"])
    parser.add_argument("--texts", type=int, default=42)
    parser.add_argument("--held-out", type=int, default=10)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--base", default="kestrel")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), help="none: only print the table")
    options = parser.parse_args()
    base = base_without(options.base, options.tasks)
    found = read_scores(options.scores)
    for seed, name in itertools.product(options.seeds, options.tasks):
        dev = examples(options.data, name, "dev", 2026)[: options.rows]
        rows = examples(options.data, name, "train", seed)
        held, learned = rows[: options.held_out], rows[options.held_out :][: options.texts]
        for settings in (START, *options.settings):
            run = Run(name, settings, options.texts, 0 if settings == START else seed)
            if run in found:
                continue
            begun = time.process_time()
            model = trainable(base.folder, seed=seed)
            if settings != START:
                fine_tune(model, base.prompter.tokenizer, learned, held, settings_of(settings))
            taken_s = time.process_time() - begun
            found[run] = Outcome(score(model, base, dev), taken_s)
            with options.scores.open("a", encoding="utf-8") as file:
                file.write(json.dumps([run, found[run]]) + "\n")
    print(table(found, [START, *options.settings], options.texts))


if __name__ == "__main__":
    main()
