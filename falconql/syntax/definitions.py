"""What a query may take from around it: ``let`` clauses and a text column that were settled before."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from falconql.syntax import ast
from falconql.syntax.walk import walk

_QUOTED = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Definitions:
    """What was settled before.

    Attributes:
        lets: definitions, each of which may use earlier ones.
        text: the column that model calls read in a query without a ``text`` clause.
    """

    lets: tuple[ast.Let, ...] = ()
    text: str | None = None


def with_definitions(query: ast.Query, given: Definitions) -> ast.Query:
    """Return the query with those definitions before its own that it uses, and those that they use.

    A name that the query defines itself is its own.
    """
    wanted = names_in(query) - {binding.name.text for binding in query.bindings}
    used: list[ast.Let] = []
    for let in reversed(given.lets):
        if let.name.text in wanted:
            used.insert(0, let)
            wanted |= names_in(let.value)
    text = query.text
    if text is None and given.text is not None:
        text = ast.TextColumn(span=query.span, column=ast.Name(span=query.span, text=given.text))
    return replace(query, text=text, bindings=(*used, *query.bindings))


def names_in(root: ast.Node) -> set[str]:
    """Return the names that a part of a query may read, those in the braces of instructions included."""
    found: set[str] = set()
    for node in walk(root):
        if isinstance(node, ast.Name):
            found.add(node.text)
        elif isinstance(node, ast.Text):
            found |= {name.strip() for name in _QUOTED.findall(node.value)}
    return found
