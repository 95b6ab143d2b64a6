"""The configuration of a run: read strictly, with the key to change in every message."""

from __future__ import annotations

from pathlib import Path

import pytest

from falconql.training.config import KESTREL, ConfigError, read_config


def test_the_one_that_ships_is_read() -> None:
    data, training = read_config(KESTREL)
    assert data.shares.keys() >= {"spans", "qa", "nli", "classify"}
    assert abs(sum(data.shares.values()) - 1) < 1e-9
    assert training.examples > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seed = 8\nstated", "stated"), r"\[data\] lacks seed"),
        (("warmup_steps", "warm_up"), r"\[training\] lacks warmup_steps"),
        (("threads = 1", "threads = 1\ncores = 2"), r"\[training\] has no key cores"),
        (("max_tokens = 256", 'max_tokens = "256"'), r"max_tokens in \[data\] is to be int"),
        (("threads = 1", "threads = true"), r"threads in \[training\] is to be int"),
        (("[training]", "[trainings]"), r"there is no table \[training\]"),
        (("[data]", "[data"), r"kestrel.toml: "),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "kestrel.toml"
    path.write_text(KESTREL.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_config(path)
