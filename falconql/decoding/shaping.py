"""Grammars as decoders read them best: no left recursion, and nothing read twice to be told apart later.

A decoder follows every way to read what is there at once. Alternatives that begin alike are joined, so that
it follows one.
"""

from __future__ import annotations

from collections.abc import Sequence

from falconql.decoding.model import EMPTY, Choice, Node, Ref, Repeat, Seq, choice, rewrite, seq


def shaped(name: str, options: Sequence[Node]) -> Node:
    """Return the alternatives of a rule as one node that reads from the left."""
    return rewrite(_without_left_recursion(name, options), _factored)


def inlined(node: Node, meant: dict[str, Node]) -> Node:
    """Return a node with some references replaced by what they mean."""
    return rewrite(node, lambda part: meant.get(part.name, part) if isinstance(part, Ref) else part)


def _without_left_recursion(name: str, options: Sequence[Node]) -> Node:
    """Turn ``a: b | a x`` into ``a: b x*``."""
    own = Ref(name)
    bases = [option for option in options if _parts(option)[:1] != (own,)]
    tails = [seq(*_parts(option)[1:]) for option in options if _parts(option)[:1] == (own,)]
    return seq(choice(bases), Repeat(choice(tails), 0, None)) if tails else choice(bases)


def _factored(node: Node) -> Node:
    """Turn ``a b | a c`` into ``a (b | c)``."""
    if not isinstance(node, Choice):
        return node
    groups: dict[Node, list[Node]] = {}
    for option in node.options:
        head, *tail = _parts(option) or (EMPTY,)
        groups.setdefault(head, []).append(seq(*tail))
    if len(groups) == len(node.options):
        return node
    return choice(seq(head, _factored(choice(tails))) for head, tails in groups.items())


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Seq) else (node,)
