"""What ``falconql train`` says at its end, without a training: those are in ``tests/specialise``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import falconql
from falconql.cli.commands.train import _print
from falconql.specialise.measuring import Compared, Measured
from falconql.specialise.sampling import Estimate


def measured(f1: float) -> Measured:
    return Measured(13, Estimate(f1, f1 - 0.1, f1 + 0.1), None, Estimate(0.5, 0.4, 0.6))


def test_what_is_answered_worse_is_said_with_what_helps(capsys: pytest.CaptureFixture[str]) -> None:
    query = 'let red = label("Is it red?") where red select who: span("who")'
    typed = falconql.query(query).resolved({"text": ["x"]})[1]
    training: Any = SimpleNamespace(typed=typed, settings=SimpleNamespace(base="kestrel"))
    calls = {0: Compared(measured(0.8), measured(0.5), True), 1: Compared(measured(0.5), measured(0.49), False)}
    registered = SimpleNamespace(name="mine", folder="proxies/mine")
    made = SimpleNamespace(measured=calls, refused=None, registered=registered)
    trained: Any = SimpleNamespace(made=made, seconds=3.0)
    _print(training, trained)
    said = capsys.readouterr()
    assert said.out.splitlines()[2].endswith("80 (70 to 90)  50 (40 to 60)  50 (40 to 60)")
    assert said.out.endswith('using "mine"\n')
    assert [line for line in said.err.splitlines() if line.startswith("warning")] == [
        "warning: `red` is answered plainly worse than before: F1 50 instead of 80 on the same 13 questions; "
        "have more texts annotated, or keep using kestrel"
    ]
