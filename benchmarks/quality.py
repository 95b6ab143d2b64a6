"""What a proxy gets right on sets it was not trained on, and beside them on sets it was.

``python benchmarks/quality.py --data DIR [--proxy FOLDER ...] [--limit N] [--json FILE] [--record]``

Prints one Markdown table with a column per proxy. The proxies run in the runtime that users run, one
instruction per text as a query would ask it; nothing is tuned to a set. Rows are drawn with a fixed
seed: test splits of the families kept out of training, development splits of those trained on.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from falconql.runtime.proxy.base import Proxy
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.scoring import (
    Counts,
    accuracy,
    answer_f1,
    balanced_accuracy,
    exact_spans,
    macro_f1,
    word_spans,
)
from falconql.training.sources import label_names, read_split

Row = dict[str, Any]
Scores = dict[str, float]
SEED = 2026

ENTITIES_UNSEEN: tuple[str, ...] = ("wnut17", "tasteset", "skillspan", "cyner", "re3d")
ENTITIES_SEEN: tuple[str, ...] = ("broad_twitter", "bc5cdr", "wikigold", "conll04", "mit_movie_trivia")
QUESTIONS_UNSEEN: tuple[str, ...] = ("covid_qa",)
QUESTIONS_SEEN: tuple[str, ...] = ("squad_part", "squad2_part", "qamr", "policyqa")
ENTAILMENT_UNSEEN: tuple[str, ...] = ("climate_fever", "med")
ENTAILMENT_SEEN: tuple[str, ...] = ("mnli_part", "snli_part", "fever_evidence", "lingnli", "rte")
CHOICES_UNSEEN: dict[str, tuple[str, dict[str, str]]] = {
    "bbc_news": ("What is the topic?", {}),
    "sms_spam": ("What kind of message is it?", {"ham": "an ordinary message", "spam": "spam or advertising"}),
    "tweet_emotion": ("Which emotion is expressed?", {}),
}
CHOICES_SEEN: dict[str, tuple[str, dict[str, str]]] = {
    "dbpedia14": ("What is this about?", {}),
    "snips_intents": ("What does the user want?", {}),
    "sst2": ("What is the sentiment?", {}),
}
# Yes/no questions: the set, the question, and the label for which the answer is yes.
QUESTIONS_YES_UNSEEN = {
    "sms_spam": ("Is this spam?", "spam"),
    "bbc_news": ("Is this about sport?", "sport"),
    "tweet_emotion": ("Is the author angry?", "anger"),
}
QUESTIONS_YES_SEEN = {
    "sst2": ("Does the author like the film?", "positive"),
    "imdb": ("Is the reviewer satisfied?", "positive"),
    "amazon_polarity": ("Is the customer satisfied?", "positive"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the table: a set, the question put to it, and how its answers are scored."""

    group: str
    name: str
    split: str
    run: Callable[[Proxy, Sequence[Row]], Scores]

    @property
    def folder(self) -> str:
        kind = {"entities": "spans", "questions": "qa", "entailment": "nli"}.get(self.group, "classify")
        return f"{kind}/{self.name}"


def plain(name: str) -> str:
    return re.sub(r"\s*\([^)]*\)", "", name).strip()


def entities(names: dict[str, str]) -> Callable[[Proxy, Sequence[Row]], Scores]:
    """Ask every row for every type of the set."""

    def run(proxy: Proxy, rows: Sequence[Row]) -> Scores:
        pairs = [(row, name) for row in rows for name in names.values()]
        found = proxy.spans([r["text"] for r, _ in pairs], [f"Extract the {plain(n)}" for _, n in pairs])
        exact, words = Counts(), Counts()
        for (row, name), spans in zip(pairs, found, strict=True):
            got = [(span.start, span.end) for span in spans]
            wanted = [(s["start"], s["end"]) for s in row["spans"] if names.get(s["label"]) == name]
            exact += exact_spans(got, wanted)
            words += word_spans(row["text"], got, wanted)
        return {"exact F1": exact.f1, "word F1": words.f1}

    return run


def questions(proxy: Proxy, rows: Sequence[Row]) -> Scores:
    """Ask every row its question, and as many rows one whose answer is elsewhere."""
    random_ = random.Random(SEED)
    strangers = [(row, random_.choice(rows)["question"]) for row in rows]
    elsewhere = [(row, q) for row, q in strangers if q != row["question"]][: len(rows) // 2]
    asked = [(row, row["question"]) for row in rows] + elsewhere
    found = proxy.spans([row["context"] for row, _ in asked], [question for _, question in asked])
    best = [max(spans, key=lambda s: s.score, default=None) for spans in found]
    texts = [
        "" if span is None else row["context"][span.start : span.end]
        for span, (row, _) in zip(best, asked, strict=True)
    ]
    own = list(zip(texts, rows, strict=False))
    answerable = [answer_f1(t, [a["text"] for a in r["answers"]]) for t, r in own if r["answers"]]
    empty = [not t for t, r in own if not r["answers"]] + [not t for t in texts[len(rows) :]]
    return {"answer F1": mean(answerable), "no-answer accuracy": mean(empty)}


def entailment(proxy: Proxy, rows: Sequence[Row]) -> Scores:
    """Put each hypothesis as the instruction: does the text say so?"""
    scores = proxy.label([r["premise"] for r in rows], [r["hypothesis"] for r in rows])
    got = (scores >= proxy.label_threshold).tolist()
    wanted = [r["label"] == "entailment" for r in rows]
    return {"accuracy": accuracy(got, wanted), "balanced accuracy": balanced_accuracy(got, wanted)}


def choices(question: str, options: dict[str, str]) -> Callable[[Proxy, Sequence[Row]], Scores]:
    """Choose among all classes of the set, one label call per option, as ``choose`` does."""

    def run(proxy: Proxy, rows: Sequence[Row]) -> Scores:
        labels = list(options)
        pairs = [(row["text"], f"{question} {options[label]}") for row in rows for label in labels]
        scores = proxy.label([text for text, _ in pairs], [instruction for _, instruction in pairs])
        got = [labels[i] for i in np.asarray(scores).reshape(len(rows), len(labels)).argmax(axis=1)]
        wanted = [row["label"] for row in rows]
        return {"accuracy": accuracy(got, wanted), "macro F1": macro_f1(got, wanted)}

    return run


def yes_no(question: str, label: str) -> Callable[[Proxy, Sequence[Row]], Scores]:
    """Ask every row one question."""

    def run(proxy: Proxy, rows: Sequence[Row]) -> Scores:
        scores = proxy.label([row["text"] for row in rows], [question] * len(rows))
        got = (scores >= proxy.label_threshold).tolist()
        wanted = [row["label"] == label for row in rows]
        return {"accuracy": accuracy(got, wanted), "balanced accuracy": balanced_accuracy(got, wanted)}

    return run


def tasks(data: Path) -> list[Task]:
    found: list[Task] = []
    for split, names in (("test", ENTITIES_UNSEEN), ("dev", ENTITIES_SEEN)):
        found += [Task("entities", n, split, entities(label_names(data, f"spans/{n}"))) for n in names]
    for split, names in (("test", QUESTIONS_UNSEEN), ("dev", QUESTIONS_SEEN)):
        found += [Task("questions", n, split, questions) for n in names]
    for split, names in (("test", ENTAILMENT_UNSEEN), ("dev", ENTAILMENT_SEEN)):
        found += [Task("entailment", n, split, entailment) for n in names]
    for split, asked in (("test", CHOICES_UNSEEN), ("dev", CHOICES_SEEN)):
        for name, (question, given) in asked.items():
            options = {k: given.get(k, plain(v)) for k, v in label_names(data, f"classify/{name}").items()}
            found.append(Task("choose", name, split, choices(question, options)))
    for split, yes in (("test", QUESTIONS_YES_UNSEEN), ("dev", QUESTIONS_YES_SEEN)):
        found += [Task("yes/no", n, split, yes_no(question, label)) for n, (question, label) in yes.items()]
    return found


def sample(data: Path, task: Task, limit: int) -> list[Row]:
    """Return at most ``limit`` rows of a set, the same ones every time."""
    rows = read_split(data, task.folder, task.split)
    random.Random(SEED).shuffle(rows)
    return rows[:limit]


def measure(proxy: OnnxProxy, chosen: Sequence[tuple[Task, Sequence[Row]]]) -> list[Scores]:
    results = []
    for task, rows in chosen:
        started, tokens = time.perf_counter(), proxy.tokens_run
        results.append(task.run(proxy, rows))
        spent = time.perf_counter() - started
        done = f"{proxy.tokens_run - tokens:,} tokens in {spent:.0f} s"
        print(f"{proxy.folder.name}: {task.group} {task.name}: {done}", file=sys.stderr, flush=True)
    return results


def table(chosen: Sequence[tuple[Task, Sequence[Row]]], names: Sequence[str], results: Sequence[list[Scores]]) -> str:
    """Return the Markdown table; the bold lines are means over the sets of a group."""
    lines = [
        f"| task | set | rows | measure | {' | '.join(names)} |",
        f"|---|---|---:|---|{'---:|' * len(names)}",
    ]
    for split, title in (("test", "not trained on"), ("dev", "trained on")):
        for group in dict.fromkeys(task.group for task, _ in chosen):
            picked = [i for i, (task, _) in enumerate(chosen) if (task.group, task.split) == (group, split)]
            if not picked:
                continue
            for i in picked:
                task, rows = chosen[i]
                for measure_ in results[0][i]:
                    values = " | ".join(f"{100 * result[i][measure_]:.1f}" for result in results)
                    lines.append(f"| {group} | {task.name} ({task.split}) | {len(rows)} | {measure_} | {values} |")
            for measure_ in results[0][picked[0]]:
                values = " | ".join(f"**{100 * mean(r[i][measure_] for i in picked):.1f}**" for r in results)
                lines.append(f"| **{group}** | **{title}** | | **{measure_}** | {values} |")
    for name in means(chosen, results[0]):
        values = " | ".join(f"**{means(chosen, result)[name]:.2f}**" for result in results)
        lines.append(f"| **mean** | **{name}** | | **all measures** | {values} |")
    return "\n".join(lines)


def means(chosen: Sequence[tuple[Task, Sequence[Row]]], result: list[Scores]) -> dict[str, float]:
    """Return the mean of all measures in percent, over all sets and over those not trained on, if any."""
    unseen = [scores for (task, _), scores in zip(chosen, result, strict=True) if task.split == "test"]
    groups = {"all": result, "not trained on": unseen}
    return {
        name: 100 * mean(value for scores in group for value in scores.values())
        for name, group in groups.items()
        if group
    }


def as_json(chosen: Sequence[tuple[Task, Sequence[Row]]], result: list[Scores]) -> dict[str, Any]:
    """Return the measurements of one proxy, in percent, for a manifest."""
    sets: dict[str, Any] = {}
    for (task, rows), scores in zip(chosen, result, strict=True):
        figures = {name: round(100 * value, 1) for name, value in scores.items()}
        sets[f"{task.group}/{task.name} ({task.split})"] = {"rows": len(rows), **figures}
    return {"mean": {name: round(value, 2) for name, value in means(chosen, result).items()}, "sets": sets}


def record(folder: Path, quality: dict[str, Any]) -> None:
    """Write the measurements into the manifest of a proxy."""
    path = folder / "proxy.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["metrics"] = {**manifest.get("metrics", {}), "quality": quality}
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    kestrel = Path(__file__).resolve().parents[1] / "runtime" / "proxy" / "kestrel"
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--proxy", type=Path, nargs="+", default=[kestrel], help="proxy folders, one column each")
    parser.add_argument("--limit", type=int, default=300, help="rows per set at most")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--only", default="", help="only sets or tasks whose name contains this")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--record", action="store_true", help="write them into each proxy.json too")
    options = parser.parse_args()
    wanted = [t for t in tasks(options.data) if options.only in f"{t.group}/{t.name}"]
    if not wanted:
        parser.error(f"no task or set has {options.only!r} in its name")
    chosen = [(task, sample(options.data, task, options.limit)) for task in wanted]
    proxies = [OnnxProxy(folder, threads=options.threads) for folder in options.proxy]
    results = [measure(proxy, chosen) for proxy in proxies]
    names = [proxy.folder.name for proxy in proxies]
    print(table(chosen, names, results))
    figures = {name: as_json(chosen, result) for name, result in zip(names, results, strict=True)}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if options.record:
        for proxy in proxies:
            record(proxy.folder, figures[proxy.folder.name])


if __name__ == "__main__":
    main()
