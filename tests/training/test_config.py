"""The configuration of a run: read strictly, with the key to change in every message."""

from __future__ import annotations

from pathlib import Path

import pytest

from falconql.training.config import KESTREL, ConfigError, read_config


@pytest.mark.parametrize("name", ["kestrel.toml", "wider.toml", "rates.toml"])
def test_those_that_ship_are_read(name: str) -> None:
    data, training = read_config(KESTREL.with_name(name))
    assert data.shares.keys() >= {"spans", "qa", "nli", "opinions", "classify"}
    assert training.examples > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seed = 7\nstated", "stated"), r"\[data\] lacks seed"),
        (("warmup_steps", "warm_up"), r"\[training\] lacks warmup_steps"),
        (("threads = 2", "threads = 2\ncores = 2"), r"\[training\] has no key cores"),
        (("max_tokens = 256", 'max_tokens = "256"'), r"max_tokens in \[data\] is to be int"),
        (("threads = 2", "threads = true"), r"threads in \[training\] is to be int"),
        (("[training", "[trainings"), r"there is no table \[training\]"),
        (("[data]", "[data"), r"kestrel.toml: "),
        (
            ("\ntopics = 0.25", "\ntopics = 1"),
            r"topics in \[training.base_rates\] is to be a number between 0 and 1, not 1",
        ),
        (("\ntopics = 0.25", "\ntopic = 0.25"), r"\[training.base_rates\] names no task of \[data.shares\]: topic"),
        (("\ntopics = 0.25", "\ntopics = nan"), r"topics in \[training.base_rates\] is to be a number between"),
        (
            ("[training.taught]", "[training.taught]\nqa = 50"),
            r"qa in \[training.taught\] is to be a number from 0 to 1",
        ),
        (("\nqa = 0.26", '\nqa = "0.26"'), r"qa in \[data.shares\] is to be a number, 0 or more, not '0.26'"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "kestrel.toml"
    path.write_text(KESTREL.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_config(path)
