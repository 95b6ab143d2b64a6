"""What ``quality.py`` asks a proxy, set by set, and what it makes of the answers.

A task is a set, the instructions put to each of its rows, and measures. A measure can be taken of any choice of rows,
so that its interval comes from resampling them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.scoring import (
    answer_f1,
    balanced_accuracy,
    calibration_error,
    exact_spans,
    macro_f1,
    threshold_loss,
    word_spans,
)
from falconql.training.sources import FAMILIES, label_names

Row = dict[str, Any]
Rows = NDArray[np.int64]
Measure = Callable[[Rows], float]
SEED = 2026

# What Kestrel was trained on of a set's family: nothing, from 1.3 on its training split, or always that.
NEVER, SINCE, TRAINED = "not trained on", "not trained on before 1.3", "trained on"
ENTITIES_UNSEEN: tuple[str, ...] = ("wnut17", "gum", "jnlpba")
ENTITIES_SINCE: tuple[str, ...] = ("tasteset", "skillspan", "cyner", "re3d")
ENTITIES_SEEN: tuple[str, ...] = ("broad_twitter", "bc5cdr", "wikigold", "conll04", "mit_movie_trivia")
QUESTIONS_UNSEEN: tuple[str, ...] = ("covid_qa",)
QUESTIONS_SEEN: tuple[str, ...] = ("squad_part", "squad2_part", "qamr", "policyqa")
ENTAILMENT_UNSEEN: tuple[str, ...] = ("climate_fever", "med")
ENTAILMENT_SEEN: tuple[str, ...] = ("mnli_part", "snli_part", "fever_evidence", "lingnli", "rte")
CHOICES_UNSEEN: dict[str, tuple[str, dict[str, str]]] = {
    "bbc_news": ("What is the topic?", {}),
    "ag_news": ("What is the topic?", {}),
    "sms_spam": ("What kind of message is it?", {"ham": "an ordinary message", "spam": "spam or advertising"}),
    "tweet_emotion": ("Which emotion is expressed?", {}),
}
CHOICES_SEEN: dict[str, tuple[str, dict[str, str]]] = {
    "dbpedia14": ("What is this about?", {}),
    "snips_intents": ("What does the user want?", {}),
    "sst2": ("What is the sentiment?", {}),
}
# Yes/no questions, each in five wordings, and the label for which the answer is yes.
YES_UNSEEN = {
    "sms_spam": (
        "spam",
        (
            "Is this spam?",
            "spam",
            "This is an advertisement or spam.",
            "Is it unsolicited advertising?",
            "Is this junk?",
        ),
    ),
    "bbc_news": (
        "sport",
        (
            "Is this about sport?",
            "sport",
            "This article is about sport.",
            "Does it deal with sports?",
            "Is sport the topic?",
        ),
    ),
    "tweet_emotion": (
        "anger",
        (
            "Is the author angry?",
            "anger",
            "The author expresses anger.",
            "Does the writer feel angry?",
            "Is this furious?",
        ),
    ),
}
# Sets that are not trained on, for decisions about the training: mostly such whose licence forbids commercial use.
# Their development splits, which are not reported.
ENTITIES_VALIDATION: tuple[str, ...] = ("gum", "jnlpba", "wikineural_en")
ENTAILMENT_VALIDATION: tuple[str, ...] = ("sick", "anli")
CHOICES_VALIDATION: dict[str, tuple[str, dict[str, str]]] = {
    "ag_news": ("What is the topic?", {}),
    "tweet_sentiment": ("What is the sentiment?", {}),
}
YES_VALIDATION = {
    "tweet_offensive": (
        "offensive",
        (
            "Is this offensive?",
            "offensive",
            "The message insults somebody.",
            "Is it rude or abusive?",
            "Is this an insult?",
        ),
    ),
    "tweet_irony": (
        "irony",
        ("Is this ironic?", "irony", "The author is being ironic.", "Does the writer mean the opposite?", "sarcasm"),
    ),
}
OPINION_UNSEEN: tuple[str, ...] = ("multidomain_sentiment",)
OPINION_SEEN: tuple[str, ...] = ("imdb", "sst2", "amazon_polarity")
# The same question in five wordings, and whether yes is a positive opinion.
OPINION = (
    ("Is this a positive review?", True),
    ("Does the author like it?", True),
    ("The reviewer recommends it.", True),
    ("Is the customer unhappy?", False),
    ("positive", True),
)


@dataclass(frozen=True, slots=True)
class Task:
    """A set, what is asked of its rows, and since when its family is trained on."""

    group: str
    name: str
    split: str
    since: str
    run: Callable[[OnnxProxy, Sequence[Row]], dict[str, Measure]]

    @property
    def folder(self) -> str:
        """Return where the set lies."""
        kind = {"entities": "spans", "questions": "qa", "entailment": "nli"}.get(self.group, "classify")
        return f"{kind}/{self.name}"


def tasks(data: Path) -> list[Task]:
    """Return all tasks."""
    found: list[Task] = []
    for names, usual in ((ENTITIES_UNSEEN, NEVER), (ENTITIES_SINCE, SINCE), (ENTITIES_SEEN, TRAINED)):
        found += [_task("entities", n, usual, entities(label_names(data, f"spans/{n}"))) for n in names]
    for names, usual in ((QUESTIONS_UNSEEN, NEVER), (QUESTIONS_SEEN, TRAINED)):
        found += [_task("questions", n, usual, questions) for n in names]
    for names, usual in ((ENTAILMENT_UNSEEN, NEVER), (ENTAILMENT_SEEN, TRAINED)):
        found += [_task("entailment", n, usual, entailment) for n in names]
    for asked, usual in ((CHOICES_UNSEEN, NEVER), (CHOICES_SEEN, TRAINED)):
        for name, (question, given) in asked.items():
            options = {k: given.get(k, plain(v)) for k, v in label_names(data, f"classify/{name}").items()}
            found.append(_task("choose", name, usual, choices(question, options)))
    for name, (label, wordings) in YES_UNSEEN.items():
        found.append(_task("yes/no", name, NEVER, yes_no(label, wordings)))
    for names, usual in ((OPINION_UNSEEN, NEVER), (OPINION_SEEN, TRAINED)):
        found += [_task("opinion", n, usual, opinion) for n in names]
    return found


def _task(group: str, name: str, usual: str, run: Callable[[OnnxProxy, Sequence[Row]], dict[str, Measure]]) -> Task:
    since = SINCE if f"classify/{name}" in FAMILIES else usual
    return Task(group, name, "dev" if since == TRAINED and name != "imdb" else "test", since, run)


def validation_tasks(data: Path) -> list[Task]:
    """Return the tasks by which decisions about the training are made: nothing that is trained on or reported."""
    found = [Task("entities", n, "dev", NEVER, entities(label_names(data, f"spans/{n}"))) for n in ENTITIES_VALIDATION]
    found += [Task("entailment", n, "dev", NEVER, entailment) for n in ENTAILMENT_VALIDATION]
    for name, (question, given) in CHOICES_VALIDATION.items():
        options = {k: given.get(k, plain(v)) for k, v in label_names(data, f"classify/{name}").items()}
        found.append(Task("choose", name, "dev", NEVER, choices(question, options)))
    for name, (label, wordings) in YES_VALIDATION.items():
        found.append(Task("yes/no", name, "dev", NEVER, yes_no(label, wordings)))
    return found


def plain(name: str) -> str:
    """Return the name of a label without what stands in brackets."""
    return re.sub(r"\s*\([^)]*\)", "", name).strip()


def entities(names: dict[str, str]) -> Callable[[OnnxProxy, Sequence[Row]], dict[str, Measure]]:
    """Ask every row for every type of the set."""

    def run(proxy: OnnxProxy, rows: Sequence[Row]) -> dict[str, Measure]:
        pairs = [(row, name) for row in rows for name in names.values()]
        found = proxy.spans([r["text"] for r, _ in pairs], [f"Extract the {plain(n)}" for _, n in pairs])
        exact, words = np.zeros((len(rows), 3)), np.zeros((len(rows), 3))
        for number, ((row, name), spans) in enumerate(zip(pairs, found, strict=True)):
            got = [(span.start, span.end) for span in spans]
            wanted = [(s["start"], s["end"]) for s in row["spans"] if names.get(s["label"]) == name]
            for counts, own in ((exact, exact_spans(got, wanted)), (words, word_spans(row["text"], got, wanted))):
                counts[number // len(names)] += (own.right, own.predicted, own.wanted)
        return {"exact F1": _f1(exact), "word F1": _f1(words)}

    return run


def _f1(counts: NDArray[np.float64]) -> Measure:
    """Return the F1 of rows of right, predicted and wanted items."""

    def measure(rows: Rows) -> float:
        right, predicted, wanted = counts[rows].sum(axis=0)
        return float(2 * right / (predicted + wanted)) if predicted + wanted else 1.0

    return measure


def questions(proxy: OnnxProxy, rows: Sequence[Row]) -> dict[str, Measure]:
    """Ask every row its question, and every other one a question whose answer is elsewhere."""
    random_ = random.Random(SEED)
    strangers = [random_.choice(rows)["question"] for _ in rows]
    asked = [(row, row["question"]) for row in rows] + list(zip(rows, strangers, strict=True))
    found = proxy.spans([row["context"] for row, _ in asked], [question for _, question in asked])
    best = [max(spans, key=lambda span: span.score, default=None) for spans in found]
    said = ["" if b is None else r["context"][b.start : b.end] for b, (r, _) in zip(best, asked, strict=True)]
    own = np.full(len(rows), np.nan)
    none = np.full((len(rows), 2), np.nan)
    for number, row in enumerate(rows):
        if row["answers"]:
            own[number] = answer_f1(said[number], [answer["text"] for answer in row["answers"]])
        else:
            none[number, 0] = not said[number]
        if number % 2 and strangers[number] != row["question"]:
            none[number, 1] = not said[len(rows) + number]
    return {"answer F1": _mean(own), "no-answer accuracy": _mean(none)}


def _mean(values: NDArray[np.float64]) -> Measure:
    """Return the mean over rows of what is not missing."""
    return lambda rows: float(np.nanmean(values[rows]))


def entailment(proxy: OnnxProxy, rows: Sequence[Row]) -> dict[str, Measure]:
    """Put each hypothesis as the instruction: does the text say so?"""
    scores = proxy.label([r["premise"] for r in rows], [r["hypothesis"] for r in rows])
    return _binary(proxy, np.asarray(scores), np.array([r["label"] == "entailment" for r in rows]))


def _binary(proxy: OnnxProxy, scores: NDArray[Any], truth: NDArray[np.bool_]) -> dict[str, Measure]:
    got = scores >= proxy.label_threshold
    threshold = proxy.label_threshold
    return {
        "accuracy": lambda rows: float((got[rows] == truth[rows]).mean()),
        "balanced accuracy": lambda rows: balanced_accuracy(got[rows].tolist(), truth[rows].tolist()),
        "ECE": lambda rows: calibration_error(scores[rows].tolist(), truth[rows].tolist()),
        "F1 lost by the threshold": lambda rows: threshold_loss(scores[rows].tolist(), truth[rows].tolist(), threshold),
    }


def choices(question: str, options: dict[str, str]) -> Callable[[OnnxProxy, Sequence[Row]], dict[str, Measure]]:
    """Choose among all classes of the set, one label call per option, as ``choose`` does."""

    def run(proxy: OnnxProxy, rows: Sequence[Row]) -> dict[str, Measure]:
        labels = list(options)
        pairs = [(row["text"], f"{question} {options[label]}") for row in rows for label in labels]
        scores = proxy.label([text for text, _ in pairs], [instruction for _, instruction in pairs])
        got = np.asarray(scores).reshape(len(rows), len(labels)).argmax(axis=1)
        wanted = np.array([labels.index(row["label"]) for row in rows])
        return {
            "accuracy": lambda chosen: float((got[chosen] == wanted[chosen]).mean()),
            "macro F1": lambda chosen: macro_f1(got[chosen].tolist(), wanted[chosen].tolist()),
        }

    return run


def yes_no(label: str, wordings: Sequence[str]) -> Callable[[OnnxProxy, Sequence[Row]], dict[str, Measure]]:
    """Ask every row one question in several wordings; the first one is measured, all for how far they agree."""

    def run(proxy: OnnxProxy, rows: Sequence[Row]) -> dict[str, Measure]:
        truth = np.array([row["label"] == label for row in rows])
        scores = _asked(proxy, [row["text"] for row in rows], wordings)
        return {
            **_binary(proxy, scores[0], truth),
            "agreement of wordings": _agreement(scores >= proxy.label_threshold),
        }

    return run


def opinion(proxy: OnnxProxy, rows: Sequence[Row]) -> dict[str, Measure]:
    """Ask every review for its opinion in five wordings."""
    truth = np.array(["positive" in row["label"] for row in rows])
    scores = _asked(proxy, [row["text"] for row in rows], [wording for wording, _ in OPINION])
    yes = scores >= proxy.label_threshold
    positive = np.array([got if way else ~got for got, (_, way) in zip(yes, OPINION, strict=True)])

    def accuracy_of(got: NDArray[np.bool_]) -> Measure:
        return lambda chosen: float((got[chosen] == truth[chosen]).mean())

    found = {f"“{wording}”": accuracy_of(got) for got, (wording, _) in zip(positive, OPINION, strict=True)}
    calibration = _binary(proxy, scores[0], truth)["ECE"]
    return {**found, "ECE": calibration, "agreement of wordings": _agreement(positive)}


def _asked(proxy: OnnxProxy, texts: Sequence[str], wordings: Sequence[str]) -> NDArray[Any]:
    """Return scores [wordings, texts]."""
    return np.array([proxy.label(texts, [wording] * len(texts)) for wording in wordings])


def _agreement(answers: NDArray[np.bool_]) -> Measure:
    """Return the share of pairs of wordings that give a row the same answer."""
    yes = answers.sum(axis=0)
    of = len(answers)
    same = (yes * (yes - 1) + (of - yes) * (of - yes - 1)) / (of * (of - 1))
    return lambda rows: float(same[rows].mean())
