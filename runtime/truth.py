"""Short circuit over and/or trees: what is decided, and which tests still matter.

A state is -1 (undecided), 0 (not true: false or null) or 1 (true), one per row. "Not true" is enough
because a predicate has no negation above its tests. Pure array functions.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.plan import AllOf, Predicate, Test

States = NDArray[np.int8]
Truth = NDArray[np.bool_]

UNDECIDED, NOT_TRUE, TRUE = np.int8(-1), np.int8(0), np.int8(1)


def outcome(predicate: Predicate, values: Mapping[int, States]) -> States | None:
    """Return the state of the predicate for every row.

    ``values`` has the states of the tests by number (``plan.tests`` order); a test that is not in it
    is left out of the tree, None if nothing remains. All arrays have the same shape, any shape.
    """
    return _state(predicate, 0, values)[0]


def mattering(predicate: Predicate, values: Mapping[int, States]) -> dict[int, Truth]:
    """Return for each test of ``values`` the rows where it is undecided and could change the outcome.

    That is where neither the test nor any node above it is decided.
    """
    found: dict[int, Truth] = {}
    if values:
        shape = next(iter(values.values())).shape
        _collect(predicate, 0, values, np.ones(shape, dtype=np.bool_), found)
    return found


def _state(predicate: Predicate, first: int, values: Mapping[int, States]) -> tuple[States | None, int]:
    """Return the state of a node whose first test has number ``first``, and the number after its last."""
    if isinstance(predicate, Test):
        return values.get(first), first + 1
    states = []
    for child in predicate.children:
        state, first = _state(child, first, values)
        if state is not None:
            states.append(state)
    return (_joined(np.stack(states), isinstance(predicate, AllOf)) if states else None), first


def _joined(states: States, conjunction: bool) -> States:
    ending, other = (NOT_TRUE, TRUE) if conjunction else (TRUE, NOT_TRUE)
    joined = np.where((states == UNDECIDED).any(axis=0), UNDECIDED, other)
    return np.where((states == ending).any(axis=0), ending, joined)


def _collect(
    predicate: Predicate, first: int, values: Mapping[int, States], above: Truth, found: dict[int, Truth]
) -> int:
    """Fill ``found`` below a node; ``above`` says where every node above it is undecided."""
    state, after = _state(predicate, first, values)
    if state is None:
        return after
    undecided = above & (state == UNDECIDED)
    if isinstance(predicate, Test):
        found[first] = undecided
        return after
    for child in predicate.children:
        first = _collect(child, first, values, undecided, found)
    return after
