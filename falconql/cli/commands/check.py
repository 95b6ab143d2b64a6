"""``falconql check``: every error of a query at once."""

from __future__ import annotations

import click

from falconql.cli.failures import HAS_ERRORS
from falconql.cli.options import CorpusCommand, Given, query_options
from falconql.cli.terminal import say, say_problems
from falconql.visible import json_text


@click.command("check", cls=CorpusCommand)
@query_options
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    given: Given,
    format_: str,
) -> None:
    """Say everything that is wrong with a query.

    Columns and types are checked against the corpus that --from or the query names; without one, only
    what can be told without it.
    """
    asked = given.query()
    found = asked.check(given.corpus)
    if format_ == "json":
        print(json_text(found.to_dict()))
    elif found.diagnostics:
        say_problems(found.diagnostics, found.source)
    else:
        say(f"{asked.source.name}: no problems found")
    if not found:
        raise SystemExit(HAS_ERRORS)
