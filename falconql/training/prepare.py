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
from typing import Any

from tokenizers import Tokenizer

from falconql.training.base import base_model_dir
from falconql.training.config import KESTREL, ConfigError, DataConfig, read_config
from falconql.training.dataset import mixed_examples
from falconql.training.examples import Example
from falconql.training.kinds import KINDS, genre_examples, kind_examples
from falconql.training.lexicon import Lexicon, lexicon_examples
from falconql.training.manners import manner_examples
from falconql.training.overlap import evaluation_free, fingerprints
from falconql.training.pack import Pack, packed
from falconql.training.patterns import pattern_examples
from falconql.training.silver import is_a_examples, list_examples, next_token_examples
from falconql.training.sources import (
    CORPORA,
    SETS,
    TrainingSet,
    corpora_in,
    evaluation_texts,
    read_corpus,
    read_split,
    sets_in,
    text_column,
)
from falconql.training.topics import topic_examples
from falconql.training.typed import typed_examples
from falconql.training.wordnet import WordNet

LABELLED = ("spans", "qa", "nli", "opinions", "classify", "families")
# Where raw texts come from.
PARAGRAPHS = ("qa/squad_part", "qa/squad2_part", "qa/policyqa", "qa/qed_nq", "classify/dbpedia14")
ENTRIES = ("classify/dbpedia14", "qa/squad_part", "qa/qed_nq")
ANY_TOPIC = (
    "classify/dbpedia14",
    "qa/squad_part",
    "qa/qamr",
    "qa/policyqa",
    "qa/qed_nq",
    "qa/bioasq_part",
    "qa/subjqa",
    "classify/amazon_polarity",
    "classify/imdb",
    "classify/goemotions",
    "classify/clinc150",
    "classify/banking77",
    "spans/broad_twitter",
    "spans/conll04",
    "nli/lingnli",
    "nli/mnli_part",
    "nli/snli_part",
    "corpora/netflix_titles",
    "corpora/steam_games",
    "corpora/arxiv_abstracts",
)
# Sentences with things in them; and texts that no tokeniser has taken apart.
PLAIN_WORDS = ("nli/snli_part", "qa/squad_part", "qa/qamr", "classify/amazon_polarity", "classify/imdb", "nli/lingnli")
WRITTEN = (
    "classify/amazon_polarity",
    "classify/imdb",
    "classify/banking77",
    "classify/clinc150",
    "classify/goemotions",
    "qa/squad_part",
    "qa/policyqa",
    "nli/snli_part",
    "nli/mnli_part",
    "corpora/steam_games",
)
# Where somebody speaks to somebody, and beside that where nobody does.
SPOKEN = (
    "classify/goemotions",
    "spans/broad_twitter",
    "classify/sms_spam",
    "classify/banking77",
    "classify/clinc150",
    "spans/restaurant8k",
    "spans/dstc8_slots",
    "classify/amazon_polarity",
    "classify/imdb",
    "qa/subjqa",
    "nli/mnli_part",
    "nli/lingnli",
    "qa/squad_part",
    "qa/policyqa",
    "spans/skillspan",
)
WHICH = ("qa/squad_part", "qa/squad2_part", "qa/qamr", "qa/qed_nq", "qa/bioasq_part")

MOST_TEXTS = 24_000
MOST_OF_A_KIND = 1_500
MOST_OF_A_SOURCE = 2_500

Maker = Callable[[Sequence[str], random.Random], Iterator[Example]]


def training_examples(config: DataConfig, data: Path, base: Path) -> Iterator[tuple[str, Example]]:
    """Yield examples endlessly, each with the task it is of.

    Raises:
        FileNotFoundError: the data folder has no training split.
    """
    sets = _sources(config, data)
    banned = fingerprints(evaluation_texts(data))
    streams = _streams(config, sets, data, banned, base)
    rng = random.Random(config.seed)
    tasks = [task for task in config.shares if task in streams]
    weights = [config.shares[task] for task in tasks]
    while True:
        (task,) = rng.choices(tasks, weights)
        yield task, next(streams[task])


def _sources(config: DataConfig, data: Path) -> list[TrainingSet]:
    """Return the labelled sets and corpora that a configuration allows."""
    options: dict[str, Any] = {"stated_only": config.stated_licences_only, "leave_out": config.leave_out}
    return [*sets_in(data, **options), *corpora_in(data, **options)]


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

    for task, made in _silver(config, sets, data, banned, base):
        if made:
            streams[task] = _again(made, random.Random(f"{seed}:{task}"))
    return streams


def _silver(
    config: DataConfig, sets: Sequence[TrainingSet], data: Path, banned: frozenset[bytes], base: Path
) -> Iterator[tuple[str, list[Example]]]:
    """Yield the tasks that need no annotators, each with all of its examples."""
    wanted = {task for task, share in config.shares.items() if share}

    def texts(names: Sequence[str], rng: random.Random) -> list[str]:
        found = _texts([s for s in sets if s.name in names], data, banned)
        rng.shuffle(found)
        return found[:MOST_TEXTS]

    def of_each(names: Sequence[str], rng: random.Random) -> list[str]:
        return [text for s in sets if s.name in names for text in texts([s.name], rng)[:MOST_OF_A_SOURCE]]

    makers: dict[str, tuple[Maker, Sequence[str], int]] = {
        "next_token": (next_token_examples, PARAGRAPHS, 3),
        "is_a": (is_a_examples, ENTRIES, 3),
        "lists": (list_examples, PARAGRAPHS, 3),
        "patterns": (pattern_examples, WRITTEN, 1),
    }
    if wanted & {"lexicon", "typed"}:
        wordnet = WordNet()
        lexicon = Lexicon(wordnet)
        makers["lexicon"] = (lambda chosen, rng: lexicon_examples(chosen, lexicon, rng), PLAIN_WORDS, 2)
    for task, (make, names, passes) in makers.items():
        if task in wanted:
            rng = random.Random(f"{config.seed}:{task}")
            yield task, _several(make, texts(names, rng), passes, rng)
    if "topics" in wanted:
        rng = random.Random(f"{config.seed}:topics")
        yield "topics", list(topic_examples(of_each(ANY_TOPIC, rng), base, rng))
    if "manners" in wanted:
        rng = random.Random(f"{config.seed}:manners")
        yield "manners", _several(manner_examples, of_each(SPOKEN, rng), 2, rng)
    rng = random.Random(f"{config.seed}:kinds")
    if "typed" in wanted:
        asked = [row for s in sets if s.name in WHICH for row in read_split(data, s.name, "train")]
        rows = evaluation_free(asked, "qa", banned)
        yield "typed", list(dict.fromkeys(e for _ in range(3) for e in typed_examples(rows, wordnet, rng)))
    if "kinds" in wanted:
        by_source = {s.name: texts([s.name], rng)[:MOST_OF_A_KIND] for s in sets if s.name in KINDS}
        yield "kinds", list(kind_examples(by_source, rng))
    if "genres" in wanted and any(s.name == CORPORA[0].name for s in sets):
        films = evaluation_free(read_corpus(data, CORPORA[0].name), "corpora", banned)
        yield "genres", list(genre_examples(films, rng))


def _texts(sets: Sequence[TrainingSet], data: Path, banned: frozenset[bytes]) -> list[str]:
    """Return the different training texts of some sets, without those of evaluation splits."""
    found: dict[str, None] = {}
    for set_ in sets:
        rows = read_corpus(data, set_.name) if set_.kind == "corpora" else read_split(data, set_.name, "train")
        rows = evaluation_free(rows, set_.kind, banned)
        found.update(dict.fromkeys(row[text_column(set_.kind)] for row in rows))
    return list(found)


def _several(make: Maker, texts: list[str], passes: int, rng: random.Random) -> list[Example]:
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
    if unknown := sorted(set(config.leave_out) - {set_.name for set_ in (*SETS, *CORPORA)}):
        raise ConfigError(f"leave_out in [data] names no training set: {', '.join(unknown)}")
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    sets = _sources(config, data)
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
