"""How failures look and what the process exits with.

0 done, 1 the query or the data has errors, 2 wrong usage, 3 failed while running, 130 interrupted, 143 and 129 asked to
end by SIGTERM and SIGHUP.
Nothing a user can cause ends in a traceback; a mistake in FalconQL itself does, for it has to be found.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from falconql.cli.ending import status
from falconql.cli.terminal import say, say_problems, use_color
from falconql.errors import AskError, ConfigError, DataError, FalconQLError, QueryError

DONE, HAS_ERRORS, WRONG_USAGE, FAILED, INTERRUPTED = 0, 1, 2, 3, 130


class OutputError(FalconQLError):
    """A result cannot be written."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with a word on what became of the output."""


@contextmanager
def exit_status() -> Iterator[None]:
    """Report what goes wrong inside and leave with the right status."""
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        said = f": {error}" if isinstance(error, Interrupted) else ""
        say(f"interrupted{said}")
        leave(status(INTERRUPTED))
    except BrokenPipeError:
        # The reader has enough (`| head`): that is its right, and no failure of ours.
        leave(DONE)
    except QueryError as error:
        say_problems(error.diagnostics, error.source)
        leave(HAS_ERRORS)
    except click.exceptions.NoArgsIsHelpError as error:
        # A group without a subcommand: what it has is the answer, as for `falconql` alone.
        say(error.format_message().rstrip("\n"))
        leave(WRONG_USAGE)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "falconql"
        say_error(error.format_message(), f"`{command} --help` lists what it takes")
        leave(WRONG_USAGE)
    except FalconQLError as error:
        say_error(error.message, error.hint)
        leave(_status(error))
    except MemoryError:
        say_error("out of memory", "select fewer columns, or add a `limit`")
        leave(FAILED)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EBADF):
            raise
        say_error(f"cannot write the output: {os.strerror(error.errno)}", None)
        leave(FAILED)


def say_error(message: str, hint: str | None) -> None:
    """Print a failure that has no place in the query."""
    color = use_color(sys.stderr)
    say(f"\x1b[1;31merror\x1b[0m: {message}" if color else f"error: {message}")
    if hint:
        say(f"  \x1b[36mhelp:\x1b[0m {hint}" if color else f"  help: {hint}")


def _status(error: FalconQLError) -> int:
    if isinstance(error, ConfigError):
        return WRONG_USAGE
    return HAS_ERRORS if isinstance(error, (AskError, DataError)) else FAILED


def leave(status: int) -> None:
    """Exit without letting Python flush to a standard output that no longer takes anything."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(status)
