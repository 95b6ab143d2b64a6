"""Reading statements, from a terminal or from a pipe, until there are no more."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator

from falconql import __version__
from falconql.cli.failures import HAS_ERRORS
from falconql.cli.repl.alone import ends_statement, goes_on, is_empty, words_in
from falconql.cli.repl.commands import opened_line
from falconql.cli.repl.session import Session
from falconql.cli.repl.statements import Outcome, run_statement
from falconql.cli.terminal import is_terminal, say


def run(session: Session) -> int:
    """Run a session to its end and return the exit status."""
    if is_terminal(sys.stdin) and is_terminal(sys.stdout):
        return interactive(session)
    return piped(session, sys.stdin, typed=is_terminal(sys.stdin))


def interactive(session: Session) -> int:
    """Read from a terminal, with an editor."""
    from falconql.cli.repl.prompt import PROMPT, prompt_session, say_not_kept

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
        say_not_kept(editor)
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


def piped(session: Session, lines: Iterable[str], *, typed: bool = False) -> int:
    """Read statements from a pipe: one ends with a ``;``, an empty line or a command, a command with its line.

    A single empty line between two clauses of a query ends nothing: FalconQL itself writes queries so. Where the
    lines are typed it does, because whoever waits for an answer types no more.
    """
    status = 0
    for text in statements(lines, typed=typed):
        outcome = run_statement(session, text)
        if outcome.edit is not None:
            print(outcome.edit, flush=True)
            outcome = run_statement(session, outcome.edit)
        if not outcome.ok:
            status = HAS_ERRORS
        if outcome.quit:
            break
    return status


def statements(lines: Iterable[str], *, typed: bool = False) -> Iterator[str]:
    """Yield the statements of some lines; an empty line between the clauses of one query ends none.

    Args:
        lines: what is read.
        typed: no line is looked at before those in front of it are answered, so that any empty line ends one.
    """
    held: list[str] = []
    ahead = _Ahead(lines)
    # Whether the clause ahead is known to go on with what is held.
    known = False
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
            known = known and is_empty(stripped)
            ended = ends_statement(stripped)
        else:
            known = known or (not typed and goes_on("\n".join(held), ahead.following))
            ended = not known
        if held and ended:
            yield "\n".join(held)
            held, known = [], False
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
        """Return the next line that has more than comments, an empty text where two empty lines come before it."""
        empty = True
        for line in self._rest():
            if words_in(line):
                return line
            if empty and not line.strip():
                return ""
            empty = not line.strip()
        return ""

    def _rest(self) -> Iterator[str]:
        yield from tuple(self._seen)
        for line in self._lines:
            self._seen.append(line)
            yield line
