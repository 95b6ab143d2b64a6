"""Asking the person at the terminal whether a run may cost what it is going to."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from falconql.cli.terminal import is_terminal, say

if TYPE_CHECKING:
    from falconql.annotating.billing import Bill
    from falconql.consent import Confirm
    from falconql.result import Run

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False}


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
    while True:
        sys.stderr.write(f"{question} [{'Y/n' if default else 'y/N'}]: ")
        sys.stderr.flush()
        try:
            _wait_for_a_line()
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            say("")
            raise
        if not line:
            say("")
            return False
        answer = line.strip().lower()
        if answer in _ANSWERS or not answer:
            return _ANSWERS.get(answer, default)
        say("answer y or n")


def _wait_for_a_line() -> None:
    """Wait until there is something to read, or a signal.

    A Ctrl-C that comes after Python has last looked for one and before it reads would be seen with the next key only.
    """
    # A terminal gives a line at a time, so that none is left behind in a buffer where this would not see it.
    if os.name == "nt" or not is_terminal(sys.stdin) or threading.current_thread() is not threading.main_thread():
        return
    told, teller = os.pipe()
    os.set_blocking(teller, False)
    before = signal.set_wakeup_fd(teller, warn_on_full_buffer=False)
    try:
        select.select([sys.stdin, told], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(told)
        os.close(teller)


def say_spent(run: Run) -> None:
    """Say what a run has asked of a language model, if it has."""
    spent = run.spent()
    if spent is not None:
        say(spent)
