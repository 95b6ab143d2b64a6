"""The group of commands. A command's module is imported only when that command is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from falconql import __version__
from falconql.cli.failures import exit_status

COMMANDS = ("run", "ask", "repl", "check", "fmt", "explain", "train", "eval", "error", "grammar", "proxies", "cache")


class Commands(click.Group):
    """Finds commands by name and turns every failure into a message and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"falconql.cli.commands.{cmd_name}").command
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with exit_status():
            return super().make_context(info_name, args, parent, **extra)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(_unknown(name))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        with exit_status():
            return super().invoke(ctx)


def _unknown(name: str) -> str:
    from falconql.diagnostics.suggest import near_names

    if name.endswith(".fql"):
        return f"there is no command {name!r}; did you mean `falconql run {name}`?"
    near = near_names(name, COMMANDS)
    advice = f"did you mean `{near[0]}`?" if near else f"the commands are {', '.join(COMMANDS)}"
    return f"there is no command {name!r}; {advice}"


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 done, 1 the query or the data has errors, 2 wrong usage, 3 failed while running, "
    "130 interrupted (143, 129: by SIGTERM, SIGHUP).",
)
@click.version_option(__version__, prog_name="falconql", message="%(prog)s %(version)s")
def main() -> None:
    """Mine structured facts out of many texts with small declarative queries.

    QUERY is everywhere a .fql file, `-` for standard input, or replaced by -e 'query text'.
    Data goes to standard output, everything else to standard error.
    """
