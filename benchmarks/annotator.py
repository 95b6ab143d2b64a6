"""How right a language model's answers are, and what several questions in one request cost or save.

    python benchmarks/annotator.py --data DIR --llm MODEL [--rows N] [--sets NAME ...] [--together]

Development rows of labelled sets, as many that a label is true of as others; the questions are put as
``falconql train`` and ``--proxy llm:MODEL`` put them, to the server that OPENAI_BASE_URL names, and nothing is taken
from earlier answers. ``--together`` puts all questions about a text into one request as well, beside one for each.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falconql.annotating import Annotator, Task
from falconql.annotating.annotator import Settings
from falconql.llm.endpoint import Endpoint
from falconql.training.scoring import Counts, word_spans
from falconql.training.sources import label_names, read_split

SEED = 2026
# Of each set, the question put and the label for which the answer is yes, or the type to extract.
LABELS = {
    "classify/sms_spam": (("Is this spam?", "spam"),),
    "classify/tweet_emotion": (("Is the author happy?", "joy"), ("Is the author angry?", "anger")),
    "classify/bbc_news": (("Is this about sport?", "sport"), ("Is this about politics?", "politics")),
    "classify/sst2": (("Is the reviewer satisfied?", "positive"), ("Is this a bad film?", "negative")),
}
SPANS = {
    "spans/broad_twitter": (("Extract the names of people", "PER"), ("Extract the places", "LOC")),
    "spans/bc5cdr": (("Extract the diseases", "Disease"), ("Extract the chemicals", "Chemical")),
    "spans/conll04": (("Extract the names of people", "Peop"), ("Extract the organisations", "Org")),
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Texts of a set with its tasks and, by task, the right answers: yes or no, or places."""

    name: str
    texts: list[str]
    tasks: list[Task]
    truths: list[list[Any]]


def labelled(data: Path, name: str, most: int) -> Rows:
    """Return rows of a set of labels, evenly of those that a question is true of and of others."""
    questions = LABELS[name]
    wanted = {label for _, label in questions}
    names = label_names(data, name)
    rows = read_split(data, name, "dev")
    random.Random(SEED).shuffle(rows)
    keyed = [(row["text"][:2000], row["label"]) for row in rows]
    yes = [each for each in keyed if each[1] in wanted]
    no = [each for each in keyed if each[1] not in wanted]
    if not yes:
        raise SystemExit(f"{name} has no rows of {sorted(wanted)}; its labels: {sorted(names)[:20]}")
    half = most // 2
    chosen = yes[: most - min(half, len(no))] + no[:half]
    tasks = [Task("label", asked) for asked, _ in questions]
    truths = [[said == label for _, said in chosen] for _, label in questions]
    return Rows(name, [text for text, _ in chosen], tasks, truths)


def spanned(data: Path, name: str, most: int) -> Rows:
    """Return rows of a set of spans."""
    rows = read_split(data, name, "dev")
    random.Random(SEED).shuffle(rows)
    rows = rows[:most]
    truths = [
        [tuple((s["start"], s["end"]) for s in row["spans"] if s["label"] == label) for row in rows]
        for _, label in SPANS[name]
    ]
    return Rows(name, [row["text"] for row in rows], [Task("spans", asked) for asked, _ in SPANS[name]], truths)


def score(rows: Rows, place: int, answers: Sequence[Any]) -> tuple[float, float]:
    """Return balanced accuracy, or word F1, and the share said to be true, in percent; no answer counts as no."""
    truths = rows.truths[place]
    if rows.tasks[place].kind == "label":
        pairs = [(bool(said), true) for said, true in zip(answers, truths, strict=True)]
        right = [[said == true for said, true in pairs if true is side] for side in (True, False)]
        shares = [sum(side) / len(side) for side in right if side]
        return 100 * sum(shares) / len(shares), 100 * sum(map(bool, answers)) / len(answers)
    total = Counts()
    for text, said, true in zip(rows.texts, answers, truths, strict=True):
        total += word_spans(text, list(said or ()), true)
    return 100 * total.f1, 100 * sum(map(bool, answers)) / len(answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--llm", required=True, help="the model's name")
    parser.add_argument("--rows", type=int, default=40, help="texts of a set")
    parser.add_argument("--sets", nargs="+", default=[*LABELS, *SPANS])
    parser.add_argument("--together", action="store_true")
    options = parser.parse_args()
    ways = {"alone": 1, "together": 8} if options.together else {"alone": 1}
    print("| set | question | asked | right | yes, or some | seconds | tokens |\n|---|---|---|---:|---:|---:|---:|")
    for name in options.sets:
        rows = (labelled if name in LABELS else spanned)(options.data, name, options.rows)
        for way, most in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                endpoint = Endpoint.from_environment(model=options.llm)
                annotator = Annotator(endpoint, folder=Path(folder), settings=Settings(together=most))
                begun = time.perf_counter()
                answers = annotator.annotate(rows.texts, rows.tasks)
            seconds, tokens = f"{time.perf_counter() - begun:.0f}", f"{annotator.usage.tokens:,}"
            for place, task in enumerate(rows.tasks):
                right, yes = score(rows, place, [row[place] for row in answers])
                figures = f"{right:.1f} | {yes:.0f} % | {seconds} | {tokens}"
                print(f"| {name} | {task.instruction} | {way} | {figures} |", flush=True)
                seconds = tokens = ""


if __name__ == "__main__":
    main()
