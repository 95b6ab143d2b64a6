"""A result as a file: committed while it grows, and gone on with after an interruption."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from falconql import __version__
from falconql.cli.failures import Interrupted, OutputError
from falconql.cli.output import Asked, finished, write_rows, writing
from falconql.cli.terminal import say
from falconql.errors import DataError
from falconql.runtime.io.address import scheme_of, shown

if TYPE_CHECKING:
    import pyarrow as pa

    from falconql.result import Run
    from falconql.runtime.commit import CommittedRows, WorkFolder


def write_file(
    run: Run,
    path: str,
    format_: str | None = None,
    batches: Iterable[pa.RecordBatch] | None = None,
    *,
    partition_by: Sequence[str] = (),
    quiet: bool = False,
    every_s: float | None = None,
) -> None:
    """Run and write every row to a file.

    Args:
        run: what gives the rows, not yet begun.
        path: of the output, or its address.
        format_: by default the one of its ending.
        batches: the run's, if somebody looks at them on the way; then it always begins at the beginning.
        partition_by: columns whose values become folders.
        quiet: say nothing of an earlier run's rows.
        every_s: commit no more often than this; None for what suits people.

    Raises:
        OutputError: it cannot be written, or another run is writing it.
        DataError: the corpus cannot be read.
        Interrupted: by Ctrl-C, with a word on how to go on.
    """
    from falconql.runtime.commit import EVERY_S, CommittedRows, identity_of
    from falconql.runtime.io.output import replaces_file

    if not partition_by and not replaces_file(path):
        write_rows(run, path, format_, batches)
        return
    output = Asked(path, format_, tuple(partition_by))
    try:
        with _opened(path) as folder:
            identity = None if batches is not None else identity_of(run.plan, run.ctx, run.schema, __version__)
            if identity is None:
                with writing():
                    folder.discard()
                _write_at_once(run, folder, output, batches)
                return
            rows = CommittedRows(folder, identity, run.schema, every_s=EVERY_S if every_s is None else every_s)
            _write_committed(run, folder, rows, output, quiet=quiet)
    except KeyboardInterrupt as error:
        raise error if isinstance(error, Interrupted) else Interrupted(f"{shown(path)} was not written") from None


def _write_committed(run: Run, folder: WorkFolder, rows: CommittedRows, output: Asked, *, quiet: bool) -> None:
    path = folder.output
    with writing():
        run.ctx.resume, why_not = rows.resume()
    if not quiet:
        _say_where(path, rows, why_not)
    rows.watch(run.ctx)
    with _rescued(path, rows), finished(run, output, str(folder.path)) as sink:
        for batch in run.batches():
            rows.add(batch)
        for batch in rows.finish():
            with writing():
                sink.write(batch)
    folder.discard()


@contextmanager
def _opened(path: str) -> Iterator[WorkFolder]:
    from falconql.runtime.commit import Busy

    folder = _work_folder(path)
    # Not a `with`: Ctrl-C between its opening and its body would leave the folder behind.
    try:
        try:
            folder.__enter__()
        except (Busy, DataError) as error:
            raise OutputError(error.message, hint=error.hint) from error
        yield folder
    finally:
        folder.close()


def _work_folder(path: str) -> WorkFolder:
    """Return the work folder beside an output; of one elsewhere, in the user's own folder."""
    from falconql.runtime.cache import user_folder
    from falconql.runtime.commit import WorkFolder

    if scheme_of(path) is None:
        return WorkFolder(path)
    return WorkFolder(shown(path), away=user_folder().with_name("falconql-outputs"))


def _write_at_once(run: Run, folder: WorkFolder, output: Asked, batches: Iterable[pa.RecordBatch] | None) -> None:
    path = folder.output
    try:
        with finished(run, output, str(folder.path)) as sink:
            for batch in run.batches() if batches is None else batches:
                with writing():
                    sink.write(batch)
    except KeyboardInterrupt:
        known = run.ctx.cache is not None and run.metrics.model_calls
        more = "; the same command begins again, with the proxy's answers so far" if known else ""
        raise Interrupted(f"{path} was not written{more}") from None


def _say_where(path: str, rows: CommittedRows, why_not: str | None) -> None:
    if why_not is not None:
        say(f"{path}: rows of an interrupted run are left out, {why_not}")
    if rows.rows:
        say(f"{path}: going on after {rows.rows:,} rows of an interrupted run")


@contextmanager
def _rescued(path: str, rows: CommittedRows) -> Iterator[None]:
    """Keep what there is when the run ends early, and say so."""
    from falconql.runtime.commit import NotCommitted

    try:
        yield
    except BaseException as error:
        try:
            if not isinstance(error, NotCommitted):
                rows.rescue()
        except NotCommitted as problem:
            say(f"{path}: {problem.message}")
        said = f"{rows.rows:,} rows of {path} are kept; the same command goes on from there" if rows.committed else None
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(said or f"{path} was not written") from None
        if said is not None:
            say(said)
        if isinstance(error, NotCommitted):
            raise OutputError(error.message, hint=error.hint) from error
        raise
