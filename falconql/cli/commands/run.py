"""``falconql run``: a query to rows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from falconql.api import Engine, Order
from falconql.cli.consent import confirmation, say_spent
from falconql.cli.file import write_file
from falconql.cli.options import (
    FILE,
    CorpusCommand,
    Given,
    cache_option,
    engine_options,
    order_option,
    proxy_option,
    query_options,
    yes_option,
)
from falconql.cli.output import (
    STREAMS,
    check_beside,
    check_distinct,
    check_output,
    check_page,
    check_unread,
    first_rows,
    print_table,
    save_report,
    write_metrics,
    write_rows,
)
from falconql.cli.progress import Progress, summary
from falconql.cli.terminal import is_terminal, say, say_diagnostics, say_warning

if TYPE_CHECKING:
    import pyarrow as pa


@click.command("run", cls=CorpusCommand)
@query_options
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Write to FILE, whose ending names the format, or to an address; - is standard output.",
)
@click.option(
    "--partition-by",
    "partition_by",
    metavar="COLUMN",
    multiple=True,
    help="With -o FOLDER: one file for each value of COLUMN, in a folder named after it; may be repeated.",
)
@click.option(
    "--format", "format_", type=click.Choice(STREAMS), help="The format; a table on standard output by default."
)
@proxy_option
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Return N rows at most.")
@click.option(
    "--report", type=FILE, metavar="FILE", help="Write a page to look at to FILE: texts with spans, scores, the plan."
)
@click.option("--metrics", type=FILE, metavar="FILE", help="Write what was measured to FILE, as JSON.")
@order_option
@cache_option
@yes_option
@engine_options
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")
def command(
    given: Given,
    output: str | None,
    partition_by: tuple[str, ...],
    format_: str | None,
    proxy: str | None,
    limit: int | None,
    report: str | None,
    metrics: str | None,
    order: Order,
    cache: bool | None,
    yes: bool,
    engine: Engine,
    quiet: bool,
) -> None:
    """Run a query and print its rows, or write them with -o.

    A path after `from` is relative to the query's file. A run with -o that was interrupted goes on where it was when
    the same command is given again.
    """
    if output == "-":
        output = None
    elif output is not None and format_ == "table":
        raise click.UsageError("--format table is for standard output: leave out -o, or name the format of a file")
    if partition_by and output is None:
        raise click.UsageError("--partition-by goes with -o FOLDER")
    if output is not None:
        check_output(output, partition_by)
    for path, option in ((report, "--report"), (metrics, "--metrics")):
        if path is not None:
            check_beside(path, option)
    written = [("-o", output), ("--report", report), ("--metrics", metrics)]
    check_distinct(written)
    asked = given.query()
    as_table = output is None and format_ in (None, "table")
    # Rows that stream to the terminal and a live line would write over each other.
    silent = quiet or (output is None and not as_table and is_terminal(sys.stdout))
    with Progress(quiet=silent) as progress:
        run = asked.start(
            given.corpus,
            proxy=proxy,
            limit=limit,
            order=order,
            cache=cache,
            confirm=confirmation(yes=yes, quiet=quiet, aside=progress.aside),
            engine=engine,
            on_progress=progress.batch_done,
            on_warning=say_warning,
            on_diagnostics=say_diagnostics,
        )
        from falconql.runtime.io.fingerprint import local_files

        # The result may take the place of its corpus, not of its query.
        check_unread(written[:1], given.files)
        check_unread(written[1:], [*given.files, *local_files(run.ctx.source)])
        if report is not None:
            check_page(report, "--report")
        progress.watch(run.metrics, run.tokens_run)
        batches: Iterator[pa.RecordBatch] | None = None
        if report is not None:
            from falconql.report import Collector

            collector = Collector(run, asked.text, run.ctx.source.name)
            batches = collector.watch(run.batches())
        if as_table:
            found = first_rows(run, batches)
        elif output is None:
            write_rows(run, None, format_, batches)
        else:
            write_file(run, output, format_, batches, partition_by=partition_by, quiet=silent)
    if as_table:
        print_table(found, run)
    if report is not None:
        save_report(report, collector.data())
    if metrics is not None:
        write_metrics(run, metrics)
    if not quiet:
        say(summary(run.metrics))
        say_spent(run)
