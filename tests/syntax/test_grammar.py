"""The grammar: unambiguous, named for people, and prepared."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import lark
import pytest
from lark import Lark, Token, Tree
from platformdirs import user_cache_path

from falconql.syntax import tables
from falconql.syntax.builder import _Builder
from falconql.syntax.errors import TERMINAL_NAMES
from falconql.syntax.keywords import keywords, reserved_words
from falconql.syntax.lexemes import CLAUSES

_DOCS = Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def strict() -> Lark:
    return tables.build(strict=True)


def test_no_rule_and_no_terminal_is_ambiguous(strict: Lark) -> None:
    assert strict.parse("where a").data == "query"


def test_no_rule_matches_the_empty_text(strict: Lark) -> None:
    assert [str(rule) for rule in strict.rules if not rule.expansion] == []


def test_every_terminal_has_a_name_for_people(strict: Lark) -> None:
    assert {terminal.name for terminal in strict.terminals} | {"$END"} == set(TERMINAL_NAMES)


def test_every_rule_has_a_builder_method_and_the_reverse(strict: Lark) -> None:
    # A rule with `?` that holds a single thing leaves no node in the tree.
    visible = {
        str(rule.alias or rule.origin.name)
        for rule in strict.rules
        if not rule.origin.name.startswith("_") and (rule.alias or not rule.options.expand1 or len(rule.expansion) > 1)
    }
    assert {f"on_{name}" for name in visible - {"query"}} == {name for name in dir(_Builder) if name.startswith("on_")}


def test_the_prepared_tables_are_those_of_the_grammar() -> None:
    assert json.loads(tables.shipped())["made_from"] == tables.made_from(), "run python -m falconql.syntax"


def test_prepared_tables_read_like_built_ones(strict: Lark) -> None:
    prepared = tables.load(tables.shipped())
    assert prepared is not None
    text = "where a >= 1 and body matches /x/ select id, n: f(b, c: 2) order by n desc limit 3"
    assert _outline(prepared.parse(text)) == _outline(strict.parse(text))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"made_from": "another"}'])
def test_tables_that_do_not_fit_are_not_used(text: str) -> None:
    assert tables.load(text) is None


def test_with_another_version_of_lark_tables_are_built_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, strict: Lark
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(lark, "__version__", "0.0.0")
    path = user_cache_path("falconql") / f"tables-{tables.made_from()}.json"
    path.unlink(missing_ok=True)
    for _ in range(2):
        tables.lark_parser.cache_clear()
        assert _outline(tables.lark_parser().parse("where a")) == _outline(strict.parse("where a"))
        kept = path.read_text(encoding="utf-8")
        assert tables.load(kept) is not None
        path.write_text(kept, encoding="utf-8")
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    tables.lark_parser.cache_clear()


def test_without_a_cache_folder_tables_are_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(lark, "__version__", "0.0.0")
    tables.lark_parser.cache_clear()
    assert tables.lark_parser().parse("where a").data == "query"
    tables.lark_parser.cache_clear()


def test_without_a_home_tables_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_cache_path", unknown)
    monkeypatch.setattr(lark, "__version__", "0.0.0")
    tables.lark_parser.cache_clear()
    assert tables.lark_parser().parse("where a").data == "query"
    tables.lark_parser.cache_clear()


def test_words_of_values_alone_are_reserved() -> None:
    assert reserved_words() == {"not", "null", "true", "false"}


def test_clause_words_of_the_tolerant_reader_are_those_of_the_grammar() -> None:
    rules = resources.files("falconql.grammar").joinpath("falconql.lark").read_text(encoding="utf-8")
    clauses = re.findall(
        r"^(?:from|text_column|using|let|each|where|group_by|select|order_by|limit): ([A-Z_]+)", rules, re.M
    )
    assert tuple(keywords()[terminal] for terminal in clauses) == CLAUSES


def test_the_reference_lists_every_keyword() -> None:
    page = (_DOCS / "lexical.md").read_text(encoding="utf-8")
    listed = page.split("<!-- keywords -->")[1]
    assert set(re.findall(r"`([a-z]+)`", listed)) == set(keywords().values())


def test_reading_a_query_imports_nothing_that_only_errors_or_formatting_need() -> None:
    code = (
        "import sys; from falconql.source import Source; from falconql.syntax import parse;"
        "parse(Source('q', 'where a'));"
        "print(*[m for m in sys.modules if m.startswith('falconql.syntax')])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"falconql.syntax.errors", "falconql.syntax.habits", "falconql.syntax.formatter"} & set(loaded)
    assert "falconql.syntax.parser" in loaded


def _outline(tree: Tree[Token]) -> object:
    return [tree.data, *[_outline(c) if isinstance(c, Tree) else (c.type, str(c), c.start_pos) for c in tree.children]]
