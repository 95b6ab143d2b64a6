"""``falconql eval``: how good a query's proxy is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from falconql.cli.consent import confirmation
from falconql.cli.options import FILE, CorpusCommand, Given, cache_option, proxy_option, query_options, yes_option
from falconql.cli.output import check_beside, check_page, check_unread
from falconql.cli.terminal import say, say_warning
from falconql.errors import ConfigError
from falconql.visible import json_text

if TYPE_CHECKING:
    from falconql.api import Query
    from falconql.check.typed import TypedQuery
    from falconql.consent import Confirm
    from falconql.evaluating.run import Evaluation
    from falconql.evaluating.sides import Side
    from falconql.runtime.io.base import TableSource


@click.command("eval", cls=CorpusCommand)
@query_options
@click.option(
    "--gold",
    type=FILE,
    metavar="FILE",
    help="Right answers by people: answers to questions, or the rows that the query should return.",
)
@click.option("--against", metavar="NAME", help="Another proxy, or llm:MODEL, whose answers are taken as right.")
@proxy_option
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    metavar="N",
    help="Rows of the corpus to compare on, with --against.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=7,
    show_default=True,
    metavar="N",
    help="Of the rows that are drawn.",
)
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="Disagreements to show of each model call.",
)
@click.option(
    "--report",
    type=FILE,
    metavar="FILE",
    help="Write a page to FILE: the figures, and disagreements with their texts.",
)
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of the output."
)
@cache_option
@yes_option
def command(
    given: Given,
    gold: str | None,
    against: str | None,
    proxy: str | None,
    sample: int,
    seed: int,
    worst: int,
    report: str | None,
    format_: str,
    cache: bool | None,
    yes: bool,
) -> None:
    """Measure how good a query's proxy is, against people's answers or against another proxy.

    Precision, recall, F1 (of words, for spans) and accuracy of every model call with 95 % intervals, agreement of the
    whole result, and the worst disagreements.
    """
    from falconql.runtime.io.fingerprint import local_files

    if (gold is None) == (against is None):
        raise click.UsageError("give --gold FILE or --against NAME, one of them")
    if report is not None:
        check_beside(report, "--report")
    asked = given.query()
    source, typed = asked.resolved(given.corpus)
    if report is not None:
        _check_report(report, [*given.files, *local_files(source)], gold)
    if not typed.calls:
        raise ConfigError("the query calls no model, so that there is nothing to evaluate")
    here = _side(asked, typed, proxy, cache)
    if against is not None:
        from falconql.evaluating.run import against_proxy

        there = _side(asked, typed, against, cache)
        if there.proxy.fingerprint == here.proxy.fingerprint:
            raise ConfigError(
                f"{against!r} is the proxy that is to be evaluated", hint="name that one with --proxy or `using`"
            )
        confirm = confirmation(yes=yes)
        found = against_proxy(typed, asked.text, source, here, there, rows=sample, seed=seed, confirm=confirm)
    else:
        assert gold is not None
        found = _against_gold(typed, asked, source, here, gold, confirmation(yes=yes))
    for note in found.notes:
        say_warning(note)
    _print(found, worst, format_)
    if report is not None:
        from falconql.evaluating.page import write_page

        write_page(report, found)
        say(f"{report} shows the disagreements with their texts")


def _check_report(report: str, read: Sequence[str], gold: str | None) -> None:
    """Refuse to write the page over what is read, or over other data."""
    from falconql.runtime.io.locate import locate

    check_unread([("--report", report)], read)
    if gold is not None:
        check_unread([("--report", report)], locate(gold, None).paths, "--gold")
    check_page(report, "--report")


def _against_gold(
    typed: TypedQuery, asked: Query, source: TableSource, here: Side, gold: str, confirm: Confirm
) -> Evaluation:
    from falconql.evaluating.gold import read_gold
    from falconql.evaluating.run import against_answers, against_rows

    right = read_gold(Path(gold))
    if isinstance(right, dict):
        return against_answers(typed, asked.text, source.name, here, right, gold, confirm=confirm)
    return against_rows(typed, asked.text, source, here, right, gold, confirm=confirm)


def _side(asked: Query, typed: TypedQuery, name: str | None, cache: bool | None) -> Side:
    """Return a proxy by name, or the one that the query names."""
    from falconql.caching import result_cache
    from falconql.evaluating.sides import Side

    proxy = asked.answering(typed, name)
    return Side(_shown(name) or proxy.name, proxy, result_cache(cache, proxy, say_warning))


def _shown(name: str | None) -> str | None:
    """Return a name as given, of a folder its last part."""
    return name and (name if name.startswith("llm") else Path(name).name)


def _print(found: Evaluation, worst: int, format_: str) -> None:
    from falconql.evaluating.showing import as_data, as_text

    if format_ == "json":
        click.echo(json_text(as_data(found, worst=worst)))
    else:
        click.echo(as_text(found, worst=worst))
