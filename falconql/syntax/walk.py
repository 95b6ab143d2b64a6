"""Going through a syntax tree without knowing its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from falconql.syntax.ast import Node


def children(node: Node) -> list[Node]:
    """Return the nodes directly below, in source order of their fields."""
    below: list[Node] = []
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            below.append(value)
        elif isinstance(value, tuple):
            below.extend(item for item in value if isinstance(item, Node))
    return below


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def dump(node: Node) -> str:
    """Return a tree as an s-expression of class names and values, without places."""
    parts = [type(node).__name__]
    for field in fields(node):
        if not field.repr:
            continue
        value = getattr(node, field.name)
        if isinstance(value, Node):
            parts.append(dump(value))
        elif isinstance(value, tuple):
            parts.append("[" + " ".join(dump(i) if isinstance(i, Node) else repr(i) for i in value) + "]")
        else:
            parts.append(repr(value))
    return "(" + " ".join(parts) + ")"
