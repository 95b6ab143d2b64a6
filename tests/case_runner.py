"""Runs the Markdown cases of ``tests/cases``: a query, and what becomes of it.

A case is a heading of level two, a sentence or more, a ```fql block and then any of

* ```error: every diagnostic of the query, rendered in full, syntax and checker together;
* ```ast: the syntax tree, one s-expression;
* ```formatted: the query in canonical form, with its comments.

A case without an ```error block expects no diagnostics. A ```schema block holds one ``column: Type`` or
``$parameter = json`` per line, or ``unknown`` for a corpus of unknown columns; in a case it serves that case, above
the first heading the whole file. Without one the corpus is ``DEFAULT_SCHEMA``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from falconql.catalog import Catalog, ParameterValue
from falconql.check import check_query
from falconql.diagnostics.model import Diagnostic
from falconql.diagnostics.render import render
from falconql.runtime.plan import Field
from falconql.runtime.types import type_from_json
from falconql.source import Source
from falconql.syntax import format_source, parse, parse_tolerant
from falconql.syntax.walk import dump

CASES = Path(__file__).with_name("cases")
DEFAULT_SCHEMA = """\
id: Int
body: Text
title: Text
section: Text
stars: Int
price: Float
published: Date
sent: Timestamp
verified: Bool
tags: [Text]
"""
RESULTS = ("ast", "formatted", "error")

_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Case:
    """One query with what is expected of it; ``text`` is the case as written, from its heading on."""

    path: Path
    title: str
    text: str
    query: str
    schema: str
    expected: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.path.relative_to(CASES).with_suffix('')}: {self.title}"


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a file, in order.

    Raises:
        ValueError: a case has no query, two queries, or an unknown kind of block.
    """
    head, *parts = re.split(r"(?m)^(?=## )", path.read_text(encoding="utf-8"))
    common = dict(_blocks(head)).get("schema", DEFAULT_SCHEMA)
    return [_read_case(path, part, common) for part in parts]


def all_cases() -> Iterator[Case]:
    """Yield every case of every file."""
    for path in sorted(CASES.rglob("*.md")):
        yield from read_cases(path)


def outcome(case: Case) -> dict[str, str]:
    """Return what really becomes of a case's query, for the blocks it has, and its diagnostics if any."""
    source = Source("query.fql", case.query)
    found = diagnose(source, read_schema(case.schema))
    results = {"error": render(found, source) + "\n"} if found or "error" in case.expected else {}
    if "ast" in case.expected:
        results["ast"] = dump(parse(source)) + "\n"
    if "formatted" in case.expected:
        results["formatted"] = format_source(source)
    return results


def diagnose(source: Source, catalog: Catalog) -> list[Diagnostic]:
    """Return every diagnostic of parser and checker, in source order."""
    parsed = parse_tolerant(source)
    found = list(parsed.diagnostics)
    if parsed.query is not None:
        lost = {"lost_names": parsed.lost_names, "lost_clauses": parsed.lost_clauses}
        found += check_query(parsed.query, catalog, **lost)[1]
    return sorted(found, key=lambda diagnostic: diagnostic.primary.span)


def read_schema(text: str) -> Catalog:
    """Return the catalog that a ```schema block describes."""
    fields: list[Field] | None = []
    parameters: dict[str, ParameterValue] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line == "unknown":
            fields = None
        elif line.startswith("$"):
            name, _, value = line[1:].partition("=")
            parameters[name.strip()] = json.loads(value)
        elif fields is not None:
            name, _, type_ = line.partition(":")
            fields.append(Field(name.strip(), type_from_json(type_.strip())))
    return Catalog(None if fields is None else tuple(fields), parameters)


def accept(case: Case, results: dict[str, str]) -> None:
    """Write what really became of a case into its file."""
    text = _BLOCK.sub(lambda match: _block(match["kind"], results.get(match["kind"], match["text"])), case.text)
    missing = [_block(kind, results[kind]) for kind in RESULTS if kind in results and kind not in case.expected]
    if missing:
        text = text.rstrip("\n") + "\n\n" + "\n\n".join(missing) + "\n" * (len(text) - len(text.rstrip("\n")))
    whole = case.path.read_text(encoding="utf-8")
    case.path.write_text(whole.replace(case.text, text), encoding="utf-8")


def _read_case(path: Path, text: str, schema: str) -> Case:
    blocks = _blocks(text)
    kinds = [kind for kind, _ in blocks]
    title = text.partition("\n")[0].removeprefix("## ")
    if kinds.count("fql") != 1 or len(set(kinds)) < len(kinds) or not set(kinds) <= {"fql", "schema", *RESULTS}:
        raise ValueError(f"{path}: {title}: one ```fql block and known blocks once each, not {kinds}")
    by_kind = dict(blocks)
    expected = {kind: by_kind[kind] for kind in RESULTS if kind in by_kind}
    return Case(path, title, text, by_kind["fql"].removesuffix("\n"), by_kind.get("schema", schema), expected)


def _blocks(text: str) -> list[tuple[str, str]]:
    return [(match["kind"], match["text"]) for match in _BLOCK.finditer(text)]


def _block(kind: str, text: str) -> str:
    return f"```{kind}\n{text}```"
