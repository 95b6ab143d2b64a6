"""``falconql repl``: queries typed and answered one after the other."""

from __future__ import annotations

import click

from falconql.cli.options import FILE, CorpusCommand, proxy_option, yes_option
from falconql.cli.terminal import say_warning


@click.command("repl", cls=CorpusCommand)
@click.argument("corpus", required=False, type=FILE)
@proxy_option
@yes_option
def command(corpus: str | None, proxy: str | None, yes: bool) -> None:
    """Explore a CORPUS: type queries, see first rows at once.

    Definitions and the proxy's answers stay, so that a query costs only what is new. Without a terminal, statements
    are read from standard input, each ended by a `;` or an empty line.
    """
    from falconql.cli.ending import end_at_once
    from falconql.cli.repl.loop import run
    from falconql.cli.repl.session import Session

    session = Session(on_warning=say_warning, yes=yes)
    if proxy is not None:
        session.use_proxy(proxy)
    if corpus is not None:
        session.open(corpus)
    end_at_once()
    status = run(session)
    if status:
        raise SystemExit(status)
