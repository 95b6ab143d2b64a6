"""A grammar over characters as data: what every notation for constrained decoding can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """These characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of inclusive ranges, or, when ``negated``, one outside all of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; empty: nothing at all."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same ``least`` to ``most`` times, without end when ``most`` is None."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Rule:
    """What the rule of that name stands for."""

    name: str


Node = Literal | Chars | Sequence | Choice | Repeat | Rule


@dataclass(frozen=True, slots=True)
class Grammar:
    """Rules by name; a sentence is what ``root`` stands for."""

    rules: Mapping[str, Node]
    root: str = "root"


def seq(*parts: Node | str) -> Node:
    """Return parts one after the other, flat, literals joined; a str is a literal."""
    flat: list[Node] = []
    for part in parts:
        node = Literal(part) if isinstance(part, str) else part
        for below in node.parts if isinstance(node, Sequence) else (node,):
            if isinstance(below, Literal) and flat and isinstance(flat[-1], Literal):
                below = Literal(flat.pop().text + below.text)
            if below != Literal(""):
                flat.append(below)
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def choice(*options: Node | str) -> Node:
    """Return one of several; a str is a literal."""
    nodes = tuple(Literal(option) if isinstance(option, str) else option for option in options)
    return nodes[0] if len(nodes) == 1 else Choice(nodes)


def optional(part: Node | str) -> Node:
    """Return a part that may be left out."""
    return Repeat(seq(part), 0, 1)


def listed(part: Node, most: int, between: str = ", ") -> Node:
    """Return one to ``most`` of a part with something between them."""
    return part if most == 1 else seq(part, Repeat(seq(between, part), 0, most - 1))
