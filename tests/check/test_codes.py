"""The catalogue's examples: the wrong query has just its problem, the right one none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import falconql.check
from falconql.catalog import Catalog, ParameterValue
from falconql.diagnostics.codes_check import ENTRIES
from falconql.diagnostics.entry import CodeEntry
from falconql.runtime.plan import Field
from falconql.types import TEXT
from tests.check.support import FIELDS, codes, diagnose

PARAMETERS: dict[str, ParameterValue] = {"n": "4", "since": "last week", "below": -1}


def _catalog(code: str) -> Catalog:
    twice = (Field("name", TEXT), Field("name", TEXT)) if code == "FQL105" else ()
    return Catalog((*FIELDS, *twice), PARAMETERS)


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.code for entry in ENTRIES])
def test_the_wrong_query_has_just_this_problem_and_the_right_one_none(entry: CodeEntry) -> None:
    catalog = _catalog(entry.code)
    assert codes(entry.wrong, catalog) == [entry.code]
    assert codes(entry.right, catalog) == []


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.code for entry in ENTRIES])
def test_every_diagnostic_of_the_examples_says_what_to_do(entry: CodeEntry) -> None:
    for diagnostic in diagnose(entry.wrong, _catalog(entry.code)):
        assert diagnostic.helps
        assert not diagnostic.message.endswith(".")
        assert diagnostic.message[0] in '`"' or diagnostic.message[0].islower()


def test_the_catalogue_lists_just_the_codes_of_the_checker() -> None:
    folder = Path(falconql.check.__file__).parent
    used = {code for path in folder.glob("*.py") for code in re.findall(r"FQL\d{3}", path.read_text(encoding="utf-8"))}
    assert used == {entry.code for entry in ENTRIES}
