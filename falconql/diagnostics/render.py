"""Diagnostics as people read them, and as programs do. Pure: values in, text out."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

from falconql.diagnostics.model import Diagnostic, Label, Severity
from falconql.source import Position, Source, Span
from falconql.visible import visible

Style = Literal["full", "concise", "json"]

MOST_COLUMNS = 120
_COLOURS = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "bold": "\x1b[1m",
    "frame": "\x1b[1;34m",
    "help": "\x1b[36m",
}
_RESET = "\x1b[0m"
_PAINT = re.compile("|".join(re.escape(code) for code in (*_COLOURS.values(), _RESET)))


def render(diagnostics: Sequence[Diagnostic], source: Source, style: Style = "full", *, color: bool = False) -> str:
    """Return diagnostics as text: ``full`` with the lines and carets, ``concise`` one line each, or JSON."""
    if style == "json":
        return json.dumps([to_json_object(d, source) for d in diagnostics], ensure_ascii=False, indent=2)
    if style == "concise":
        return "\n".join(_concise(d, source) for d in diagnostics)
    return "\n\n".join(_Painter(source, color).full(d) for d in diagnostics)


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
    def __init__(self, source: Source, color: bool) -> None:
        self.source = source
        self.color = color

    def paint(self, text: str, colour: str) -> str:
        return f"{_COLOURS[colour]}{text}{_RESET}" if self.color and text else text

    def full(self, diagnostic: Diagnostic) -> str:
        severity = diagnostic.severity.value
        labels = sorted((diagnostic.primary, *diagnostic.secondary), key=lambda label: label.span)
        last = max(self.source.position(label.span.end).line for label in labels)
        margin = len(str(last))
        frame = " " * margin + " "
        start = self.source.position(diagnostic.primary.span.start)
        message = visible(f": {diagnostic.message}")
        head = self.paint(f"{severity}[{diagnostic.code}]", severity) + self.paint(message, "bold")
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
        for note in diagnostic.notes:
            lines.append(self.paint(frame + "= ", "frame") + self.paint("note: ", "bold") + visible(note))
        for help_ in diagnostic.helps:
            lines.append(self.paint(frame + "= ", "frame") + self.paint("help: ", "help") + visible(help_.text))
        return "\n".join(lines)

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
        line = self.source.line(number)
        shown, first, last = _shorten(line, columns[0] - 1, columns[1] - 1)
        pictured = visible(shown)
        # Two labels on one line share it, unless each shows another part of it.
        if previous != number or shown != line:
            lines.append(self.paint(f"{number:>{margin}} | ", "frame") + pictured)
        before = "".join("\t" if char == "\t" else " " * _char_width(char) for char in pictured[:first])
        carets = mark * max(1, display_width(pictured[first:last].replace("\t", " ")))
        said = f"{carets} {visible(text)}".rstrip()
        lines.append(self.paint(" " * margin + " | ", "frame") + before + self.paint(said, colour))


def _shorten(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Cut a very long line around the marked part; return it with the marked part's new place."""
    if len(line) <= MOST_COLUMNS:
        return line, start, end
    end = min(end, start + MOST_COLUMNS - 40)
    left = max(0, min(start - 20, len(line) - MOST_COLUMNS))
    right = min(len(line), left + MOST_COLUMNS)
    lead, tail = ("…" if left else ""), ("…" if right < len(line) else "")
    return lead + line[left:right] + tail, start - left + len(lead), end - left + len(lead)


def has_errors(diagnostics: Sequence[Diagnostic]) -> bool:
    """Return whether any diagnostic stops the query."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
