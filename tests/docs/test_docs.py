"""What the documentation shows is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from falconql.api import Query
from falconql.source import Source
from tests.docs.cli_reference import PAGE
from tests.docs.cli_reference import page as page_of_commands
from tests.docs.pages import EXAMPLES, PAGES, ROOT, Block, blocks, is_session, run_console


@pytest.mark.parametrize("block", blocks("fql"), ids=lambda b: b.id)
def test_a_query_in_the_docs_checks(block: Block) -> None:
    """Against the corpus it names; without one, names and types of columns are not known."""
    found = Query(Source(block.id, block.text), folder=EXAMPLES).check()
    # What a parameter is bound to is told where the query is run.
    assert {d.code for d in found.diagnostics} <= {"FQL106"}, str(found)


@pytest.mark.parametrize("block", [b for b in blocks("console") if is_session(b)], ids=lambda b: b.id)
def test_a_command_in_the_docs_prints_what_is_shown(block: Block) -> None:
    real, shown = words(run_console(block)), words(block.text)
    assert real == [pytest.approx(word, abs=0.05) if isinstance(word, float) else word for word in shown]


def words(text: str) -> list[str | float]:
    """Return the words of an output, scores as numbers: processors differ in their last digits.

    Rules are left out, for the widths of columns follow the digits.
    """
    apart = re.sub(r"(?<![\d.,$])0\.\d+", r" \g<0> ", text).replace("─", "").split()
    return [float(word) if re.fullmatch(r"0\.\d+", word) else word for word in apart]


@pytest.mark.parametrize("block", [b for b in blocks("python") if ">>>" in b.text], ids=lambda b: b.id)
def test_python_in_the_docs_gives_what_is_shown(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(doctest.DocTestParser().get_doctest(block.text, {}, block.id, None, None))
    assert runner.failures == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_command_line_page_is_the_real_help() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_of_commands()
