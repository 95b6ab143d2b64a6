"""Whether a comparison is the same for every part that a date can have."""

from __future__ import annotations

import pytest

from falconql.check.ranges import truth
from tests.plan.trees import COMPARE


@pytest.mark.parametrize("op", COMPARE)
@pytest.mark.parametrize(("least", "most"), [(1, 4), (0, 23)])
def test_it_is_said_only_of_what_holds_for_every_number(op: str, least: int, most: int) -> None:
    for value in (*range(least - 2, most + 3), least - 0.5, least + 0.5, most + 0.5):
        found = {COMPARE[op](number, value) for number in range(least, most + 1)}
        assert truth(op, value, least, most) == (found.pop() if len(found) == 1 else None), value
