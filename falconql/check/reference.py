"""The reference page of the functions, made from their table: ``python -m falconql.check.reference``."""

from __future__ import annotations

import sys

from falconql.check.functions import FUNCTIONS, Kind, Signature

_HEAD = """\
# Functions

Function names are case-insensitive. A null argument gives null, but for `exists` and the aggregates. A span stands
for its text wherever a text is needed, a label for true or false wherever a condition is.

The examples are over a corpus with the columns `id`, `body`, `title`, `section`, `stars`, `price`, `published`, `sent`,
`verified` and `tags`; model calls read `body`.

This page is made from the table that the checker uses; `python -m falconql.check.reference` prints it.
"""
_SECTIONS: dict[Kind, str] = {
    "model": """\
## Model calls

The proxy answers these, for each text once. The first argument may be left out: the call then reads the column of the
`text` clause. The instruction is a text literal. It can quote values of the same row by their names in braces,
`"What is the profession of {lecturer}?"`: columns, lets and each names that are a text, a span, a number, a date or a
boolean. If a quoted value is null, so is the result. Braces as such are written `{{` and `}}`. The same call written
twice is asked once.
""",
    "row": "## Functions of a row\n",
    "aggregate": """\
## Aggregates

These stand in `select` and `order by` and run over the rows of a group, or over all rows without `group by`. They leave
nulls out; `count()` counts every row.
""",
}


def functions_page() -> str:
    """Return the whole page as Markdown."""
    parts = [_HEAD]
    for kind, head in _SECTIONS.items():
        parts.append(head)
        parts.extend(_entry(signature) for signature in FUNCTIONS.values() if signature.kind == kind)
    return "\n".join(parts)


def _entry(signature: Signature) -> str:
    forms = " · ".join(f"`{form}`" for form in signature.forms)
    query = f"```fql\n{example(signature)}\n```"
    return f"### {signature.name}\n\n{forms} → {signature.gives}\n\n{signature.meaning}\n\n{query}\n"


def example(signature: Signature) -> str:
    """Return a whole query that uses a function."""
    clauses = [signature.example]
    if signature.example.startswith("order by"):
        clauses.insert(0, "select id")
    if any(call in signature.example for call in _MODEL_CALLS):
        clauses.insert(0, "text body")
    return "\n".join(clauses)


_MODEL_CALLS = tuple(f"{s.name}(" for s in FUNCTIONS.values() if s.kind == "model")

if __name__ == "__main__":
    sys.stdout.write(functions_page())
