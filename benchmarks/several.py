"""Several label instructions about one text in one pass: what it costs in quality, and what it saves.

    python benchmarks/several.py quality --data DIR [--arms alone 4 6 together] [--pairs 12000] [--base kestrel|encoder]
    python benchmarks/several.py time [--tokens 16 64 256] [--repeat 5]

A proxy reads ``[CLS] instruction [SEP] text [SEP]`` once per instruction. To share the work, the text must be
represented without knowing the instruction, at least up to some layer; the arms differ in where that ends:

    alone      every layer sees instruction and text together: the contract as it is
    1 to 5     in so many layers the text sees only itself, and is computed once for all instructions; the instructions
               see it and themselves. In the layers above, every pair has a copy of the text and sees all of itself
    6          as before, with no layer above: one pass over the text and each instruction's own tokens
    together   one pass in which the text sees all instructions, and through it they see each other: the score of an
               instruction then depends on what else is asked, which the contract forbids

``quality`` continues training from the shipped proxy (or from the encoder that it was made of, so that no arm has the
advantage of what the proxy has learned in its own layout) on the same texts and instructions, in the same steps, for
every arm, and measures balanced accuracy of labels on development splits, in families that are trained on and in
families that are not. ``time`` takes the shipped int8 model apart and measures each way on this machine.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from several_time import report_times
from tokenizers import Tokenizer
from torch import nn

import falconql.runtime.proxy
from falconql.training.base import base_model_dir
from falconql.training.dataset import B, O, special_token
from falconql.training.examples import Example, dev_examples, examples_of
from falconql.training.overlap import fingerprints
from falconql.training.pretrain import fast_on_cpu, new_model
from falconql.training.scoring import balanced_accuracy
from falconql.training.sources import TrainingSet, evaluation_texts, label_names, read_split, sets_in

KESTREL = Path(falconql.runtime.proxy.__file__).parent / "kestrel"
LEARNED = (
    "classify/goemotions",
    "classify/dbpedia14",
    "classify/clinc150",
    "classify/sst5",
    "classify/amazon_polarity",
    "classify/hate_offensive",
    "nli/snli_part",
    "nli/mnli_part",
    "nli/fever_evidence",
)
# Families that Kestrel 1.2 had not seen, each with a question about a class.
UNSEEN = {
    "classify/bbc_news": "Is this news about {}?",
    "classify/tweet_emotion": "Does the author feel {}?",
    "classify/sms_spam": "Is this an {}?",
    "classify/multidomain_sentiment": "Is this a {}?",
}
MOST_ASKED = 4
TEXT_AT = 16  # where positions of the text begin when it does not know how long the instruction is
MOST_TEXT, MOST_INSTRUCTION = 128, 48
MOST_DRAWN = 100_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A text with the instructions about it, tokenised, and their answers."""

    family: str
    text: list[int]
    instructions: list[list[int]]
    answers: list[bool]


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to lay a text and its instructions out: in ``blind`` layers the text sees only itself."""

    name: str
    blind: int
    together: bool

    @classmethod
    def named(cls, name: str) -> Arm:
        return cls(name, int(name) if name.isdigit() else 0, name == "together")

    def rows(self, asked: Asked, special: tuple[int, int]) -> Iterator[Row]:
        """Yield the model inputs: one per instruction, or one for all.

        With the layers that are blind, the logits of an instruction are the same in a row of its own: nothing else in
        the row can be seen from it. So training needs no other layout, only another mask.
        """
        numbers = range(len(asked.answers))
        groups = [list(numbers)] if self.together else [[number] for number in numbers]
        for group in groups:
            yield Row.of(asked, group, special, fixed=self.together or self.blind > 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One model input. ``parts``: which instruction a token is of, -1: the text; ``firsts``: where each one begins."""

    ids: list[int]
    parts: list[int]
    positions: list[int]
    firsts: list[int]
    answers: list[bool]

    @classmethod
    def of(cls, asked: Asked, numbers: Sequence[int], special: tuple[int, int], *, fixed: bool) -> Row:
        start, end = special
        ids: list[int] = []
        parts: list[int] = []
        positions: list[int] = []
        firsts = []
        for number in numbers:
            firsts.append(len(ids))
            tokens = [start, *asked.instructions[number], end]
            ids += tokens
            parts += [number] * len(tokens)
            positions += range(len(tokens))
        begin = TEXT_AT if fixed else len(ids)
        ids += [*asked.text, end]
        parts += [-1] * (len(asked.text) + 1)
        positions += range(begin, begin + len(asked.text) + 1)
        return cls(ids, parts, positions, firsts, [asked.answers[number] for number in numbers])


def texts_asked(
    sets: Sequence[TrainingSet], data: Path, tokenizer: Tokenizer, count: int, seed: int, *, split: str
) -> list[Asked]:
    """Return ``count`` texts of each set with one to four instructions each."""
    banned = fingerprints(evaluation_texts(data)) if split == "train" else frozenset()
    found: list[Asked] = []
    for set_ in sets:
        unseen = set_.name in UNSEEN
        examples = _unseen(set_, data, split) if unseen else _examples(set_, data, banned, count, seed)
        found += islice(_asked(set_.name, examples, tokenizer, seed), count)
    random.Random(seed).shuffle(found)
    return found


def _examples(set_: TrainingSet, data: Path, banned: frozenset[bytes], count: int, seed: int) -> Iterator[Example]:
    """Yield labels about texts that come again, each time with another instruction."""
    if banned:
        # A pass has one example of every row: several passes have several of each.
        rows = pq.read_metadata(data / set_.name / "train.parquet").num_rows
        made = list(islice(examples_of(set_, data, banned, seed), min(MOST_ASKED * rows, MOST_DRAWN)))
    else:
        made = [e for turn in range(MOST_ASKED) for e in dev_examples(set_, data, MOST_DRAWN, seed + turn)]
    wanted = set(islice(dict.fromkeys(example.text for example in made), 3 * count))
    yield from (e for e in made if e.text in wanted and isinstance(e.answer, bool))


def _unseen(set_: TrainingSet, data: Path, split: str) -> Iterator[Example]:
    """Yield a question about every class for every text, in random order of texts."""
    rows = read_split(data, set_.name, split)
    random.Random(set_.name).shuffle(rows)
    for row in rows:
        for label, name in label_names(data, set_.name).items():
            yield Example(UNSEEN[set_.name].format(name), row["text"], label in row["label"].split("|"))


def _asked(family: str, examples: Iterator[Example], tokenizer: Tokenizer, seed: int) -> Iterator[Asked]:
    rng = random.Random(f"{seed}:{family}")
    of_text: dict[str, dict[str, bool]] = {}
    for example in examples:
        of_text.setdefault(example.text, {}).setdefault(example.instruction, bool(example.answer))
    for text, answers in of_text.items():
        number = min(len(answers), rng.randint(1, MOST_ASKED))
        chosen = rng.sample(sorted(answers), number)
        encoded = [tokenizer.encode(each, add_special_tokens=False).ids for each in (text, *chosen)]
        yield Asked(
            family,
            encoded[0][:MOST_TEXT],
            [ids[:MOST_INSTRUCTION] for ids in encoded[1:]],
            [answers[each] for each in chosen],
        )


def logits_of(model: nn.Module, rows: Sequence[Row], blind: int) -> torch.Tensor:
    """Return the logits (instructions, 3) of all rows' labels, in their order."""
    width = max(len(row.ids) for row in rows)
    ids, positions = np.zeros((2, len(rows), width), dtype=np.int64)
    parts = np.full((len(rows), width), -2, dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = row.ids
        positions[place, : len(row.ids)] = row.positions
        parts[place, : len(row.ids)] = row.parts
    types = torch.from_numpy((parts == -1).astype(np.int64))
    part = torch.from_numpy(parts)
    is_text, own = part == -1, part[:, :, None] == part[:, None, :]
    to_text = own | is_text[:, None, :]
    both_ways = to_text | (is_text[:, :, None] & (part >= 0)[:, None, :])
    bert: Any = model.bert
    hidden = bert.embeddings(
        input_ids=torch.from_numpy(ids), token_type_ids=types, position_ids=torch.from_numpy(positions)
    )
    for number, layer in enumerate(bert.encoder.layer):
        seen = to_text if number < blind else both_ways
        mask = torch.zeros(seen.shape, dtype=hidden.dtype).masked_fill(~seen, -1e4)[:, None]
        found = layer(hidden, mask)
        hidden = found[0] if isinstance(found, tuple) else found
    places = [(place, first) for place, row in enumerate(rows) for first in row.firsts]
    at, first = (torch.tensor(each) for each in zip(*places, strict=True))
    classifier: Any = model.classifier
    return classifier(hidden[at, first]).float()


class Tuner:
    """A model that learns in the layout of an arm."""

    def __init__(self, arm: Arm, base: Path, special: tuple[int, int], options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.arm, self.special, self.options = arm, special, options
        self.model = new_model(base, seed=options.seed)
        fast_on_cpu(self.model)
        self.model.get_input_embeddings().requires_grad_(False)  # type: ignore[operator]
        moved = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.AdamW(moved, lr=options.rate, weight_decay=0.01, fused=True)

    def forward(self, asked: Sequence[Asked]) -> tuple[torch.Tensor, list[bool]]:
        rows = [row for each in asked for row in self.arm.rows(each, self.special)]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = logits_of(self.model, rows, self.arm.blind)
        return logits, [answer for row in rows for answer in row.answers]

    def step(self, asked: Sequence[Asked], done: float) -> None:
        rate = self.options.rate * min(1.0, (done + 1e-3) / 0.1) * (1.0 - done)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        logits, answers = self.forward(asked)
        loss = nn.functional.cross_entropy(logits, torch.tensor([B if answer else O for answer in answers]))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()

    def accuracy(self, asked: Sequence[Asked], batch: int = 32) -> dict[str, float]:
        """Return the balanced accuracy in each family."""
        self.model.eval()
        said: dict[str, list[tuple[bool, bool]]] = {}
        order = sorted(asked, key=lambda each: len(each.text))
        with torch.inference_mode():
            for begin in range(0, len(order), batch):
                part = order[begin : begin + batch]
                logits, answers = self.forward(part)
                found = (logits[:, B] > logits[:, O]).tolist()
                families = [each.family for each in part for _ in each.answers]
                for family, one, wanted in zip(families, found, answers, strict=True):
                    said.setdefault(family, []).append((one, wanted))
        self.model.train()
        return {name: balanced_accuracy(*zip(*pairs, strict=True)) for name, pairs in sorted(said.items())}

    def moved_by_company(self, asked: Sequence[Asked]) -> float:
        """Return by how much a probability moves, on average, when an instruction is asked with others."""
        several = [each for each in asked if len(each.answers) > 1]
        single = [
            Asked(e.family, e.text, [asked], [answer])
            for e in several
            for asked, answer in zip(e.instructions, e.answers, strict=True)
        ]
        self.model.eval()
        with torch.inference_mode():
            one, other = (self.forward(each)[0].softmax(dim=1)[:, B] for each in (several, single))
        self.model.train()
        return float((one - other).abs().mean())


def steps_of(asked: Sequence[Asked], budget: int, seed: int) -> list[NDArray[np.int64]]:
    """Return the texts of every step, the same for all arms: like lengths together, in random order."""
    rng = np.random.default_rng(seed)
    sizes = np.array([sum(len(i) + len(each.text) for i in each.instructions) for each in asked])
    order = np.argsort(np.array([len(each.text) for each in asked]) + rng.random(len(asked)), kind="stable")
    cuts = np.flatnonzero(np.diff(np.cumsum(sizes[order]) // budget)) + 1
    parts = np.split(order, cuts)
    return [parts[place] for place in rng.permutation(len(parts))]


@dataclass(frozen=True, slots=True)
class Study:
    """What is the same for all arms: what is learned and judged, and where training starts."""

    learn: list[Asked]
    dev: dict[str, list[Asked]]
    base: Path
    special: tuple[int, int]
    options: argparse.Namespace


def train(arm: Arm, study: Study) -> dict[str, Any]:
    """Train one arm and return its curve: accuracy before, half-way and at the end, by kind of family."""
    options, learn, dev = study.options, study.learn, study.dev
    tuner = Tuner(arm, study.base, study.special, options)
    steps = steps_of(learn, options.step_tokens, options.seed)
    marks = {0, len(steps) // 2, len(steps)}
    curve, seen, started, spent = [], 0, time.monotonic(), 0.0
    tuner.model.train()
    for number in range(len(steps) + 1):
        if number in marks:
            paused = time.monotonic()
            of_sets = {kind: tuner.accuracy(asked) for kind, asked in dev.items()}
            curve.append({"pairs": seen, **{kind: statistics.mean(v.values()) for kind, v in of_sets.items()}})
            print(json.dumps({"arm": arm.name, **curve[-1]}), flush=True)
            spent += time.monotonic() - paused
        if number < len(steps):
            tuner.step([learn[place] for place in steps[number]], number / len(steps))
            seen += sum(len(learn[place].answers) for place in steps[number])
    moved = tuner.moved_by_company(dev["learned"][:400])
    seconds = time.monotonic() - started - spent
    return {"arm": arm.name, "curve": curve, "families": of_sets, "moved": moved, "seconds": round(seconds)}


def quality(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    base = KESTREL if options.base == "kestrel" else base_model_dir()
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special = (special_token(tokenizer, "[CLS]"), special_token(tokenizer, "[SEP]"))
    sets = [each for each in sets_in(options.data) if each.name in LEARNED]
    unseen = [TrainingSet(name, 1.0, "", "") for name in UNSEEN]
    learn = texts_asked(
        sets, options.data, tokenizer, 1 + options.pairs * 2 // 5 // len(sets), options.seed, split="train"
    )
    dev = {
        "learned": texts_asked(sets, options.data, tokenizer, options.dev, options.seed, split="dev"),
        "unseen": texts_asked(unseen, options.data, tokenizer, options.dev, options.seed, split="dev"),
    }
    counts = [len(learn), sum(len(each.answers) for each in learn)]
    print(json.dumps({"texts": counts[0], "pairs": counts[1], "base": options.base, "rate": options.rate}), flush=True)
    study = Study(learn, dev, base, special, options)
    found = [train(Arm.named(name), study) for name in options.arms]
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\n| layout | {' | '.join(f'{p:,} pairs' for p in [c['pairs'] for c in found[0]['curve']])} | moved |")
    print("|---|" + "---|" * (len(found[0]["curve"]) + 1))
    for each in found:
        cells = [f"{100 * c['learned']:.1f} / {100 * c['unseen']:.1f}" for c in each["curve"]]
        print(f"| {each['arm']} | {' | '.join(cells)} | {each['moved']:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_subparsers(required=True)
    one = ways.add_parser("quality")
    one.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    one.add_argument("--arms", nargs="+", default=["alone", "2", "4", "6", "together"])
    one.add_argument("--pairs", type=int, default=12_000, help="of text and instruction to learn from, roughly")
    one.add_argument("--dev", type=int, default=200, help="texts of each development split")
    one.add_argument("--base", choices=["kestrel", "encoder"], default="kestrel")
    one.add_argument("--step-tokens", type=int, default=4096)
    one.add_argument("--rate", type=float, default=1e-4)
    one.add_argument("--threads", type=int, default=2)
    one.add_argument("--seed", type=int, default=5)
    one.add_argument("-o", "--output", type=Path, help="JSON file for all figures")
    one.set_defaults(run=quality)
    other = ways.add_parser("time")
    other.add_argument("--tokens", type=int, nargs="+", default=[16, 64, 256])
    other.add_argument("--asked", type=int, nargs="+", default=[1, 2, 4, 8])
    other.add_argument("--rows", type=int, default=256, help="texts of each measurement")
    other.add_argument("--repeat", type=int, default=5)
    other.set_defaults(run=report_times)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
