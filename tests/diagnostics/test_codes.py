"""The catalogue: every code is explained, its wrong query has just that problem, its right query none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import falconql
from falconql.diagnostics.codes import CATALOGUE
from falconql.diagnostics.entry import CodeEntry
from falconql.source import Source
from tests.case_runner import DEFAULT_SCHEMA, diagnose, read_schema

_SCHEMA = DEFAULT_SCHEMA + 'meta: Other:struct<a: int64>\n$n = 4\n$below = -1\n$since = "last week"\n'
_MORE_SCHEMA = {"FQL105": "name: Text\nname: Text\n"}
_PACKAGE = Path(falconql.__file__).parent
# What only running can find, and what no query can cause.
_NOT_CHECKED = {"FQL301", "FQL302", "FQL901"}
_CHECKED = [entry for code, entry in CATALOGUE.items() if code not in _NOT_CHECKED]


def _codes(entry: CodeEntry, query: str) -> list[str]:
    catalog = read_schema(_SCHEMA + _MORE_SCHEMA.get(entry.code, ""))
    return [diagnostic.code for diagnostic in diagnose(Source("query.fql", query), catalog)]


@pytest.mark.parametrize("entry", _CHECKED, ids=lambda entry: entry.code)
def test_wrong_query_has_just_this_problem(entry: CodeEntry) -> None:
    assert set(_codes(entry, entry.wrong)) == {entry.code}


@pytest.mark.parametrize("entry", _CHECKED, ids=lambda entry: entry.code)
def test_right_query_has_no_problem(entry: CodeEntry) -> None:
    assert _codes(entry, entry.right) == []


def test_every_code_in_use_is_in_the_catalogue() -> None:
    used = {
        code
        for path in _PACKAGE.rglob("*.py")
        if not path.name.startswith("codes")
        for code in re.findall(r"\"?(FQL\d{3})", path.read_text(encoding="utf-8"))
    }
    # Docstrings show this one as an example of what a code looks like.
    assert used | {"FQL203"} == set(CATALOGUE)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_entries_read_like_the_others(entry: CodeEntry) -> None:
    assert re.fullmatch(r"FQL\d{3}", entry.code)
    assert not entry.title.endswith(".")
    assert entry.explanation.endswith((".", "!", "?", ")"))


def test_codes_are_in_order_and_unique() -> None:
    codes = [entry.code for entry in CATALOGUE.values()]
    assert codes == sorted(set(codes))
