"""Every Markdown case of ``tests/cases``; ``pytest tests/test_cases.py --accept`` rewrites what is expected."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.case_runner import Case, accept, all_cases, outcome

_CASES = list(all_cases())


@pytest.mark.parametrize("case", _CASES, ids=[case.name for case in _CASES])
def test_case(case: Case, request: pytest.FixtureRequest) -> None:
    results = outcome(case)
    if request.config.getoption("--accept") and results != case.expected:
        if os.environ.get("CI"):
            pytest.fail("--accept rewrites expectations, which is for people to review: not in CI")
        accept(case, results)
        return
    assert results == case.expected


def test_titles_are_unique() -> None:
    repeated = [name for name, count in Counter(case.name for case in _CASES).items() if count > 1]
    assert repeated == []
