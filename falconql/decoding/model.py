"""A context-free grammar over characters as data: what every notation for constrained decoding can say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from falconql.decoding.charset import Ranges


@dataclass(frozen=True, slots=True)
class Literal:
    """These characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set; the ranges are in order and do not touch."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Ref:
    """What the rule of that name stands for."""

    name: str


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other; without parts: the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several, at least two."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same ``least`` to ``most`` times, without end when ``most`` is None."""

    body: Node
    least: int
    most: int | None


Node = Literal | Chars | Ref | Seq | Choice | Repeat
EMPTY = Seq(())


@dataclass(frozen=True, slots=True)
class Grammar:
    """Rules by name; a sentence is what ``start`` stands for.

    Names of rules are in lower case. Those in upper case are terminals: rules of characters alone, which no
    rule is part of, and which a notation with a lexer takes as one word.
    """

    rules: Mapping[str, Node]
    start: str = "root"

    def reachable(self) -> Grammar:
        """Return the grammar without rules that nothing leads to, in the order in which they are met."""
        found: dict[str, Node] = {}
        waiting = [self.start]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = self.rules[name]
                waiting += reversed([node.name for node in walk(found[name]) if isinstance(node, Ref)])
        return Grammar(found, self.start)


def seq(*parts: Node | str) -> Node:
    """Return parts one after the other, flat, with neighbouring literals joined; a str is a literal."""
    flat: list[Node] = []
    for part in map(_node, parts):
        for below in part.parts if isinstance(part, Seq) else (part,):
            if isinstance(below, Literal) and flat and isinstance(flat[-1], Literal):
                below = Literal(flat.pop().text + below.text)  # type: ignore[union-attr]
            if below != Literal(""):
                flat.append(below)
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def choice(options: Iterable[Node | str]) -> Node:
    """Return one of several, each once; a str is a literal."""
    flat: dict[Node, None] = {}
    for option in map(_node, options):
        flat |= dict.fromkeys(option.options if isinstance(option, Choice) else (option,))
    if EMPTY in flat and len(flat) > 1:
        del flat[EMPTY]
        return optional(choice(flat))
    return next(iter(flat)) if len(flat) == 1 else Choice(tuple(flat))


def optional(*parts: Node | str) -> Node:
    """Return what may be left out."""
    return Repeat(seq(*parts), 0, 1)


def repeat(body: Node | str, least: int, most: int | None) -> Node:
    """Return the same several times; nothing where it can be no times at all."""
    return EMPTY if most == 0 else _node(body) if least == most == 1 else Repeat(_node(body), least, most)


def nullable(node: Node) -> bool:
    """Return whether a node can be the empty text; no rule can."""
    match node:
        case Repeat(body, least, _):
            return least == 0 or nullable(body)
        case Seq(parts):
            return all(map(nullable, parts))
        case Choice(options):
            return any(map(nullable, options))
        case Literal(text):
            return not text
        case _:
            return False


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it, parents first."""
    yield node
    below: tuple[Node, ...] = ()
    match node:
        case Seq(parts):
            below = parts
        case Choice(options):
            below = options
        case Repeat(body, _, _):
            below = (body,)
    for child in below:
        yield from walk(child)


def rewrite(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a node with every part changed, from the leaves up."""
    match node:
        case Seq(parts):
            return change(seq(*(rewrite(part, change) for part in parts)))
        case Choice(options):
            return change(choice(rewrite(option, change) for option in options))
        case Repeat(body, least, most):
            return change(Repeat(rewrite(body, change), least, most))
        case _:
            return change(node)


def _node(part: Node | str) -> Node:
    return Literal(part) if isinstance(part, str) else part
