"""Questions with yes or no at a terminal."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from falconql.cli import consent


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What is written to this descriptor is typed at the terminal that is standard input."""
    keys, screen = os.openpty()
    with open(screen, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keys
        os.close(keys)


@pytest.mark.parametrize(
    ("line", "default", "answer"),
    [
        ("y\n", False, True),
        ("NO\n", True, False),
        ("\n", True, True),
        ("\n", False, False),
        ("maybe\nyes\n", False, True),
    ],
)
def test_an_answer(line: str, default: bool, answer: bool, typed: int, capsys: pytest.CaptureFixture[str]) -> None:
    os.write(typed, line.encode())
    assert consent.agreed("Go on?", default=default) is answer
    shown = capsys.readouterr().err
    assert shown.startswith(f"Go on? [{'Y/n' if default else 'y/N'}]: ")
    assert shown.count("answer y or n\n") == line.count("maybe")


def test_the_end_of_the_input_is_a_no(monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]) -> None:
    with open(os.devnull, encoding="utf-8") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert consent.agreed("Go on?", default=True) is False


def test_a_signal_just_before_the_waiting_begins_ends_it(typed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is typed: a Ctrl-C that is not seen would leave the question waiting for a key."""
    really = select.select

    def late(read: list[Any], write: list[Any], wrong: list[Any]) -> Any:
        # As it comes between Python's last look for signals and the call that waits.
        signal.raise_signal(signal.SIGINT)
        found = really(read, write, wrong, 10)
        assert any(found), "it would wait for ever"
        os.write(typed, b"y\n")
        return found

    monkeypatch.setattr(select, "select", late)
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        assert consent.agreed("Go on?", default=False) is True
    finally:
        signal.signal(signal.SIGINT, before)
