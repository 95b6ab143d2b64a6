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
    """Rules by name; a sentence is what ``root`` stands for.

    Attributes:
        rules: what each rule stands for.
        tokens: rules that are read as a whole, where a notation tells tokens from rules; none leads to itself.
        root: where a sentence begins.
    """

    rules: Mapping[str, Node]
    tokens: frozenset[str] = frozenset()
    root: str = "root"

    def reachable(self) -> Grammar:
        """Return the grammar without rules that nothing leads to.

        Raises:
            ValueError: a rule offers nothing to choose from, which servers refuse or crash on.
            KeyError: a rule is missing.
        """
        seen: set[str] = set()
        waiting: list[Node] = [Rule(self.root)]
        while waiting:
            match waiting.pop():
                case Rule(name) if name not in seen:
                    seen.add(name)
                    waiting.append(self.rules[name])
                case Choice(()):
                    raise ValueError("a choice needs an option")
                case Sequence(parts) | Choice(parts):
                    waiting.extend(parts)
                case Repeat(part, _, _):
                    waiting.append(part)
        rules = {name: node for name, node in self.rules.items() if name in seen}
        return Grammar(rules, self.tokens & seen, self.root)


def seq(*parts: Node | str) -> Node:
    """Return parts one after the other, flat, literals joined; a str is a literal."""
    flat: list[Node] = []
    for part in parts:
        node = Literal(part) if isinstance(part, str) else part
        for below in node.parts if isinstance(node, Sequence) else (node,):
            if isinstance(below, Literal) and flat and isinstance(last := flat[-1], Literal):
                flat.pop()
                below = Literal(last.text + below.text)
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
