"""Results as a table of characters, for terminals and for ``repr``. Pure: an Arrow table in, text out.

Knows neither queries nor files. A span column may be shown twice: as a column of its own, and as a
highlight in the text column that it was found in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from falconql.diagnostics.render import display_width
from falconql.runtime.io.arrow import SPAN_TYPE
from falconql.runtime.io.json_values import python_values
from falconql.visible import in_one_line

GAP = 2
NARROWEST_TEXT = 10
WIDEST_FIXED = 26
MOST_DECIMALS = 4

_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
DIM = "\x1b[2m"
# One colour per span column, told apart on dark and on light backgrounds.
HIGHLIGHTS = ("\x1b[1;33m", "\x1b[1;36m", "\x1b[1;35m", "\x1b[1;32m", "\x1b[1;34m")


@dataclass(frozen=True, slots=True)
class Mark:
    """A painted stretch of a cell."""

    start: int
    end: int
    style: str


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of one cell, one character for each of the value's, so that offsets stay true."""

    text: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it is shown; ``style`` is that of its highlights, or bold."""

    name: str
    cells: tuple[Cell, ...]
    right: bool
    wraps: bool
    style: str

    @property
    def natural(self) -> int:
        return max([display_width(self.name), 1, *(_width_up_to(cell.text, 400) for cell in self.cells)])


def format_table(
    table: pa.Table,
    *,
    width: int,
    color: bool = False,
    highlights: Mapping[str, Sequence[str]] | None = None,
    most_lines: int = 4,
    widths: Sequence[int] | None = None,
    header: bool = True,
) -> str:
    """Return a table as lines of at most ``width`` terminal columns.

    Args:
        table: the rows to show, all of them; names may repeat.
        width: the terminal's width; columns that do not fit are left out and named below.
        color: whether to use terminal colours.
        highlights: by text column, the span columns whose spans to mark in it.
        most_lines: a longer cell is cut, near its first highlight when it has one.
        widths: those of the columns, as ``column_widths`` gave them for an earlier part of the same rows.
        header: whether the names of the columns come first, and below the names of those left out.
    """
    columns = columns_of(table, highlights or {})
    widths = _widths(columns, width) if widths is None else widths
    left_out = [column.name for column, given in zip(columns, widths, strict=True) if not given]
    columns = [column for column, given in zip(columns, widths, strict=True) if given]
    widths = [given for given in widths if given]
    lines = [_header(columns, widths, color), _rule(widths, color)] if header else []
    rows = [
        [_cell_lines(c.cells[row], w, most_lines if c.wraps else 1) for c, w in zip(columns, widths, strict=True)]
        for row in range(table.num_rows)
    ]
    airy = any(len(lines_) > 1 for row in rows for lines_ in row)
    for number, row in enumerate(rows):
        if airy and number:
            lines.append("")
        lines.extend(_row_lines(row, columns, widths, color))
    if left_out and header:
        lines.append(_painted(_cut(f"… no room for {', '.join(left_out)}", width), DIM, color))
    return "\n".join(lines)


def column_widths(table: pa.Table, *, width: int) -> list[int]:
    """Return the widths that ``format_table`` gives the columns; 0 for those that do not fit."""
    return _widths(columns_of(table, {}), width)


def columns_of(table: pa.Table, highlights: Mapping[str, Sequence[str]]) -> list[Column]:
    """Return the cells of a table; ``highlights`` has by text column the span columns whose spans to mark in it."""
    spans = [i for i, field in enumerate(table.schema) if is_span(field.type)]
    style_of = {i: HIGHLIGHTS[n % len(HIGHLIGHTS)] for n, i in enumerate(spans)}
    columns = []
    for index, field in enumerate(table.schema):
        values = python_values(table.column(index))
        marked = [i for i in spans if table.schema.field(i).name in highlights.get(field.name, ())]
        cells = _cells(values, field.type, style_of.get(index, ""))
        if marked:
            found = [(table.column(i).to_pylist(), style_of[i]) for i in marked]
            cells = tuple(
                Cell(cell.text, cell.marks or _marks([(spans_[row], style) for spans_, style in found]))
                for row, cell in enumerate(cells)
            )
        right = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        columns.append(Column(in_one_line(field.name), cells, right, _wraps(field.type), style_of.get(index, _BOLD)))
    return columns


def is_span(type_: pa.DataType) -> bool:
    """Return whether a column holds spans or lists of spans."""
    return bool(type_.equals(SPAN_TYPE) or (pa.types.is_list(type_) and type_.value_type.equals(SPAN_TYPE)))


def _wraps(type_: pa.DataType) -> bool:
    kinds = pa.types
    return not (kinds.is_primitive(type_) or kinds.is_boolean(type_) or kinds.is_null(type_))


def _marks(found: Sequence[tuple[Any, str]]) -> tuple[Mark, ...]:
    marks = [
        Mark(span["start"], span["end"], style)
        for value, style in found
        for span in (value if isinstance(value, list) else [value])
        # A column of a corpus may have spans with nothing in them.
        if span is not None and span["start"] is not None and span["end"] is not None
    ]
    return tuple(sorted(marks, key=lambda mark: (mark.start, mark.end)))


def _cells(values: list[Any], type_: pa.DataType, style: str) -> tuple[Cell, ...]:
    if pa.types.is_floating(type_):
        return _float_cells(values)
    cells = []
    for value in values:
        if value is None:
            cells.append(_null())
            continue
        text = _text(value, type_)
        cells.append(Cell(text, (Mark(0, len(text), style),) if style else ()))
    return tuple(cells)


def _null() -> Cell:
    return Cell("null", (Mark(0, 4, DIM),))


def _float_cells(values: list[float | None]) -> tuple[Cell, ...]:
    """Give all numbers of a column the same decimals, as many as the fussiest of them needs."""
    known = [value for value in values if value is not None]
    if any(abs(value) >= 1e15 or 0 < abs(value) < 10**-MOST_DECIMALS for value in known):
        return tuple(_null() if value is None else Cell(f"{value:.6g}") for value in values)
    needed = [len(f"{value:.{MOST_DECIMALS}f}".rstrip("0").partition(".")[2]) for value in known]
    decimals = max(needed, default=0)
    return tuple(_null() if value is None else Cell(f"{value:.{decimals}f}") for value in values)


def _text(value: Any, type_: pa.DataType) -> str:
    if isinstance(value, str):
        return in_one_line(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if type_.equals(SPAN_TYPE):
        return "null" if value["text"] is None else in_one_line(value["text"])
    if isinstance(value, list) and pa.types.is_list(type_):
        return ", ".join("null" if v is None else _text(v, type_.value_type) for v in value)
    if isinstance(value, (dict, list)):
        return in_one_line(json.dumps(value, ensure_ascii=False, default=str))
    return str(value)


def _width_up_to(text: str, most: int) -> int:
    return _width(text[:most])


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """Share the width out; a narrow column keeps what it needs, wide ones get equal parts of the rest.

    Where not all fit, the last ones are left out, but not the one with the longest texts: mostly it is what
    people want to read.
    """
    naturals = [column.natural if column.wraps else min(column.natural, WIDEST_FIXED) for column in columns]
    least = [min(n, NARROWEST_TEXT) if c.wraps else n for n, c in zip(naturals, columns, strict=True)]
    longest = max((i for i, column in enumerate(columns) if column.wraps), key=naturals.__getitem__, default=0)
    kept = list(range(len(columns)))
    while len(kept) > 1 and sum(least[i] for i in kept) > width - GAP * (len(kept) - 1):
        kept.remove(max(i for i in kept if i != longest))
    room = max(width - GAP * (len(kept) - 1), 1)
    shares = iter(_shares([naturals[i] for i in kept], [least[i] for i in kept], room))
    return [next(shares) if i in kept else 0 for i in range(len(columns))]


def _shares(naturals: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    if sum(naturals) <= room:
        return list(naturals)
    widths = list(least)
    open_ = [i for i, natural in enumerate(naturals) if widths[i] < natural]
    spare = room - sum(widths)
    while open_ and spare > 0:
        part = max(1, spare // len(open_))
        for index in list(open_):
            more = min(part, naturals[index] - widths[index], spare)
            widths[index] += more
            spare -= more
            if widths[index] == naturals[index]:
                open_.remove(index)
    return [min(width, room) for width in widths]


def _header(columns: Sequence[Column], widths: Sequence[int], color: bool) -> str:
    cells = []
    for column, width in zip(columns, widths, strict=True):
        name = _cut(column.name, width)
        cells.append(_pad(_painted(name, column.style, color), display_width(name), width, column.right))
    return (" " * GAP).join(cells).rstrip()


def _rule(widths: Sequence[int], color: bool) -> str:
    return _painted((" " * GAP).join("─" * width for width in widths), DIM, color)


def _row_lines(
    row: Sequence[Sequence[Cell]], columns: Sequence[Column], widths: Sequence[int], color: bool
) -> list[str]:
    lines = []
    for number in range(max((len(cell) for cell in row), default=0)):
        parts = []
        for cell, column, width in zip(row, columns, widths, strict=True):
            line = cell[number] if number < len(cell) else Cell("")
            shown = _paint_cell(line) if color else line.text
            parts.append(_pad(shown, _width(line.text), width, column.right))
        lines.append((" " * GAP).join(parts).rstrip())
    return lines


def _cell_lines(cell: Cell, width: int, most_lines: int) -> list[Cell]:
    """Wrap a cell; what does not fit is cut, and the part with the first mark is what stays."""
    begin = _window_start(cell, width, most_lines)
    text = ("… " if begin else "") + cell.text[begin : begin + width * most_lines * 2 + width]
    shift = begin - (2 if begin else 0)
    more = begin + width * most_lines * 2 + width < len(cell.text)
    ranges = _wrap(text, width)
    if len(ranges) > most_lines or more:
        ranges = ranges[:most_lines]
        start, end = ranges[-1]
        kept = _cut(text[start:end] + "…" * (width + 1), width)
        text = text[:start] + kept.rstrip("…").rstrip() + "…"
        ranges[-1] = (start, len(text))
    return [_slice(text, cell.marks, start, end, shift) for start, end in ranges]


def _slice(text: str, marks: Sequence[Mark], start: int, end: int, shift: int) -> Cell:
    inside = (
        Mark(max(mark.start - shift - start, 0), min(mark.end - shift - start, end - start), mark.style)
        for mark in marks
        if mark.start - shift < end and mark.end - shift > start
    )
    return Cell(text[start:end], tuple(inside))


def _window_start(cell: Cell, width: int, most_lines: int) -> int:
    """Return where to begin, so that the first mark is seen: at the beginning, if it is seen from there."""
    if not cell.marks:
        return 0
    capacity = width * most_lines
    lines = _wrap(cell.text[: capacity + width], width)
    if cell.marks[0].end < lines[min(most_lines, len(lines)) - 1][1] or len(lines) <= most_lines:
        return 0
    start = max(0, cell.marks[0].start - capacity // 4)
    space = cell.text.find(" ", start, cell.marks[0].start)
    return start if space < 0 else space + 1


def _wrap(text: str, width: int) -> list[tuple[int, int]]:
    """Return the ranges of the lines of a text; words longer than a line are broken."""
    lines: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = _fitting(text, start, width)
        if end < len(text) and text[end] != " ":
            space = text.rfind(" ", start, end)
            end = space if space > start else end
        lines.append((start, end))
        start = end
        while start < len(text) and text[start] == " ":
            start += 1
    return lines or [(0, 0)]


def _fitting(text: str, start: int, width: int) -> int:
    """Return where a line that begins at ``start`` must end, one character at least."""
    end = min(start + width, len(text))
    if text.isascii():
        return end
    used, end = 0, start
    while end < len(text):
        used += display_width(text[end])
        if used > width and end > start:
            break
        end += 1
    return end


def _width(text: str) -> int:
    return len(text) if text.isascii() else display_width(text)


def _cut(text: str, width: int) -> str:
    """Return the text if it fits, else its beginning with an ellipsis."""
    if _width(text) <= width:
        return text
    used, end = 0, 0
    while end < len(text) and used + display_width(text[end]) <= width - 1:
        used += display_width(text[end])
        end += 1
    return text[:end] + "…"


def _paint_cell(cell: Cell) -> str:
    parts, at = [], 0
    for mark in cell.marks:
        if mark.end <= at:
            continue
        start = max(mark.start, at)
        parts.append(cell.text[at:start])
        parts.append(f"{mark.style}{cell.text[start : mark.end]}{_RESET}")
        at = mark.end
    return "".join(parts) + cell.text[at:]


def _painted(text: str, style: str, color: bool) -> str:
    return f"{style}{text}{_RESET}" if color and text else text


def _pad(shown: str, used: int, width: int, right: bool) -> str:
    space = " " * max(0, width - used)
    return space + shown if right else shown + space
