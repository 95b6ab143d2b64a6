"""The configuration of a run, read from one TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from math import inf
from pathlib import Path
from typing import Any, TypeVar

KESTREL = Path(__file__).with_name("kestrel.toml")
# What the numbers in a table of tasks can be.
_NUMBERS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "shares": ("a number, 0 or more", lambda number: 0 <= number < inf),
    "base_rates": ("a number between 0 and 1", lambda number: 0 < number < 1),
    "taught": ("a number from 0 to 1", lambda number: 0 <= number <= 1),
}


_Part = TypeVar("_Part", "DataConfig", "TrainingConfig")


class ConfigError(ValueError):
    """A configuration that cannot be used, with the key to change."""


@dataclass(frozen=True, slots=True)
class DataConfig:
    """What examples are made.

    Attributes:
        examples: how many.
        max_tokens: of one, instruction and special tokens included.
        seed: for every choice.
        stated_licences_only: leave out sets whose source states no licence.
        leave_out: further sets that are not learned from, such as ``spans/wikigold``.
        shares: of each task; they need not add up to one.
    """

    examples: int
    max_tokens: int
    seed: int
    stated_licences_only: bool
    leave_out: list[str]
    shares: dict[str, float]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How an encoder learns from them.

    Attributes:
        examples: how many it sees; more than there are begin again, in another order.
        tokens_per_step: padded tokens of a batch.
        learning_rate: at its peak, after ``warmup_steps``; it falls to nothing with the examples.
        head_rate: by how much faster the token head learns.
        label_weight: weight of the label loss beside the span loss.
        base_rates: of a task, how often its labels are true where people ask them; a half, if it is not named. Examples
            are drawn so that about half are true; their margins are learned less the log odds by which that differs
            (Menon et al., "Long-tail learning via logit adjustment", ICLR 2021).
        taught: of a task, the share of every target that is what the proxy says which training starts from (Hinton,
            Vinyals and Dean, "Distilling the knowledge in a neural network", 2015; temperature 1).
        span_tokens: in how many tokens' loss a span example weighs as much as a label.
        begin_weight: weight of the classes B and I beside O.
        freeze_words: the embeddings of words stay as they are.
        quantise_from: after this share of the examples what int8 will round is rounded in training too; 1 for never.
        seed: of the new head, and of the order after the first pass.
        threads: of the CPU.
        checkpoint_minutes: between two checkpoints.
        snapshots: after so many examples the weights are kept, as ``RUN/at-N``: how quality grows with training.
    """

    examples: int
    tokens_per_step: int
    learning_rate: float
    warmup_steps: int
    head_rate: float
    label_weight: float
    base_rates: dict[str, float]
    taught: dict[str, float]
    span_tokens: float
    begin_weight: float
    freeze_words: bool
    quantise_from: float
    seed: int
    threads: int
    checkpoint_minutes: float
    snapshots: list[int]


def read_config(path: Path) -> tuple[DataConfig, TrainingConfig]:
    """Return both parts of a configuration.

    Raises:
        ConfigError: it is no TOML, a key or a task is missing, unknown or of the wrong type, or a number is out
            of its range.
        OSError: it cannot be read.
    """
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    data, training = _part(DataConfig, read, "data", path), _part(TrainingConfig, read, "training", path)
    for key, tasks in (("base_rates", training.base_rates), ("taught", training.taught)):
        if unknown := sorted(tasks.keys() - data.shares.keys()):
            raise ConfigError(f"{path}: [training.{key}] names no task of [data.shares]: {', '.join(unknown)}")
    return data, training


def _part(kind: type[_Part], read: Mapping[str, Any], name: str, path: Path) -> _Part:
    given = read.get(name)
    if not isinstance(given, dict):
        raise ConfigError(f"{path}: there is no table [{name}]")
    wanted = {field.name: str(field.type) for field in fields(kind)}
    if missing := sorted(wanted.keys() - given.keys()):
        raise ConfigError(f"{path}: [{name}] lacks {', '.join(missing)}")
    if unknown := sorted(given.keys() - wanted.keys()):
        raise ConfigError(f"{path}: [{name}] has no key {', '.join(unknown)}")
    types: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}
    types |= {"list[str]": (list,), "list[int]": (list,)}
    for key, value in given.items():
        allowed = types.get(wanted[key], (dict,))
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise ConfigError(f"{path}: {key} in [{name}] is to be {wanted[key]}, not {value!r}")
        for task, number in value.items() if isinstance(value, dict) else ():
            said, allows = _NUMBERS[key]
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not allows(number):
                raise ConfigError(f"{path}: {task} in [{name}.{key}] is to be {said}, not {number!r}")
    return kind(**given)
