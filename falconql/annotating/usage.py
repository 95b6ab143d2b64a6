"""What annotating took and what became of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals since an annotator was made.

    Attributes:
        requests: answered by the server, second tries included.
        tokens_read, tokens_written: as the server counts them, estimated where it does not.
        dollars: by the price table; None where the model has no price.
        from_store: questions answered from disk.
        failed: questions without a usable answer.
        unasked: questions that the budget left unasked.
        rejected_spans: pieces that are not in their text, or not as often as they were listed.
        repaired_spans: pieces found only without regard to white space, case and the forms of characters.
        refused_ways: ways of asking for JSON that the server refused.
    """

    requests: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    dollars: float | None = None
    from_store: int = 0
    failed: int = 0
    unasked: int = 0
    rejected_spans: int = 0
    repaired_spans: int = 0
    refused_ways: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens both ways."""
        return self.tokens_read + self.tokens_written

    def __str__(self) -> str:
        parts = [_count(self.requests, "request"), _count(self.tokens, "token")]
        if self.dollars is not None:
            parts.append(dollars_text(self.dollars))
        for number, said in (
            (self.from_store, "answered from disk"),
            (self.failed, "without a usable answer"),
            (self.unasked, "left unasked by the budget"),
        ):
            parts += [f"{number:,} {said}"] if number else []
        if self.repaired_spans:
            parts.append(f"{_count(self.repaired_spans, 'span')} repaired")
        if self.rejected_spans:
            parts.append(f"{_count(self.rejected_spans, 'span')} rejected: not in the text")
        return ", ".join(parts)


class Tally:
    """A ``Usage`` that grows; safe to use from many threads."""

    def __init__(self, *, priced: bool) -> None:
        self._usage = Usage(dollars=0.0 if priced else None)
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        """What was counted so far."""
        return self._usage

    def spent(self, tokens_read: int, tokens_written: int, dollars: float | None) -> None:
        """Count one request."""
        with self._lock:
            usage = self._usage
            self._usage = replace(
                usage,
                requests=usage.requests + 1,
                tokens_read=usage.tokens_read + tokens_read,
                tokens_written=usage.tokens_written + tokens_written,
                dollars=None if dollars is None else (usage.dollars or 0.0) + dollars,
            )

    def refused(self, way: str) -> None:
        """Note a way of asking for JSON that the server refused."""
        with self._lock:
            self._usage = replace(self._usage, refused_ways=(*self._usage.refused_ways, way))

    def add(
        self, *, from_store: int = 0, failed: int = 0, unasked: int = 0, rejected: int = 0, repaired: int = 0
    ) -> None:
        """Count questions and spans."""
        with self._lock:
            usage = self._usage
            self._usage = replace(
                usage,
                from_store=usage.from_store + from_store,
                failed=usage.failed + failed,
                unasked=usage.unasked + unasked,
                rejected_spans=usage.rejected_spans + rejected,
                repaired_spans=usage.repaired_spans + repaired,
            )


def dollars_text(dollars: float) -> str:
    """Return an amount of money as people read it: with two digits that say something."""
    return f"${dollars:,.2f}" if dollars >= 0.095 or dollars == 0 else f"${dollars:.2g}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
