"""``falconql error``: what a code means, with a wrong and a right query."""

from __future__ import annotations

import textwrap

import click


@click.command("error")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain the error CODE, or list all codes."""
    from falconql.diagnostics.codes import CATALOGUE

    if code is None:
        for entry in CATALOGUE.values():
            click.echo(f"{entry.code}  {entry.title}")
        return
    found = CATALOGUE.get(code.upper())
    if found is None:
        raise click.UsageError(f"there is no error code {code}; `falconql error` lists them")
    click.echo(f"{found.code}: {found.title}\n\n{textwrap.fill(found.explanation, 100)}")
    if found.wrong:
        click.echo(f"\nwrong:\n\n{_indented(found.wrong)}\n\nright:\n\n{_indented(found.right)}")


def _indented(query: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in query.strip().splitlines())
