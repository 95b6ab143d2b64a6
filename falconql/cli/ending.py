"""Requests to end: by ``kill``, ``timeout``, cron or a service manager, or by a terminal that closes."""

from __future__ import annotations

import signal
from types import FrameType

# Windows has no SIGHUP.
_ENDS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_got: list[int] = []


def end_in_order() -> None:
    """Let a request to end do what Ctrl-C does: rows are kept and copies removed. A second one ends at once."""
    for number in _ENDS:
        # `nohup` has it ignored.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def end_at_once() -> None:
    """Let a request to end do so without more ado: at a prompt Ctrl-C does not."""
    for number in _ENDS:
        if signal.getsignal(number) is _end:
            signal.signal(number, signal.SIG_DFL)


def status(otherwise: int) -> int:
    """Return the exit status of a process that was asked to end, ``otherwise`` without a request."""
    return 128 + _got[0] if _got else otherwise


def _end(number: int, frame: FrameType | None) -> None:
    end_at_once()
    _got.append(number)
    raise KeyboardInterrupt
