"""Results as a table of HTML, for notebooks: as terminals show them, spans marked in the texts they were found in.

What comes from a corpus is escaped: a text with a tag in it is shown, not run.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import pyarrow as pa

from falconql.table import DIM, HIGHLIGHTS, Cell, Column, Mark, columns_of

MOST_CHARACTERS = 400
_BEFORE_MARK = 80
# Seen through, so that they suit the dark and the light pages of notebooks; in the order of HIGHLIGHTS.
_COLOURS = ("255,193,7", "0,188,212", "233,30,99", "76,175,80", "63,81,181")
_STYLES = {style: f"background:rgba({c},.35);color:inherit" for style, c in zip(HIGHLIGHTS, _COLOURS, strict=True)}


def html_table(table: pa.Table, highlights: Mapping[str, Sequence[str]], rows: int) -> str:
    """Return the rows of a table as HTML.

    Args:
        table: the rows to show, all of them; names may repeat.
        highlights: by text column, the span columns whose spans to mark in it.
        rows: how many there are in all, said below.
    """
    columns = columns_of(table, highlights)
    head = "".join(f"<th{_aligned(column)}>{_shown(column.name)}</th>" for column in columns)
    body = "".join(
        f"<tr>{cells}</tr>"
        for row in range(table.num_rows)
        for cells in ["".join(f"<td{_aligned(column)}>{_cell(column.cells[row])}</td>" for column in columns)]
    )
    left = rows - table.num_rows
    count = f"{rows:,} row{'s' if rows != 1 else ''}" + (f", the first {table.num_rows} of them" if left else "")
    # Without these classes notebooks typeset what stands between two dollar signs.
    ignored = "tex2jax_ignore mathjax_ignore"
    return f'<table class="{ignored}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{count}</p>'


def _aligned(column: Column) -> str:
    side = "right" if column.right else "left"
    return f' style="text-align:{side};vertical-align:top;max-width:40em;overflow-wrap:anywhere"'


def _cell(cell: Cell) -> str:
    start = 0
    if len(cell.text) > MOST_CHARACTERS and cell.marks:
        start = max(0, min(cell.marks[0].start - _BEFORE_MARK, len(cell.text) - MOST_CHARACTERS))
    end = min(len(cell.text), start + MOST_CHARACTERS)
    parts, at = ["…" if start else ""], start
    for mark in cell.marks:
        # Spans of several columns may overlap; what is marked already stays so.
        first, last = max(mark.start, at), min(mark.end, end)
        if first < last:
            parts += [_shown(cell.text[at:first]), _marked(cell.text[first:last], mark)]
            at = last
    return "".join([*parts, _shown(cell.text[at:end]), "…" if end < len(cell.text) else ""])


def _marked(text: str, mark: Mark) -> str:
    if mark.style in _STYLES:
        return f'<mark style="{_STYLES[mark.style]}">{_shown(text)}</mark>'
    return f'<span style="opacity:.6">{_shown(text)}</span>' if mark.style == DIM else _shown(text)


def _shown(text: str) -> str:
    return html.escape(text)
