"""The page of a report: a skeleton, its data, and no network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from falconql.runtime.io.output import write_whole
from falconql.syntax.keywords import keywords
from falconql.syntax.lexemes import lexemes

_KINDS = {
    "text": "text",
    "open_text": "text",
    "regex": "text",
    "number": "number",
    "parameter": "number",
    "comment": "comment",
}


def page(data: Mapping[str, Any]) -> str:
    """Return the report as one HTML page that needs nothing else, what ``Collector.data`` gave in it."""
    style, script = _asset("page.css"), _asset("page.js")
    shown = {**data, "painted": list(_painted(data["query"]))}
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "{{title}}": html.escape(f"FalconQL: {data['corpus']}"),
        "{{policy}}": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:",
        "{{style}}": style,
        "{{data}}": _as_script_data(shown),
        "{{script}}": script,
    }
    text = _asset("page.html")
    filled: list[str] = []
    # In one pass: what was filled in is never looked at for further marks.
    while True:
        place, mark = min(((text.find(mark), mark) for mark in parts if mark in text), default=(-1, ""))
        if place < 0:
            return "".join([*filled, text])
        filled += [text[:place], parts[mark]]
        text = text[place + len(mark) :]


def write_page(path: str, data: Mapping[str, Any]) -> None:
    """Write the report to a file, whose name exists only when it is whole; a link or a device stays what it is.

    Raises:
        DataError: it cannot be written.
    """
    write_whole(path, page(data).encode("utf-8", "replace"))


def _painted(query: str) -> list[tuple[str, str]]:
    """Return the query in pieces, each with the class that colours it."""
    words, at = frozenset(keywords().values()), 0
    pieces: list[tuple[str, str]] = []
    for word in lexemes(query):
        kind = "keyword" if word.kind == "word" and word.lower in words else _KINDS.get(word.kind, "")
        pieces += [("", query[at : word.start]), (kind, word.text)]
        at = word.end
    return [(kind, text) for kind, text in [*pieces, ("", query[at:])] if text]


def _as_script_data(data: Mapping[str, Any]) -> str:
    """Return JSON in which nothing can end the element that it stands in, or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        text.replace("<", "\\u003c").replace(">", "\\u003e").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def _asset(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
