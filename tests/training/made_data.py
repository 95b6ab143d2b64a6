"""Tiny labelled sets in the layout of the real ones, written into a folder of the test."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald")
PLACES = ("Paris", "Oslo", "Lima", "Cairo", "Quito", "Bonn")
VERBS = ("visited", "left", "liked", "saw")


def write_sets(data: Path, *, rows: int = 24) -> Path:
    """Write one set per task, with train, dev and test splits; one train text is also in test."""
    for split, seed in (("train", 1), ("dev", 2), ("test", 3)):
        made = [sentence(random.Random(f"{seed}:{number}"), number, split) for number in range(rows)]
        if split == "test":
            made.append(sentence(random.Random("1:0"), 0, "train"))
        write(data, "spans/broad_twitter", split, [spans_row(*one) for one in made])
        write(data, "qa/squad_part", split, [question_row(*one) for one in made])
        write(data, "nli/mnli_part", split, [entailment_row(*one) for one in made])
        write(data, "classify/sst2", split, [class_row(*one) for one in made])
    labels(data, "spans/broad_twitter", {"PER": "person", "LOC": "location (place)", "ORG": "organization"})
    labels(data, "classify/sst2", {"positive": "positive film review", "negative": "negative film review"})
    return data


def sentence(rng: random.Random, number: int, split: str) -> tuple[str, str, str]:
    who, where = rng.choice(NAMES), rng.choice(PLACES)
    return f"{split} {number}: {who} {rng.choice(VERBS)} {where} — naïvely 🙂 .", who, where


def spans_row(text: str, who: str, where: str) -> dict[str, Any]:
    spans = [
        {"start": text.index(found), "end": text.index(found) + len(found), "label": label}
        for found, label in ((who, "PER"), (where, "ORG" if "saw" in text else "LOC"))
    ]
    return {"id": text, "text": text, "spans": spans}


def question_row(text: str, who: str, where: str) -> dict[str, Any]:
    answers = [] if "left" in text else [{"start": text.index(where), "text": where}]
    return {"id": text, "context": text, "question": f"Where was {who} in {text[:9]}?", "answers": answers}


def entailment_row(text: str, who: str, where: str) -> dict[str, Any]:
    label = "entailment" if "visited" in text else "neutral"
    return {"id": text, "premise": text, "hypothesis": f"{who} went to {where}.", "label": label}


def class_row(text: str, who: str, where: str) -> dict[str, Any]:
    return {"id": text, "text": text, "label": "positive" if "liked" in text else "negative"}


def write(data: Path, name: str, split: str, rows: list[dict[str, Any]]) -> None:
    folder = data / name
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")


def labels(data: Path, name: str, names: dict[str, str]) -> None:
    (data / name / "labels.json").write_text(json.dumps(names))
