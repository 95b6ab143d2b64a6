"""How well a proxy tells apart topics of one field: news agency reports, nearly all of them about business.

``python benchmarks/topics.py --data DIR [--proxy FOLDER ...] [--limit 400] [--seed 4]``

Asks Reuters-21578 (``corpora/reuters21578.parquet``), on which nothing was trained, for topics that its editors gave
to each report, and prints for every question in how many reports they did, how often the proxy says yes, how well its
scores rank (area under the ROC curve), precision, recall and F1 with its threshold, and the best F1 of any threshold.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from statistics import mean

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.scoring import Counts, ranking

KESTREL = Path(__file__).resolve().parents[1] / "runtime" / "proxy" / "kestrel"
CHARACTERS = 500
QUESTIONS = {
    "crude": "Is this about oil?",
    "grain": "Is this about grain?",
    "trade": "Is this about foreign trade?",
    "interest": "Is this about interest rates?",
    "earn": "Is this about company earnings?",
    "acq": "Is this about a takeover or merger?",
    "money-fx": "Is this about currencies?",
    "ship": "Is this about shipping?",
}


def reports(data: Path, limit: int, seed: int) -> tuple[list[str], list[set[str]]]:
    """Return the texts of some reports, titles first, and the topics of each."""
    read = pq.read_table(data / "corpora" / "reuters21578.parquet", columns=["title", "body", "topics"]).to_pylist()
    found = [row for row in read if row["topics"] and row["body"] and len(row["body"]) > 100]
    random.Random(seed).shuffle(found)
    texts = [f"{row['title'] or ''}. {row['body'][:CHARACTERS]}" for row in found[:limit]]
    return texts, [set(row["topics"]) for row in found[:limit]]


def counts(kept: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Counts:
    """Return what was kept and what should have been."""
    return Counts(int((kept & truth).sum()), int(kept.sum()), int(truth.sum()))


def table(proxy: OnnxProxy, texts: list[str], topics: list[set[str]]) -> str:
    """Return the figures of a proxy as Markdown, a line per question and their means."""
    lines = [
        f"| {proxy.folder.name} | true | says yes | AUC | precision | recall | F1 | best F1 | from |",
        f"|---|{'---:|' * 8}",
    ]
    figures: list[list[float]] = []
    for topic, question in QUESTIONS.items():
        truth = np.array([topic in each for each in topics])
        scores = proxy.label(texts, [question] * len(texts))
        own = counts(scores >= proxy.label_threshold, truth)
        best, limit = max((counts(scores >= score, truth).f1, float(score)) for score in scores)
        shares = [truth.mean(), own.predicted / len(texts), ranking(scores, truth)]
        figures.append([*shares, own.right / max(own.predicted, 1), own.right / own.wanted, own.f1, best])
        lines.append(f"| {question} | {' | '.join(f'{100 * value:.0f}' for value in figures[-1])} | {limit:.2f} |")
    means = " | ".join(f"**{100 * mean(column):.0f}**" for column in zip(*figures, strict=True))
    return "\n".join([*lines, f"| **mean** | {means} | |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--proxy", type=Path, nargs="+", default=[KESTREL])
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    texts, topics = reports(options.data, options.limit, options.seed)
    for folder in options.proxy:
        print(table(OnnxProxy(folder, threads=options.threads), texts, topics), end="\n\n")


if __name__ == "__main__":
    main()
