"""Texts longer than a window: what two ways of cutting them find, and what they cost.

``python benchmarks/long_texts.py --data DIR [--rows N] [--proxy NAME] [--threads N]``

*Equal* windows are the product's: as few as cover the text with the overlap wanted, all as small as that allows. *Full*
ones hold what a window can, the last one moved back to be full as well. Both read the same development texts in one
run, none of which fits a window. Labels by the area under the ROC curve, spans by the F1 of their words, at the
product's thresholds; three turns in turn for the seconds, of which the median counts.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from falconql.runtime.proxy import find_proxy, prompts
from falconql.runtime.proxy.onnx import OnnxProxy
from falconql.training.scoring import Counts, ranking, word_spans
from falconql.training.sources import label_names, read_split

TURNS = 3
SEED = 2026
Ranges = Callable[[int, int, int], list[tuple[int, int]]]


def full_windows(tokens: int, room: int, overlap: int) -> list[tuple[int, int]]:
    """Return ranges of ``room`` tokens that cover ``tokens``."""
    if tokens <= room:
        return [(0, tokens)]
    step = max(1, room - min(overlap, room // 2))
    starts = [*range(0, tokens - room, step), tokens - room]
    return [(start, start + room) for start in starts]


WAYS: dict[str, Ranges] = {"full": full_windows, "equal": prompts.window_ranges}


@contextmanager
def windows(way: str) -> Iterator[None]:
    """Cut texts in one of the ways."""
    prompts.window_ranges = WAYS[way]
    try:
        yield
    finally:
        prompts.window_ranges = WAYS["equal"]


@dataclass(frozen=True, slots=True)
class Question:
    """One instruction over long texts; ``truths`` are yes or no for a label, places for spans."""

    name: str
    texts: list[str]
    asked: list[str]
    truths: list[Any]

    def answered(self, proxy: OnnxProxy) -> float:
        """Return the area under the curve or the word F1, in percent."""
        if isinstance(self.truths[0], bool):
            return 100 * ranking(proxy.label(self.texts, self.asked), np.array(self.truths))
        total = Counts()
        for text, found, true in zip(self.texts, proxy.spans(self.texts, self.asked), self.truths, strict=True):
            total += word_spans(text, [(span.start, span.end) for span in found], true)
        return 100 * float(total.f1)


def labels(data: Path, rows: int, fits: Callable[[str], bool]) -> Iterator[Question]:
    """Yield yes/no questions on sets whose texts are long, and on short texts put together."""
    for name, label, asked in (
        ("classify/imdb", "positive", "Is this a positive review?"),
        ("classify/imdb", "negative", "Is the author dissatisfied?"),
        ("classify/bbc_news", "sport", "Is this about sport?"),
        ("classify/bbc_news", "politics", "Is this about politics?"),
    ):
        names = label_names(data, name)
        long = [row for row in _shuffled(data, name) if not fits(row["text"])][:rows]
        truths = [names[row["label"]].lower().startswith(label[:3]) for row in long]
        yield Question(f"{name.split('/')[1]}: {asked}", [row["text"] for row in long], [asked] * len(long), truths)
    names = label_names(data, "classify/dbpedia14")
    texts, asked_of, answers = [], [], []
    for number, group in enumerate(_groups(_shuffled(data, "classify/dbpedia14"), 8, rows)):
        inside = sorted({names[row["label"]] for row in group})
        chosen = random.Random(number).choice(inside if number % 2 else sorted(set(names.values()) - set(inside)))
        texts.append("\n".join(row["text"] for row in group))
        asked_of.append(f"Does it mention a {chosen}?")
        answers.append(bool(number % 2))
    yield Question("eight dbpedia texts in one: Does it mention a ...?", texts, asked_of, answers)


def spans(data: Path, rows: int) -> Iterator[Question]:
    """Yield what is to be found in paragraphs put together."""
    texts, asked, truths = [], [], []
    for number, group in enumerate(_groups(_shuffled(data, "qa/squad_part"), 3, rows)):
        place = number % 3
        row, before = group[place], "\n".join([*(other["context"] for other in group[:place]), ""])
        start = len(before) + row["answers"][0]["start"]
        texts.append("\n".join(other["context"] for other in group))
        asked.append(row["question"])
        truths.append(((start, start + len(row["answers"][0]["text"])),))
    yield Question("three SQuAD paragraphs in one: the answer", texts, asked, truths)
    for name, wanted in (("wikigold", "person"), ("bc5cdr", "chemical or drug")):
        names = label_names(data, f"spans/{name}")
        joined, found = [], []
        for group in _groups(_shuffled(data, f"spans/{name}"), 14, rows):
            text, places = "", []
            for row in group:
                named = [span for span in row["spans"] if names.get(span["label"]) == wanted]
                places += [(len(text) + span["start"], len(text) + span["end"]) for span in named]
                text += row["text"] + "\n"
            joined.append(text)
            found.append(tuple(places))
        asked_for = {"person": "Extract the names of people"}.get(wanted, "Extract the chemicals")
        yield Question(f"fourteen {name} sentences in one: {asked_for}", joined, [asked_for] * len(joined), found)


def _shuffled(data: Path, name: str) -> list[dict[str, Any]]:
    rows = read_split(data, name, "dev")
    random.Random(SEED).shuffle(rows)
    return rows


def _groups(rows: list[dict[str, Any]], size: int, most: int) -> list[list[dict[str, Any]]]:
    return [rows[place : place + size] for place in range(0, len(rows) - size + 1, size)][:most]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--rows", type=int, default=150, help="texts of a question at most")
    parser.add_argument("--proxy", default="kestrel")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    proxy = OnnxProxy(find_proxy(options.proxy), threads=options.threads)
    most, tokenizer = proxy.manifest.max_tokens, proxy.prompter.tokenizer
    questions = [
        *labels(options.data, options.rows, lambda text: len(tokenizer.encode(text)) <= most),
        *spans(options.data, options.rows),
    ]
    print("| question | texts | full windows | equal windows | tokens, equal / full | seconds, equal / full |")
    print("|---|---:|---:|---:|---:|---:|")
    for question in questions:
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        scores, tokens = {}, {}
        for _ in range(TURNS):
            for way in WAYS:
                with windows(way):
                    before, begun = proxy.tokens_run, time.perf_counter()
                    scores[way] = question.answered(proxy)
                    seconds[way].append(time.perf_counter() - begun)
                    tokens[way] = proxy.tokens_run - before
        least, most_s = (statistics.median(seconds[way]) for way in ("equal", "full"))
        found = f"{scores['full']:.1f} | {scores['equal']:.1f} | {tokens['equal'] / tokens['full']:.2f}"
        print(f"| {question.name} | {len(question.texts)} | {found} | {least / most_s:.2f} |", flush=True)


if __name__ == "__main__":
    main()
