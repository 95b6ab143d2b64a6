"""Diagnostics as people read them, and as programs do. Pure: values in, text out."""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

from falconql.diagnostics.model import Diagnostic, Label
from falconql.source import Position, Source, Span
from falconql.visible import visible

Style = Literal["full", "concise", "json"]

MOST_COLUMNS = 120
FEWEST_COLUMNS = 40
_LEAD_COLUMNS = 20
_TAB_COLUMNS = 8
_COLOURS = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "bold": "\x1b[1m",
    "frame": "\x1b[1;34m",
    "help": "\x1b[36m",
}
_RESET = "\x1b[0m"
_PAINT = re.compile("|".join(re.escape(code) for code in (*_COLOURS.values(), _RESET)))


def render(
    diagnostics: Sequence[Diagnostic],
    source: Source,
    style: Style = "full",
    *,
    color: bool = False,
    width: int | None = None,
) -> str:
    """Return diagnostics as text: ``full`` with the lines and carets, ``concise`` one line each, or JSON.

    ``width``: the columns of the terminal that shows the full style; narrow ones count as 40. Without it only very
    long lines of the source are cut, and nothing is wrapped.
    """
    if style == "json":
        return json.dumps([to_json_object(d, source) for d in diagnostics], ensure_ascii=False, indent=2)
    if style == "concise":
        return "\n".join(_concise(d, source) for d in diagnostics)
    columns = None if width is None else max(width, FEWEST_COLUMNS)
    return "\n\n".join(_Painter(source, color, columns).full(d) for d in diagnostics)


def to_json_object(diagnostic: Diagnostic, source: Source) -> dict[str, Any]:
    """Return a diagnostic as a JSON object; lines and columns count from 1, columns in characters."""
    start = source.position(diagnostic.primary.span.start)
    end = source.position(diagnostic.primary.span.end)
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "hints": [help_.text for help_ in diagnostic.helps],
    }


def _concise(diagnostic: Diagnostic, source: Source) -> str:
    place = source.position(diagnostic.primary.span.start)
    head = f"{source.name}:{place.line}:{place.column}: {diagnostic.severity.value}[{diagnostic.code}]"
    return visible(f"{head}: {diagnostic.message}")


def display_width(text: str) -> int:
    """Return the terminal columns a text without tabs takes: wide characters 2, combining ones 0."""
    return sum(_char_width(char) for char in text)


def _columns(text: str, at: int = 0) -> int:
    """Return the terminal columns a text takes that begins ``at`` so many, its tabs included."""
    column = at
    for char in text:
        column += _TAB_COLUMNS - column % _TAB_COLUMNS if char == "\t" else _char_width(char)
    return column - at


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def painted(text: str) -> str:
    """Return a message in which of all control characters only the colours that messages are painted with stay."""
    parts, at = [], 0
    for paint in _PAINT.finditer(text):
        parts += [visible(text[at : paint.start()]), paint[0]]
        at = paint.end()
    return "".join([*parts, visible(text[at:])])


class _Painter:
    def __init__(self, source: Source, color: bool, width: int | None) -> None:
        self.source = source
        self.color = color
        self.width = width

    def paint(self, text: str, colour: str) -> str:
        return f"{_COLOURS[colour]}{text}{_RESET}" if self.color and text else text

    def full(self, diagnostic: Diagnostic) -> str:
        severity = diagnostic.severity.value
        labels = sorted((diagnostic.primary, *diagnostic.secondary), key=lambda label: label.span)
        last = max(self.source.position(label.span.end).line for label in labels)
        margin = len(str(last))
        frame = " " * margin + " "
        start = self.source.position(diagnostic.primary.span.start)
        code = f"{severity}[{diagnostic.code}]"
        first, *rest = self.wrapped(f"{code}: {diagnostic.message}", 0, 2)
        head = self.paint(code, severity) + self.paint("\n".join([first[len(code) :], *rest]), "bold")
        arrow = self.paint(" " * margin + "--> ", "frame")
        lines = [
            head,
            f"{arrow}{visible(self.source.name)}:{start.line}:{start.column}",
            self.paint(frame + "|", "frame"),
        ]
        previous: int | None = None
        for label in labels:
            mark = "^" if label is diagnostic.primary else "-"
            colour = severity if label is diagnostic.primary else "frame"
            previous = self._label(lines, label, mark, colour, margin, previous)
        if diagnostic.notes or diagnostic.helps:
            lines.append(self.paint(frame + "|", "frame"))
        remarks = [("note: ", "bold", note) for note in diagnostic.notes]
        remarks += [("help: ", "help", help_.text) for help_ in diagnostic.helps]
        for kind, colour, text in remarks:
            begun = len(frame) + len("= ") + len(kind)
            said = "\n".join(self.wrapped(text, begun, begun))
            lines.append(self.paint(frame + "= ", "frame") + self.paint(kind, colour) + said)
        return "\n".join(lines)

    def wrapped(self, text: str, begun: int, indent: int) -> list[str]:
        """Return what is said as lines: the first goes behind ``begun`` columns, those wrapped are indented."""
        lines = visible(text).split("\n")
        if self.width is None:
            return lines
        found: list[str] = []
        for line in lines:
            lead = " " * (indent if found else begun)
            found += textwrap.wrap(
                line,
                self.width,
                initial_indent=lead,
                subsequent_indent=" " * indent,
                break_long_words=False,
                break_on_hyphens=False,
            ) or [lead]
        return [found[0][begun:], *found[1:]]

    def _label(self, lines: list[str], label: Label, mark: str, colour: str, margin: int, previous: int | None) -> int:
        start, end = self._ends(label.span)
        if previous is not None and start.line > previous + 1:
            lines.append(self.paint(" " * margin + " ...", "frame"))
        if start.line == end.line:
            self._line(lines, start.line, (start.column, end.column), label.text, mark, colour, margin, previous)
            return start.line
        first = self.source.line(start.line)
        self._line(lines, start.line, (start.column, len(first) + 1), "", mark, colour, margin, previous)
        if end.line > start.line + 1:
            lines.append(self.paint(" " * margin + " ...", "frame"))
        text = self.source.line(end.line)
        indent = len(text) - len(text.lstrip()) + 1
        columns = (min(indent, end.column), end.column)
        self._line(lines, end.line, columns, label.text, mark, colour, margin, start.line)
        return end.line

    def _ends(self, span: Span) -> tuple[Position, Position]:
        start, end = self.source.position(span.start), self.source.position(span.end)
        if end.line > start.line and end.column == 1:
            # A range that ends with a line break shows on the line it breaks.
            end = self.source.position(span.end - 1)
        return start, end

    def _line(
        self,
        lines: list[str],
        number: int,
        columns: tuple[int, int],
        text: str,
        mark: str,
        colour: str,
        margin: int,
        previous: int | None,
    ) -> None:
        line = visible(self.source.line(number))
        begun = margin + len(" | ")
        room = MOST_COLUMNS + len("……") if self.width is None else self.width - begun
        shown, first, last = _shorten(line, columns[0] - 1, columns[1] - 1, room, begun)
        # Two labels on one line share it, unless each shows another part of it.
        if previous != number or shown != line:
            lines.append(self.paint(f"{number:>{margin}} | ", "frame") + shown)
        before = "".join("\t" if char == "\t" else " " * _char_width(char) for char in shown[:first])
        carets = mark * max(1, display_width(shown[first:last].replace("\t", " ")))
        frame = self.paint(" " * margin + " | ", "frame")
        said = f"{carets} {visible(text)}".rstrip()
        if self.width is None or _columns(before + said, begun) <= room:
            lines.append(frame + before + self.paint(said, colour))
            return
        lines.append(frame + before + self.paint(carets, colour))
        lines += [frame + self.paint(part, colour) for part in textwrap.wrap(visible(text), room)]


def _shorten(line: str, start: int, end: int, room: int, begun: int) -> tuple[str, int, int]:
    """Cut a line for which there is no room around the marked part; return it with the marked part's new place.

    ``begun``: the column in which the line begins. In a line that is cut tabs are spaces, since it begins elsewhere.
    """
    if _columns(line, begun) + (start == len(line)) <= room:
        return line, start, end
    line = line.replace("\t", " ")
    start = min(start, len(line))
    room -= len("……")
    near = display_width(line[:end]) <= room * 3 // 4
    left = 0 if near else start - _fitting(line[:start][::-1], min(_LEAD_COLUMNS, room // 4))
    right = left + _fitting(line[left:], room)
    left = min(left, right - _fitting(line[:right][::-1], room))
    while left < start and not _char_width(line[left]):
        left += 1  # a sign whose letter is cut off
    lead, tail = ("…" if left else ""), ("…" if right < len(line) else "")
    return lead + line[left:right] + tail, start - left + len(lead), min(end, right) - left + len(lead)


def _fitting(text: str, room: int) -> int:
    """Return how many of the first characters of a text there is room for."""
    for count, char in enumerate(text):
        room -= _char_width(char)
        if room < 0:
            return count
    return len(text)
