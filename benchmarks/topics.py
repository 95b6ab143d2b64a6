"""How well a proxy tells apart topics of one field, and intents, where each is true of a few texts only.

``python benchmarks/topics.py --data DIR [--proxy FOLDER ...] [--limit 400] [--seed 4] [--each]``

Asks whether texts are about something of which their editors, listeners, players or annotators said whether they are:
reports of a news agency (Reuters-21578), TED talks, games on Steam and AG's news, of which nothing was trained on, and
development splits of three sets whose training splits were. Prints for every source how often the answer is yes, how
often the proxy says so, how well its scores rank (area under the ROC curve), precision, recall and F1 with its
threshold, and the best F1 of any threshold, as means over the questions; ``--each`` prints every question.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.scoring import Counts, ranking
from falconql.training.sources import label_names, read_split

KESTREL = Path(__file__).resolve().parents[1] / "runtime" / "proxy" / "kestrel"
CHARACTERS = 500
LEAST_TRUE = 4
MOST_CLASSES = 14
REUTERS = {
    "crude": "Is this about oil?",
    "grain": "Is this about grain?",
    "trade": "Is this about foreign trade?",
    "interest": "Is this about interest rates?",
    "earn": "Is this about company earnings?",
    "acq": "Is this about a takeover or merger?",
    "money-fx": "Is this about currencies?",
    "ship": "Is this about shipping?",
}
TALKS = ("science", "business", "design", "health", "music", "politics", "education", "environment", "art", "economics")
TALKS += ("biology", "medicine", "space", "brain", "climate change", "war")
GAMES = ("puzzle", "horror", "racing", "strategy", "sports", "space", "fantasy", "zombies", "sci-fi", "war", "survival")
NEWS = {
    "world news and politics": "Is this about world politics?",
    "sports": "Is this about sports?",
    "business and economy": "Is this about business?",
    "science and technology": "Is this about science or technology?",
}
CLASSES = {"dbpedia14": "Is this about {}?", "banking77": "Is the customer asking about {}?"}
CLASSES |= {"clinc150": "Is the user asking about {}?"}


@dataclass(frozen=True, slots=True)
class Source:
    """Texts, what is true of each, and the question that asks for it."""

    name: str
    texts: list[str]
    true: list[set[str]]
    questions: dict[str, str]


def sources(data: Path, limit: int, seed: int) -> Iterator[Source]:
    """Yield every source with some of its texts."""

    def some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        random.Random(seed).shuffle(rows)
        return rows[:limit]

    def corpus(name: str, allowed: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        return some([row for row in pq.read_table(data / "corpora" / f"{name}.parquet").to_pylist() if allowed(row)])

    rows = corpus("reuters21578", lambda row: row["topics"] and row["body"] and len(row["body"]) > 100)
    texts = [f"{row['title'] or ''}. {row['body'][:CHARACTERS]}" for row in rows]
    yield Source("news agency", texts, [set(row["topics"]) for row in rows], REUTERS)
    rows = corpus("ted_talks", lambda row: row["tags"] and row["description"])
    texts = [f"{row['title']}. {row['description']}"[:CHARACTERS] for row in rows]
    yield Source("talks", texts, [_tags(row["tags"]) for row in rows], {tag: f"Is this about {tag}?" for tag in TALKS})
    rows = corpus("steam_games", lambda row: row["tags"] and row["description"])
    texts = [row["description"][:CHARACTERS] for row in rows]
    yield Source("games", texts, [_tags(row["tags"]) for row in rows], {tag: f"Is this about {tag}?" for tag in GAMES})
    for name in ("ag_news", *CLASSES):
        names = label_names(data, f"classify/{name}")
        rows = some(read_split(data, f"classify/{name}", "dev"))
        true = [{names.get(row["label"], row["label"])} for row in rows]
        often = [label for label, _ in Counter(label for own in true for label in own).most_common(MOST_CLASSES)]
        questions = NEWS if name == "ag_news" else {label: CLASSES[name].format(label) for label in often}
        yield Source(name, [row["text"] for row in rows], true, questions)


def _tags(value: Any) -> set[str]:
    listed = value if isinstance(value, list) else str(value).strip("[]").split(",")
    return {tag.strip(" '\"").lower() for tag in listed}


def _counts(kept: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Counts:
    return Counts(int((kept & truth).sum()), int(kept.sum()), int(truth.sum()))


def figures(proxy: OnnxProxy, source: Source) -> dict[str, list[float]]:
    """Return what the table has of each question that is true of some texts."""
    found = {}
    for label, question in source.questions.items():
        truth = np.array([label in own for own in source.true])
        if truth.sum() < LEAST_TRUE:
            continue
        scores = proxy.label(source.texts, [question] * len(source.texts))
        own = _counts(scores >= proxy.label_threshold, truth)
        best = max(_counts(scores >= score, truth).f1 for score in scores)
        shares = [truth.mean(), own.predicted / len(truth), ranking(scores, truth)]
        found[question] = [*shares, own.right / max(own.predicted, 1), own.right / own.wanted, own.f1, best]
    return found


def line(name: str, values: list[float]) -> str:
    """Return a line of the table, in percent."""
    return f"| {name} | {' | '.join(f'{100 * value:.0f}' for value in values)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--proxy", type=Path, nargs="+", default=[KESTREL])
    parser.add_argument("--limit", type=int, default=400, help="texts of a source")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--each", action="store_true", help="print every question")
    options = parser.parse_args()
    chosen = list(sources(options.data, options.limit, options.seed))
    for folder in options.proxy:
        proxy = OnnxProxy(folder, threads=options.threads)
        print(f"| {folder.name} | questions | true | says yes | AUC | precision | recall | F1 | best F1 |")
        print(f"|---|{'---:|' * 8}")
        for source in chosen:
            found = figures(proxy, source)
            means = [mean(column) for column in zip(*found.values(), strict=True)]
            print(line(f"{source.name} | {len(found)}", means), flush=True)
            for question, values in found.items() if options.each else ():
                print(line(f"{question} | ", values), flush=True)
        print()


if __name__ == "__main__":
    main()
