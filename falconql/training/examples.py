"""Labelled rows to instructions: what a proxy learns from.

An example is an instruction about a text with its answer: true or false, or the spans asked for
(character offsets, ``text[start:end]``). Negatives are made on purpose: types that are absent,
questions whose answer is elsewhere, other classes, the opposite sentiment.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falconql.training import phrasing
from falconql.training.overlap import evaluation_free
from falconql.training.sources import TrainingSet, label_names, read_split

Row = Mapping[str, Any]

ABSENT_TYPE_SHARE = 0.3
MENTION_SHARE = 0.12
KIND_SHARE = 0.06
WRONG_QUESTION_SHARE = 0.13
ANSWERABLE_SHARE = 0.07
VERIFIED_SHARE = 0.08
NEAR_CLASS_SHARE = 0.4
EMPTY_SHARE = 0.2  # of the rows of a family
# Sets whose rows list all right answers; elsewhere several answers are variants of one.
ALL_ANSWERS = ("qa/qasrl_gs", "qa/bioasq_part")
# Nobody who asks for people or things wants to read these; some sets mark them. In capitals US is a country.
PRONOUN = re.compile(
    r"I|[Mm](?:e|y|ine|yself)|[Yy]ou(?:rs?|rself)?|[Hh](?:e|im|is|imself|ers?|erself)|[Ss]he|[Ii]t(?:s|self)?|"
    r"[Ww]e|[Uu]s|[Oo]urs?|[Oo]urselves|[Tt]he(?:y|m|irs?|mselves)|[Ww]ho(?:m|se)?|[Ww]hich|[Tt]h(?:at|is|ese|ose)"
)


@dataclass(frozen=True, slots=True)
class Example:
    """``answer`` is a bool for a label instruction, a tuple of (start, end) for a span one."""

    instruction: str
    text: str
    answer: bool | tuple[tuple[int, int], ...]


def examples_of(set_: TrainingSet, data: Path, banned: frozenset[bytes], seed: int) -> Iterator[Example]:
    """Yield examples of one training split endlessly, reshuffled on every pass.

    Rows whose text is among ``banned`` fingerprints, or in which a pronoun is an answer, are never used. Yields nothing
    for a set without other rows.
    """
    allowed = evaluation_free(read_split(data, set_.name, "train"), set_.kind, banned)
    rows: list[Row] = [row for row in allowed if not _pronoun_marked(row)]
    rng = random.Random(f"{seed}:{set_.name}")
    if set_.task == "families":
        rows = _less_empty(rows, rng)
    make = _maker(set_, data, rows)
    while rows:
        rng.shuffle(rows)
        for row in rows:
            yield make(row, rng)


def dev_examples(set_: TrainingSet, data: Path, count: int, seed: int) -> list[Example]:
    """Return at most ``count`` examples of a dev split, for calibration; none if there is no split."""
    rows = read_split(data, set_.name, "dev")
    rng = random.Random(f"{seed}:{set_.name}")
    make = _maker(set_, data, rows)
    rng.shuffle(rows)
    return [make(row, rng) for row in rows[:count]]


def _maker(set_: TrainingSet, data: Path, rows: Sequence[Row]) -> Callable[[Row, random.Random], Example]:
    if set_.kind == "spans":
        return _SpanMaker(label_names(data, set_.name), rows)
    if set_.kind == "qa":
        return _QuestionMaker(rows, all_answers=set_.name in ALL_ANSWERS)
    if set_.kind == "nli":
        return _entailment
    return _ClassMaker(set_.name.split("/")[1], label_names(data, set_.name))


class _SpanMaker:
    def __init__(self, names: Mapping[str, str], rows: Sequence[Row]) -> None:
        self.names = names
        self.types = sorted({span["label"] for row in rows for span in row["spans"]} & set(self.names))

    def __call__(self, row: Row, rng: random.Random) -> Example:
        present = sorted({span["label"] for span in row["spans"]} & set(self.names))
        absent = [name for name in self.types if self.names[name] not in {self.names[p] for p in present}]
        ask_absent = not present or (bool(absent) and rng.random() < ABSENT_TYPE_SHARE)
        if ask_absent and not absent:
            ask_absent = False
        label = rng.choice(absent if ask_absent else present or self.types)
        name = self.names[label]
        if rng.random() < MENTION_SHARE:
            return Example(phrasing.mention_instruction(name, rng), row["text"], not ask_absent)
        if present and rng.random() < KIND_SHARE:
            return self._kind(row, rng)
        spans = () if ask_absent else _spans_named(row, name, self.names)
        return Example(phrasing.span_instruction(name, rng), row["text"], spans)

    def _kind(self, row: Row, rng: random.Random) -> Example:
        span = rng.choice([s for s in row["spans"] if s["label"] in self.names])
        own = {s["label"] for s in row["spans"] if s["start"] < span["end"] and s["end"] > span["start"]}
        others = [label for label in self.types if self.names[label] not in {self.names.get(o) for o in own}]
        wrong = bool(others) and rng.random() < 0.5
        label = rng.choice(others) if wrong else span["label"]
        mention = row["text"][span["start"] : span["end"]]
        return Example(phrasing.kind_instruction(mention, self.names[label], rng), row["text"], not wrong)


def _less_empty(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Return the rows without most of those that have no span: each teaches only that there is nothing to find."""
    marked = [row for row in rows if row.get("spans", True)]
    empty = [row for row in rows if not row.get("spans", True)]
    most = round(len(marked) * EMPTY_SHARE / (1 - EMPTY_SHARE))
    return [*marked, *rng.sample(empty, min(len(empty), most))]


def _pronoun_marked(row: Row) -> bool:
    marked = [row["text"][s["start"] : s["end"]] for s in row.get("spans") or ()]
    marked += [answer["text"] for answer in row.get("answers") or ()]
    return any(PRONOUN.fullmatch(each.strip()) for each in marked)


def _spans_named(row: Row, name: str, names: Mapping[str, str]) -> tuple[tuple[int, int], ...]:
    return disjoint(sorted((s["start"], s["end"]) for s in row["spans"] if names.get(s["label"]) == name))


class _QuestionMaker:
    """Questions; some whose answer is elsewhere, and some turned into a label: is it answered, is this the answer?"""

    def __init__(self, rows: Sequence[Row], *, all_answers: bool) -> None:
        self.rows = list(rows)
        self.all_answers = all_answers
        self.answers: dict[str, set[str]] = {}
        for row in self.rows:
            self.answers.setdefault(row["context"], set()).update(a["text"] for a in row["answers"])

    def __call__(self, row: Row, rng: random.Random) -> Example:
        question, context, kind = row["question"].strip(), row["context"], rng.random()
        if kind < WRONG_QUESTION_SHARE and (stranger := self._stranger(context, rng)):
            return Example(stranger, context, ())
        kind -= WRONG_QUESTION_SHARE
        if kind < ANSWERABLE_SHARE:
            stranger = self._stranger(context, rng) if rng.random() < 0.5 else None
            asked = phrasing.answerable_instruction(stranger or question, rng)
            return Example(asked, context, stranger is None and bool(row["answers"]))
        kind -= ANSWERABLE_SHARE
        if kind < VERIFIED_SHARE and row["answers"]:
            others = sorted(self.answers[context] - {a["text"] for a in row["answers"]})
            wrong = bool(others) and rng.random() < 0.55
            answer = rng.choice(others) if wrong else row["answers"][0]["text"]
            return Example(phrasing.answer_instruction(question, answer, rng), context, not wrong)
        answers = row["answers"] if self.all_answers else row["answers"][:1]
        spans = sorted({(a["start"], a["start"] + len(a["text"])) for a in answers})
        return Example(question, context, disjoint(spans))

    def _stranger(self, context: str, rng: random.Random) -> str | None:
        """Return a question about another context: of a few, the one that shares most words with this one."""
        words = set(context.lower().split())
        others = [
            row for row in (rng.choice(self.rows) for _ in range(rng.choice((1, 24)))) if row["context"] != context
        ]
        nearest = max(others, key=lambda row: len(words & set(row["question"].lower().split())), default=None)
        return None if nearest is None else str(nearest["question"]).strip()


def disjoint(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the sorted spans without those that overlap an earlier one."""
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return tuple(kept)


def _entailment(row: Row, rng: random.Random) -> Example:
    instruction = phrasing.statement_instruction(row["hypothesis"], rng)
    return Example(instruction, row["premise"], row["label"] == "entailment")


class _ClassMaker:
    def __init__(self, set_name: str, names: Mapping[str, str]) -> None:
        self.set_name = set_name
        self.names = names
        self.labels = sorted(names)

    def __call__(self, row: Row, rng: random.Random) -> Example:
        kind = phrasing.topic_review_instructions(self.set_name)
        if kind and rng.random() < 0.04:
            return Example(rng.choice(kind), row["text"], True)
        if self.set_name in phrasing.SENTIMENT_SETS:
            return self._sentiment(row, rng)
        right = [label for label in row["label"].split("|") if label in self.names]
        if right and rng.random() < 0.5:
            return self._class(row, rng.choice(right), True, rng)
        wrong = [label for label in self.labels if label not in right]
        near = [label for label in wrong if any(self._words(label) & self._words(own) for own in right)]
        if near and rng.random() < NEAR_CLASS_SHARE:
            wrong = near
        return self._class(row, rng.choice(wrong), False, rng)

    def _words(self, label: str) -> set[str]:
        """Return the words of a class's name by which it is like another: bill balance, pay bill."""
        return {word for word in self.names[label].lower().split() if len(word) > 3}

    def _class(self, row: Row, label: str, answer: bool, rng: random.Random) -> Example:
        instruction = phrasing.class_instruction(self.set_name, self.names[label], rng)
        return Example(instruction, row["text"], answer)

    def _sentiment(self, row: Row, rng: random.Random) -> Example:
        ask_positive = rng.random() < 0.5
        instruction = phrasing.sentiment_instruction(self.set_name, ask_positive, rng)
        is_positive, is_negative = "positive" in row["label"], "negative" in row["label"]
        return Example(instruction, row["text"], is_positive if ask_positive else is_negative)
