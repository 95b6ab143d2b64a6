"""Asking the person at the terminal whether a run may cost what it is going to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from falconql.cli.terminal import is_terminal, say

if TYPE_CHECKING:
    from falconql.annotating.billing import Bill
    from falconql.consent import Confirm
    from falconql.result import Run


def confirmation(
    *, yes: bool, quiet: bool = False, aside: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Confirm:
    """Return what says before a run on a language model what it costs, and asks if that is much.

    Args:
        yes: go on whatever it costs.
        quiet: say nothing where nothing has to be asked.
        aside: clears the screen of a progress display for the question.
    """

    def confirm(bill: Bill) -> bool:
        asks = bill.needs_consent and not yes
        if asks and not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            return False
        with aside():
            if asks or not quiet:
                say(str(bill))
            return not asks or agreed("Go on?", default=False)

    return confirm


def agreed(question: str, *, default: bool) -> bool:
    """Return the answer to a question with yes or no; the end of the input, as Ctrl-D makes it, is a no.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    try:
        return click.confirm(question, default=default, err=True)
    except click.Abort as error:
        # click makes the same of both.
        if isinstance(error.__context__, EOFError):
            say("")
            return False
        raise KeyboardInterrupt from None


def say_spent(run: Run) -> None:
    """Say what a run has asked of a language model, if it has."""
    spent = run.spent()
    if spent is not None:
        say(spent)
