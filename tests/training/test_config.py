"""The configuration of a run: read strictly, with the key to change in every message."""

from __future__ import annotations

from pathlib import Path

import pytest

from falconql.training.config import KESTREL, ConfigError, read_config


@pytest.mark.parametrize("path", [KESTREL, KESTREL.with_name("wider.toml")], ids=lambda path: path.name)
def test_those_that_ship_are_read(path: Path) -> None:
    data, training = read_config(path)
    assert data.shares.keys() >= {"spans", "qa", "nli", "opinions", "classify"}
    assert abs(sum(data.shares.values()) - 1) < 1e-9
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
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "kestrel.toml"
    path.write_text(KESTREL.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_config(path)
