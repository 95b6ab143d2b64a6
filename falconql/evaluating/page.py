"""An evaluation as a page: the figures, and the worst disagreements with their texts, marked by side."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import pairwise
from typing import Any

from falconql.evaluating.run import CallQuality, Evaluation
from falconql.evaluating.showing import as_data, reach
from falconql.evaluating.sides import Reply
from falconql.evaluating.worst import Disagreement
from falconql.runtime.io.output import write_whole

MOST_ON_PAGE = 200
MOST_OF_ONE_TEXT = 5_000
_FIGURES = (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"), ("accuracy", "Accuracy"))


def page(found: Evaluation) -> str:
    """Return one HTML page that needs nothing else: no script, no network."""
    data = as_data(found, worst=0)
    style = (resources.files("falconql.report") / "page.css").read_text(encoding="utf-8")
    body = [
        f"<header><h1>FalconQL <span>{_e(found.here)} against {_e(found.there)}, "
        f"{_e(reach(found))}</span></h1></header>",
        "<main>",
        *(f"<p>{_e(note)}</p>" for note in found.notes),
        f'<section><h2>Query</h2><pre tabindex="0">{_e(found.query)}</pre></section>',
        *_calls(data),
        *_whole(data, found),
        *(part for each in found.calls if each.worst for part in _worst(each, found)),
        "</main>",
    ]
    return _PAGE.format(title=_e(f"FalconQL: {found.corpus}"), style=style, body="\n".join(body))


def write_page(path: str, found: Evaluation) -> None:
    """Write the page to a file, whose name exists only when it is whole; a link or a device stays what it is.

    Raises:
        DataError: it cannot be written.
    """
    write_whole(path, page(found).encode("utf-8", "replace"))


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _e(text: object) -> str:
    return html.escape(str(text))


def _calls(data: dict[str, Any]) -> Iterator[str]:
    if not data["calls"]:
        return
    yield "<section><h2>Model calls</h2>"
    yield from _table(
        ["Call", "Questions", *(title for _, title in _FIGURES), "Disagreements"],
        [
            [_code(call["name"]), f"{call['questions']:,}", *_figures(call), f"{call['disagreements']:,}"]
            for call in data["calls"]
        ],
    )
    yield "<p>In per cent, with 95 % intervals. Spans are counted by word.</p></section>"


def _whole(data: dict[str, Any], found: Evaluation) -> Iterator[str]:
    if (same := data["agreement"]) is not None:
        yield "<section><h2>Whole result</h2><dl class='tiles'>"
        for name, value in (
            ("the same", f"{_figure(same['same'])} %"),
            ("kept or left out alike", f"{_figure(same['kept'])} %"),
            ("rows kept by both", f"{same['both']:,}"),
            (f"by {found.here} alone", f"{same['here_only']:,}"),
            (f"by {found.there} alone", f"{same['there_only']:,}"),
        ):
            yield f"<div><dt>{_e(name)}</dt><dd>{_e(value)}</dd></div>"
        yield "</dl></section>"
    if (result := data["result"]) is not None:
        yield "<section><h2>Whole result</h2>"
        rows = [[_e(f"rows, by {', '.join(result['keys'])}"), "", *_figures(result["rows"])]]
        rows += [[_code(each["name"]), f"{each['rows']:,}", *_figures(each)] for each in result["columns"]]
        yield from _table(["", "Rows", *(title for _, title in _FIGURES)], rows)
        for what, keys in (("Missing", result["missing"]), ("Not in the gold rows", result["extra"])):
            if keys:
                yield f"<p>{what}: {_e('; '.join(', '.join(key) for key in keys))}</p>"
        yield "</section>"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield '<div class="scroll" tabindex="0"><table><thead><tr>'
    yield "".join(f"<th{_right(place)}>{_e(title)}</th>" for place, title in enumerate(titles))
    yield "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(f"<td{_right(place)}>{cell}</td>" for place, cell in enumerate(row)) + "</tr>"
    yield "</tbody></table></div>"


def _right(place: int) -> str:
    return ' class="n"' if place else ""


def _code(text: str) -> str:
    return f"<code>{_e(text)}</code>"


def _figures(of: dict[str, Any]) -> list[str]:
    return [_figure(of[name]) if name in of else "" for name, _ in _FIGURES]


def _figure(of: dict[str, float]) -> str:
    return f"{100 * of['value']:.1f} ({100 * of['low']:.0f} to {100 * of['high']:.0f})"


def _worst(of: CallQuality, found: Evaluation) -> Iterator[str]:
    shown = of.worst[:MOST_ON_PAGE]
    told = f"{len(of.worst):,} answered differently"
    if len(shown) < len(of.worst):
        told += f", the {len(shown)} worst"
    yield f"<section><h2>{_code(of.name)}: {told}</h2>"
    if of.call.kind in ("span", "spans"):
        yield (
            f'<p><mark class="m0">{_e(found.here)} alone</mark> <mark class="m1">{_e(found.there)} alone</mark> '
            '<mark class="m3">both</mark></p>'
        )
    yield '<ol class="list">'
    for one in shown:
        yield "<li><dl>"
        if not all(isinstance(part, str) for part in of.call.instruction):
            yield f"<dt>asked</dt><dd>{_e(one.instruction)}</dd>"
        yield f"<dt>text</dt><dd>{_text(one)}</dd>"
        if not isinstance(one.here.value, tuple):
            yield f"<dt>{_e(found.here)}</dt><dd>{_e(_said(one.here))}</dd>"
            yield f"<dt>{_e(found.there)}</dt><dd>{_e(_said(one.there))}</dd>"
        yield "</dl></li>"
    yield "</ol></section>"


def _said(reply: Reply) -> str:
    if isinstance(reply.value, bool):
        return ("yes" if reply.value else "no") + ("" if reply.score is None else f", score {reply.score:.2f}")
    return str(reply.value)


def _text(one: Disagreement) -> str:
    """Return the text with the stretches of each side marked, and of both; of a long one the part where they differ."""
    here = one.here.value if isinstance(one.here.value, tuple) else ()
    there = one.there.value if isinstance(one.there.value, tuple) else ()
    first_apart = min((start for start, _ in {*here} ^ {*there}), default=0)
    begin = 0 if first_apart < MOST_OF_ONE_TEXT // 2 else first_apart - MOST_OF_ONE_TEXT // 2
    end = min(begin + MOST_OF_ONE_TEXT, len(one.text))
    ends = {begin, end, *(min(max(place, begin), end) for span in (*here, *there) for place in span)}
    parts = []
    for start, stop in pairwise(sorted(ends)):
        first = any(a <= start < b for a, b in here)
        second = any(a <= start < b for a, b in there)
        piece = _e(one.text[start:stop])
        class_ = "m3" if first and second else "m0" if first else "m1" if second else ""
        parts.append(f'<mark class="{class_}">{piece}</mark>' if class_ else piece)
    return "…" * (begin > 0) + "".join(parts) + "…" * (end < len(one.text))
