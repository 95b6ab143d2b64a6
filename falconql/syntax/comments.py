"""Where comments belong when a query is printed again.

A comment alone on its line belongs to what follows it, one behind other words to the part it
stands behind. Works on positions only and knows nothing of syntax.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from falconql.source import Span
from falconql.syntax.lexemes import lexemes


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment from its dashes on, and whether empty lines kept it apart."""

    text: str
    start: int
    blank_before: bool = False
    blank_after: bool = False


@dataclass(slots=True)
class ClauseNotes:
    """The comments of one clause.

    Attributes:
        before: on lines of their own before the clause.
        inside: by the number of the part before which they stand, on lines of their own; never 0.
        behind: by the number of the part behind which it stands.
    """

    before: list[Comment] = field(default_factory=list)
    inside: dict[int, list[Comment]] = field(default_factory=dict)
    behind: dict[int, Comment] = field(default_factory=dict)

    def add_ahead(self, part: int, comment: Comment) -> None:
        """Put a comment on a line of its own before a part, or before the clause if it is the first."""
        if part <= 0:
            self.before.append(comment)
        else:
            self.inside.setdefault(part, []).append(comment)

    def add_behind(self, part: int, comment: Comment) -> None:
        """Put a comment behind a part; an earlier one there moves ahead, as each needs the end of a line."""
        if part in self.behind:
            self.add_ahead(part, self.behind[part])
        self.behind[part] = comment

    def sort(self) -> None:
        """Bring the comments of each place into source order; some moved there late."""
        for comments in (self.before, *self.inside.values()):
            comments.sort(key=lambda comment: comment.start)


ClausePlaces = tuple[Span, Sequence[Span]]


def place_comments(
    text: str, clauses: Sequence[ClausePlaces], regexes: Container[int]
) -> tuple[list[ClauseNotes], list[Comment]]:
    """Return the notes of each clause, and the comments after the last one.

    Args:
        text: a query text without syntax errors.
        clauses: for each clause in order its range and those of its parts, at least one.
        regexes: where the regular expressions begin; two dashes in one begin no comment.
    """
    notes = [ClauseNotes() for _ in clauses]
    tail: list[Comment] = []
    starts = [span.start for span, _ in clauses]
    ends = [span.end for span, _ in clauses]
    for word in lexemes(text, regexes):
        if word.kind != "comment":
            continue
        comment = _comment(text, word.span)
        bare = replace(comment, blank_before=False, blank_after=False)
        if not _alone(text, word.start):
            index = max(0, bisect_right(starts, word.start) - 1)
            part = _part_at(clauses[index], word.start)
            if part < 0:
                notes[index].before.append(bare)
            else:
                notes[index].add_behind(part, bare)
            continue
        index = bisect_left(ends, word.end)
        if index == len(clauses):
            tail.append(comment)
        elif word.start < starts[index]:
            notes[index].before.append(comment)
        else:
            notes[index].add_ahead(_next_part(clauses[index], word.start), bare)
    for note in notes:
        note.sort()
    return notes, tail


def _part_at(clause: ClausePlaces, offset: int) -> int:
    """Return the number of the last part that begins before ``offset``, -1 if none does."""
    return bisect_right([span.start for span in clause[1]], offset) - 1


def _next_part(clause: ClausePlaces, offset: int) -> int:
    """Return the number of the part at or after ``offset``."""
    parts = clause[1]
    part = _part_at(clause, offset)
    inside = part >= 0 and offset < parts[part].end
    return part if inside else min(part + 1, len(parts) - 1)


def _alone(text: str, offset: int) -> bool:
    line_start = text.rfind("\n", 0, offset) + 1
    return not text[line_start:offset].strip(" \t\r\f\u00a0\ufeff")


def _comment(text: str, span: Span) -> Comment:
    above = text.rfind("\n", 0, span.start)
    below = text.find("\n", span.end + 1)
    return Comment(
        text[span.start : span.end].rstrip(),
        span.start,
        blank_before=above > 0 and not text[text.rfind("\n", 0, above) + 1 : above].strip(),
        blank_after=span.end + 1 < len(text) and not text[span.end + 1 : below if below >= 0 else None].strip(),
    )
