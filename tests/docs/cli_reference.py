"""The command line's reference page, from the real help texts."""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner

from falconql.cli.main import COMMANDS, main

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
HEAD = """# Command line

Data goes to standard output, everything else to standard error. Exit status: 0 done, 1 the query or the data has errors
(diagnostics were printed), 2 wrong usage, 3 failed while running, 130 interrupted by Ctrl-C. SIGTERM and SIGHUP end a
command as Ctrl-C does, with 143 and 129.

A corpus named in a `.fql` file is looked up beside that file; one named with `--from` or in `-e` in the working folder.
`eval "$(_FALCONQL_COMPLETE=bash_source falconql)"` lets Bash complete commands, options and names of files (in zsh
`zsh_source`; in fish `_FALCONQL_COMPLETE=fish_source falconql | source`).

`NO_COLOR` turns colours off, `FALCONQL_HOME` moves the folder of your own proxies, of the cache and of language models'
answers, `FALCONQL_PRICES` names a file with prices of large models, `FALCONQL_CONFIRM_USD` says from how many dollars
on a run on one has to be agreed to. `FALCONQL_CACHE` names another folder for answers of the proxy, or is `off`;
`FALCONQL_CACHE_LIMIT` is what they may take (`2GiB` unless set): see [reliability](../reliability.md).
`OPENAI_BASE_URL`, `OPENAI_API_KEY`, `FALCONQL_MODEL`, `FALCONQL_TIMEOUT` and `FALCONQL_WINDOW` are described under
[language models](../annotate.md).

This page is made from the commands' own help (`make docs`).
"""


def help_of(*words: str) -> str:
    """Return what ``falconql words --help`` prints."""
    result = CliRunner().invoke(main, [*words, "--help"], prog_name="falconql", terminal_width=100)
    assert result.exit_code == 0, result.output
    return result.output


def _below(command: str) -> list[str]:
    found = main.get_command(click.Context(main), command)
    return list(found.commands) if isinstance(found, click.Group) else []


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, f"```text\n{help_of()}```\n"]
    for command in COMMANDS:
        parts.append(f"## falconql {command}\n\n```text\n{help_of(command)}```\n")
        for below in _below(command):
            parts.append(f"### falconql {command} {below}\n\n```text\n{help_of(command, below)}```\n")
    return "\n".join(parts)
