"""Make the examples of a run, in one compact file.

``python -m falconql.training.prepare --data DIR -o examples.npz [--config FILE]``

Labelled sets and raw texts become instructions with answers, drawn by share, tokenised and packed. Nothing from a
development or test split is among them. The file is all that ``falconql.training.pretrain`` needs beside the encoder.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer

from falconql.training.base import base_model_dir
from falconql.training.config import KESTREL, ConfigError, DataConfig, read_config
from falconql.training.dataset import mixed_examples
from falconql.training.examples import Example
from falconql.training.overlap import evaluation_free, fingerprints
from falconql.training.pack import Pack, packed
from falconql.training.silver import is_a_examples, list_examples, next_token_examples
from falconql.training.sources import SETS, TrainingSet, evaluation_texts, read_split, sets_in, text_column
from falconql.training.topics import topic_examples

LABELLED = ("spans", "qa", "nli", "classify")
# Where raw texts come from.
PARAGRAPHS = ("qa/squad_part", "qa/squad2_part", "qa/policyqa", "qa/qed_nq", "classify/dbpedia14")
ENTRIES = ("classify/dbpedia14", "qa/squad_part", "qa/qed_nq")
ANY_TOPIC = ("classify/dbpedia14", "qa/squad_part", "qa/qamr", "qa/policyqa", "classify/amazon_polarity", "nli/lingnli")

MOST_TEXTS = 24_000


def training_examples(config: DataConfig, data: Path, base: Path) -> Iterator[tuple[str, Example]]:
    """Yield examples endlessly, each with the task it is of.

    Raises:
        FileNotFoundError: the data folder has no training split.
    """
    sets = sets_in(data, stated_only=config.stated_licences_only, leave_out=config.leave_out)
    banned = fingerprints(evaluation_texts(data))
    streams = _streams(config, sets, data, banned, base)
    rng = random.Random(config.seed)
    tasks = [task for task in config.shares if task in streams]
    weights = [config.shares[task] for task in tasks]
    while True:
        (task,) = rng.choices(tasks, weights)
        yield task, next(streams[task])


def _streams(
    config: DataConfig, sets: Sequence[TrainingSet], data: Path, banned: frozenset[bytes], base: Path
) -> dict[str, Iterator[Example]]:
    """Return an endless stream for each task that there are texts for."""
    seed = config.seed
    streams = {
        task: mixed_examples([s for s in sets if s.task == task], data, banned, {task: 1.0}, seed)
        for task in LABELLED
        if any(s.task == task for s in sets)
    }

    def near_topics(texts: Sequence[str], rng: random.Random) -> Iterator[Example]:
        return topic_examples(texts, base, rng)

    silver: dict[str, tuple[Callable[[Sequence[str], random.Random], Iterator[Example]], Sequence[str], int]] = {
        "next_token": (next_token_examples, PARAGRAPHS, 3),
        "is_a": (is_a_examples, ENTRIES, 3),
        "lists": (list_examples, PARAGRAPHS, 3),
        "topics": (near_topics, ANY_TOPIC, 1),
    }
    for task, (make, names, passes) in silver.items():
        texts = _texts([s for s in sets if s.name in names], data, banned)
        rng = random.Random(f"{seed}:{task}")
        rng.shuffle(texts)
        if config.shares.get(task) and (made := _several(make, texts[:MOST_TEXTS], passes, rng)):
            streams[task] = _again(made, rng)
    return streams


def _texts(sets: Sequence[TrainingSet], data: Path, banned: frozenset[bytes]) -> list[str]:
    """Return the different training texts of some sets, without those of evaluation splits."""
    found: dict[str, None] = {}
    for set_ in sets:
        rows = evaluation_free(read_split(data, set_.name, "train"), set_.task, banned)
        found.update(dict.fromkeys(row[text_column(set_.task)] for row in rows))
    return list(found)


def _several(
    make: Callable[[Sequence[str], random.Random], Iterator[Example]], texts: list[str], passes: int, rng: random.Random
) -> list[Example]:
    """Return the examples of some passes over the texts, which differ by chance."""
    made: dict[Example, None] = {}
    for _ in range(passes):
        rng.shuffle(texts)
        made.update(dict.fromkeys(make(texts, rng)))
    return list(made)


def _again(made: list[Example], rng: random.Random) -> Iterator[Example]:
    while True:
        rng.shuffle(made)
        yield from made


def prepare(config: DataConfig, data: Path, base: Path) -> Pack:
    """Return the examples of a run.

    Raises:
        ConfigError: no set has a name that is to be left out.
        FileNotFoundError: the data folder has no training split.
    """
    if unknown := sorted(set(config.leave_out) - {set_.name for set_ in SETS}):
        raise ConfigError(f"leave_out in [data] names no training set: {', '.join(unknown)}")
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    sets = sets_in(data, stated_only=config.stated_licences_only, leave_out=config.leave_out)
    return packed(
        islice(training_examples(config, data, base), config.examples),
        tokenizer,
        max_tokens=config.max_tokens,
        seed=config.seed,
        tasks=list(config.shares),
        about={**asdict(config), "sets": [set_.name for set_ in sets]},
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the file to write")
    parser.add_argument("--config", type=Path, default=KESTREL)
    parser.add_argument("--base", type=Path, help="folder of the encoder; default: all-MiniLM-L6-v2")
    given = parser.parse_args()
    started = time.perf_counter()
    try:
        made = prepare(read_config(given.config)[0], given.data, given.base or base_model_dir())
    except (ConfigError, FileNotFoundError) as error:
        parser.error(str(error))
    made.save(given.output)
    counts = Counter(str(made.tasks[task]) for task in made.rows[:, 5])
    print(f"{len(made):,} examples, {made.lengths().mean():.0f} tokens on average, {dict(counts)}")
    print(f"{given.output}: {given.output.stat().st_size / 1e6:.1f} MB, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
