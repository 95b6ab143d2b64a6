"""``falconql fmt``: queries in canonical form."""

from __future__ import annotations

import io
import sys

import click

from falconql.cli.failures import HAS_ERRORS
from falconql.cli.options import Given
from falconql.cli.output import writing
from falconql.cli.terminal import say
from falconql.visible import visible


@click.command("fmt")
@click.argument("queries", nargs=-1, metavar="[QUERY]...")
@click.option("-e", "text", metavar="TEXT", help="The query itself, instead of files.")
@click.option("--write", is_flag=True, help="Rewrite the files in place.")
@click.option("--check", is_flag=True, help="Change nothing; exit with status 1 if a file would change.")
def command(queries: tuple[str, ...], text: str | None, write: bool, check: bool) -> None:
    """Print queries in canonical form."""
    from falconql.runtime.io.output import write_whole

    if write and check:
        raise click.UsageError("--write and --check exclude each other")
    if write and (text is not None or "-" in queries or not queries):
        raise click.UsageError("--write needs query files")
    if text is not None or not queries:
        queries = (*queries, "") if text is None else queries
    changed = 0
    for name in queries or ("",):
        asked = Given(name or None, text).query()
        formatted = asked.format()
        if not (write or check):
            _print(formatted)
        elif formatted != asked.text:
            changed += 1
            if write:
                with writing():
                    write_whole(name, formatted.encode())
            say(f"{'rewrote' if write else 'would rewrite'} {asked.source.name}")
    if check and changed:
        raise SystemExit(HAS_ERRORS)


def _print(query: str) -> None:
    """Print a query, which is UTF-8 wherever it does not go to a terminal, and drives none."""
    if sys.stdout.isatty() or not isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.write(visible(query))
    else:
        sys.stdout.buffer.write(query.encode())
