"""Where a result goes: a table on the terminal, another format on standard output, or a file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from falconql.cli.failures import Interrupted, OutputError
from falconql.cli.terminal import is_terminal, use_color, width
from falconql.errors import ConfigError, DataError
from falconql.runtime.io.address import check_scheme, scheme_of, shown

if TYPE_CHECKING:
    import pyarrow as pa

    from falconql.result import Run
    from falconql.runtime.io.base import TableSink

STREAMS = ("table", "json", "jsonl", "csv", "arrow", "parquet")
ROWS_ON_TERMINAL = 40


@dataclass(frozen=True, slots=True)
class Asked:
    """An output as it is asked for: where, None for standard output, in which format, in folders by which columns."""

    path: str | None
    format: str | None = None
    partition_by: tuple[str, ...] = ()


def check_output(path: str, partition_by: Sequence[str]) -> None:
    """Refuse an output that cannot be before anything is computed; of one elsewhere only what its address says.

    Raises:
        click.BadParameter: the folder is missing, or the path is a folder and no columns make folders in it.
        ConfigError: no output has such an address.
    """
    if scheme_of(path) is not None:
        try:
            check_scheme(path)
        except DataError as error:
            raise ConfigError(error.message, hint=error.hint) from None
    elif partition_by:
        if not os.path.isdir(Path(path).parent):
            raise click.BadParameter(f"there is no folder {Path(path).parent}", param_hint="-o")
    else:
        check_folder(path, "-o")


def check_folder(path: str, option: str) -> None:
    """Refuse a file in a folder that does not exist before anything is computed.

    Raises:
        click.BadParameter: the folder is missing, or the path is a folder itself.
    """
    if os.path.isdir(path):
        raise click.BadParameter(f"{path} is a folder; name a file in it", param_hint=option)
    if not os.path.isdir(Path(path).parent):
        raise click.BadParameter(f"there is no folder {Path(path).parent}", param_hint=option)


def check_beside(path: str, option: str) -> None:
    """Refuse a file that is written after a run when it cannot be, before anything is computed.

    Raises:
        click.BadParameter: the folder is missing, the path is a folder itself, or it is ``-``.
        OutputError: the folder takes no new file.
    """
    from falconql.runtime.io.output import file_target, replaces_file

    if path == "-":
        raise click.BadParameter("- is standard output, and this goes into a file", param_hint=option)
    check_folder(path, option)
    if replaces_file(path):
        with writing():
            file_target(path).abort()


def check_page(path: str, option: str) -> None:
    """Refuse a name for a page that is not one of a page: it may be that of somebody's data.

    Raises:
        click.BadParameter: it is that of a file, and does not end in .html or .htm.
    """
    from falconql.runtime.io.output import replaces_file

    if replaces_file(path) and not path.lower().endswith((".html", ".htm")):
        raise click.BadParameter(f"{path} would be a page for a browser: let its name end in .html", param_hint=option)


def check_distinct(written: Sequence[tuple[str, str | None]]) -> None:
    """Refuse to write two things to one place.

    Raises:
        click.UsageError: two options name the same file.
    """
    from falconql.runtime.io.output import replaces_file

    seen: dict[str, str] = {}
    for option, path in written:
        if path is None or scheme_of(path) is not None or not replaces_file(path):
            continue
        other = seen.setdefault(os.path.realpath(path), option)
        if other != option:
            raise click.UsageError(f"{other} and {option} name the same file, {path}")


def check_unread(written: Sequence[tuple[str, str | None]], read: Iterable[str], by: str = "the query") -> None:
    """Refuse to write over what is read: only the result may take the place of its corpus.

    Args:
        written: options with what they name.
        read: the paths that are read.
        by: what reads them, in words.

    Raises:
        click.UsageError: an option names such a file.
    """
    known = {os.path.realpath(path) for path in read}
    for option, path in written:
        if path is not None and os.path.realpath(path) in known:
            raise click.UsageError(f"{option} would replace {path}, which {by} reads")


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The rows to show, and how many there are in all."""

    table: pa.Table
    rows: int


def first_rows(run: Run, batches: Iterable[pa.RecordBatch] | None = None) -> FirstRows:
    """Run to the end; for a terminal only the first rows are kept, because it is to be read."""
    import pyarrow as pa

    most = ROWS_ON_TERMINAL if is_terminal(sys.stdout) else None
    kept: list[pa.RecordBatch] = []
    rows = kept_rows = 0
    for batch in run.batches() if batches is None else batches:
        rows += batch.num_rows
        if most is None or kept_rows < most:
            kept.append(batch)
            kept_rows += batch.num_rows
    table = pa.Table.from_batches(kept, schema=run.schema)
    return FirstRows(table if most is None else table.slice(0, min(most, table.num_rows)), rows)


def print_table(found: FirstRows, run: Run) -> None:
    """Print rows as a readable table."""
    from falconql.result import format_rows

    text = format_rows(found.table, run, width=width(), color=use_color(sys.stdout), rows=found.rows)
    print(text + (" (-o FILE writes them all)" if found.rows > found.table.num_rows else ""))


def write_rows(
    run: Run, path: str | None, format_: str | None, batches: Iterable[pa.RecordBatch] | None = None
) -> None:
    """Run and write every batch to standard output, a device or a pipe."""
    with finished(run, Asked(path, format_)) as sink:
        for batch in run.batches() if batches is None else batches:
            with writing():
                sink.write(batch)


@contextmanager
def finished(run: Run, output: Asked, workplace: str | None = None) -> Iterator[TableSink]:
    """Open an output, and finish it when all goes well; the final name exists only then."""
    sink = _open(run, output, workplace)
    try:
        yield sink
        with writing():
            sink.commit()
    except BaseException as error:
        sink.abort()
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, Interrupted):
            raise Interrupted(
                f"{shown(output.path)} was not written" if output.path else "the output is incomplete"
            ) from None
        raise


@contextmanager
def writing() -> Iterator[None]:
    """Tell an output that cannot be written from a corpus that cannot be read."""
    from falconql.runtime.io.sinks import OutputClosed

    try:
        yield
    except OutputClosed:
        raise BrokenPipeError from None
    except DataError as error:
        raise OutputError(error.message, hint=error.hint) from error


def _open(run: Run, output: Asked, workplace: str | None) -> TableSink:
    """Return the sink that -o and --format ask for.

    Raises:
        ConfigError: there cannot be such a file.
        OutputError: the disk does not take it.
        BrokenPipeError: nobody reads it any more.
    """
    from falconql.runtime.io import open_sink
    from falconql.runtime.io.remote.problems import Remote
    from falconql.runtime.io.sinks import OutputClosed
    from falconql.runtime.io.sql import check_not_read, tables_of

    try:
        if output.path is not None:
            check_not_read(output.path, tables_of(run.ctx.source))
        return open_sink(
            sys.stdout.buffer if output.path is None else output.path,
            run.schema,
            format=output.format,
            workplace=workplace,
            partition_by=output.partition_by,
        )
    except OutputClosed:
        # Some formats begin with bytes of their own, before any row.
        raise BrokenPipeError from None
    except DataError as error:
        if isinstance(error, Remote) or isinstance(error.__cause__, OSError):
            raise OutputError(error.message, hint=error.hint) from error
        raise ConfigError(error.message, hint=error.hint) from error


def write_metrics(run: Run, path: str) -> None:
    """Write what ``explain --analyze --format json`` shows to a file."""
    from falconql.runtime.io.output import write_whole

    found: dict[str, Any] = run.explained().to_dict()
    with writing():
        write_whole(path, (json.dumps(found, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace"))


def save_report(path: str, data: dict[str, Any]) -> None:
    """Write the page of a report."""
    from falconql.report import write_page

    with writing():
        write_page(path, data)
