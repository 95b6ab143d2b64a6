"""Whether a comparison is the same for every part that a date can have."""

from __future__ import annotations

import operator

import pytest

from falconql.check.ranges import truth

_OPS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@pytest.mark.parametrize("op", _OPS)
@pytest.mark.parametrize(("least", "most"), [(1, 4), (0, 23)])
def test_it_is_said_only_of_what_holds_for_every_number(op: str, least: int, most: int) -> None:
    for value in (*range(least - 2, most + 3), least - 0.5, least + 0.5, most + 0.5):
        found = {_OPS[op](number, value) for number in range(least, most + 1)}
        assert truth(op, value, least, most) == (found.pop() if len(found) == 1 else None), value
