"""A few damaged inputs of every kind; ``python -m tests.fuzz`` tries as many as there is time for."""

from __future__ import annotations

import pytest

from tests.fuzz.fuzzing import fuzz
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_our_own_errors_comes_out(name: str) -> None:
    fuzz(name, examples=40)
