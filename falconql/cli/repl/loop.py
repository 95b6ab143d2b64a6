"""Reading statements, from a terminal or from a pipe, until there are no more."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator

from falconql import __version__
from falconql.cli.failures import HAS_ERRORS
from falconql.cli.repl.alone import ends_statement, goes_on, words_in
from falconql.cli.repl.commands import opened_line
from falconql.cli.repl.session import Session
from falconql.cli.repl.statements import Outcome, run_statement
from falconql.cli.terminal import is_terminal, say


def run(session: Session) -> int:
    """Run a session to its end and return the exit status."""
    if is_terminal(sys.stdin) and is_terminal(sys.stdout):
        return interactive(session)
    return piped(session, sys.stdin)


def interactive(session: Session) -> int:
    """Read from a terminal, with an editor."""
    from falconql.cli.repl.prompt import PROMPT, prompt_session

    say(f"falconql {__version__}; .help for help, Ctrl-D to leave")
    if session.corpus is not None:
        say(opened_line(session))
    editor = prompt_session(session)
    edit = ""
    while True:
        try:
            text = editor.prompt(PROMPT, default=edit)
        except KeyboardInterrupt:
            edit = ""
            continue  # Ctrl-C forgets the line
        except EOFError:
            return 0
        outcome = _uninterrupted(session, text)
        if outcome is None:
            edit = ""
            continue
        if outcome.quit:
            return 0
        edit = outcome.edit or ""


def _uninterrupted(session: Session, text: str) -> Outcome | None:
    """Run a statement; a second Ctrl-C, while the first is still being answered, ends no session either."""
    try:
        return run_statement(session, text)
    except KeyboardInterrupt:
        say("interrupted")
        return None


def piped(session: Session, lines: Iterable[str]) -> int:
    """Read statements from a pipe: one ends with a ``;``, an empty line or a command, a command with its line.

    An empty line between two clauses of a query ends nothing: FalconQL itself writes queries so.
    """
    status = 0
    for text in statements(lines):
        outcome = run_statement(session, text)
        if outcome.edit is not None:
            print(outcome.edit, flush=True)
            outcome = run_statement(session, outcome.edit)
        if not outcome.ok:
            status = HAS_ERRORS
        if outcome.quit:
            break
    return status


def statements(lines: Iterable[str]) -> Iterator[str]:
    """Yield the statements of some lines; an empty line between the clauses of one query ends none."""
    held: list[str] = []
    ahead = _Ahead(lines)
    for line in ahead:
        stripped = line.strip()
        if stripped.startswith("?") or re.match(r"\.[a-z]", stripped) or (not held and stripped.startswith(".")):
            # Nothing of a query begins so: what came before it ends here.
            if held:
                yield "\n".join(held)
            held = []
            yield stripped
            continue
        if stripped:
            held.append(line.rstrip("\n"))
        if held and (ends_statement(stripped) or (not stripped and not goes_on("\n".join(held), ahead.following))):
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


class _Ahead:
    """Lines, of which the next may be looked at before it is taken."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._seen: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._seen.popleft() if self._seen else next(self._lines)

    def following(self) -> str:
        """Return the next line that has more than comments, an empty text without one."""
        for line in self._seen:
            if words_in(line):
                return line
        for line in self._lines:
            self._seen.append(line)
            if words_in(line):
                return line
        return ""
