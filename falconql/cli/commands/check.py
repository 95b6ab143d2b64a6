"""``falconql check``: every error of a query at once."""

from __future__ import annotations

import json

import click

from falconql.cli.failures import HAS_ERRORS
from falconql.cli.options import CorpusCommand, query_options, the_query
from falconql.cli.terminal import say, say_problems


@click.command("check", cls=CorpusCommand)
@query_options
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    query: str | None,
    text: str | None,
    corpus: str | None,
    input_format: str | None,
    parameters: tuple[str, ...],
    format_: str,
) -> None:
    """Say everything that is wrong with a query.

    Columns and types are checked against the corpus that --from or the query names; without one, only
    what can be told without it.
    """
    asked = the_query(query, text, corpus, parameters, input_format)
    found = asked.check(corpus)
    if format_ == "json":
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    elif found.diagnostics:
        say_problems(found.diagnostics, found.source)
    else:
        say(f"{asked.source.name}: no problems found")
    if not found:
        raise SystemExit(HAS_ERRORS)
