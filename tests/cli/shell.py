"""Running the command line in this process, as a shell would see it."""

from __future__ import annotations

from dataclasses import dataclass

from click.testing import CliRunner

from falconql.cli.main import main


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str


def falconql(*arguments: str, stdin: bytes | str | None = None) -> Done:
    """Run a command; an exception that would be a traceback is raised."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def piped(text: str, *arguments: str) -> Done:
    """Hand statements to the REPL through a pipe."""
    return falconql("repl", *arguments, stdin=text)
