"""The reference page of the functions says what the checker's table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from falconql.check.functions import FUNCTIONS, RENAMED, SAID_OTHERWISE
from falconql.check.reference import example, functions_page
from tests.check.support import codes

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "functions.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == functions_page(), "run: python -m falconql.check.reference"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_example_checks(name: str) -> None:
    query = example(FUNCTIONS[name])
    assert f"{name}(" in query
    assert codes(query) == []


def test_names_of_other_languages_are_no_functions_and_lead_to_some() -> None:
    assert not set(RENAMED) & set(FUNCTIONS)
    assert not set(SAID_OTHERWISE) & (set(FUNCTIONS) | set(RENAMED))
    assert {right for right, _ in RENAMED.values()} <= set(FUNCTIONS)


@pytest.mark.parametrize("name", [*RENAMED, *SAID_OTHERWISE])
def test_every_name_of_another_language_gets_a_hint(name: str) -> None:
    assert codes(f"where {name}(title) = 1") == ["FQL102"]
