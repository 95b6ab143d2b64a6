"""``falconql explain``: the plan, its costs, and what was measured."""

from __future__ import annotations

import click

from falconql.api import Engine, Order
from falconql.cli.consent import confirmation
from falconql.cli.options import (
    CorpusCommand,
    Given,
    cache_option,
    engine_options,
    order_option,
    proxy_option,
    query_options,
    yes_option,
)
from falconql.cli.terminal import say_diagnostics, say_warning
from falconql.visible import json_text, visible


@click.command("explain", cls=CorpusCommand)
@query_options
@click.option("--analyze", is_flag=True, help="Run the query and show measured numbers beside the estimates.")
@click.option("--rules", is_flag=True, help="List the rewrites that fired.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@order_option
@cache_option
@engine_options
@proxy_option
@yes_option
def command(
    given: Given,
    analyze: bool,
    rules: bool,
    format_: str,
    order: Order,
    cache: bool | None,
    engine: Engine,
    proxy: str | None,
    yes: bool,
) -> None:
    """Show how a query will be run, and what it will cost."""
    asked = given.query()
    run = asked.start(
        given.corpus,
        proxy=proxy,
        order=order,
        cache=cache,
        engine=engine,
        with_proxy=analyze,
        confirm=confirmation(yes=yes),
        on_warning=say_warning,
        on_diagnostics=say_diagnostics,
    )
    explained = run.explain(analyze=analyze)
    if format_ == "json":
        print(json_text(explained.to_dict()))
    else:
        print(visible(explained.format(rules=rules)))
