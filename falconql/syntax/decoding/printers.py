"""A grammar in the notations that servers take.

The three differ little: how a rule is written, how its name may look, and that Lark has regular expressions
where the others have classes of characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from falconql.syntax.decoding.model import Chars, Choice, Grammar, Literal, Node, Repeat, Rule, Sequence

_LOOSE, _SEQUENCE, _TIGHT = range(3)


def gbnf(grammar: Grammar) -> str:
    """Return a grammar as llama.cpp reads it."""
    return _Printer(" ::= ", lambda name: "root" if name == grammar.root else name).grammar(grammar)


def ebnf(grammar: Grammar) -> str:
    """Return a grammar in the EBNF of xgrammar, which vLLM's structured outputs take.

    It is GBNF with names in which no dash may stand.
    """

    def name(rule: str) -> str:
        return "root" if rule == grammar.root else rule.replace("-", "_")

    return _Printer(" ::= ", name).grammar(grammar)


def lark(grammar: Grammar) -> str:
    """Return one self-contained Lark grammar, as OpenAI's custom tools and llguidance read it.

    Without ``%ignore``: white space is in the rules. Their lexers never go back behind what they have read,
    so texts in rules are cut into words: ``x is `` would swallow the beginning of ``x = 1``.
    """

    def name(rule: str) -> str:
        plain = "start" if rule == grammar.root else rule.replace("-", "_")
        return plain.upper() if rule in grammar.tokens else plain.lower()

    return _Printer(": ", name, chars="/{}/", tokens=grammar.tokens).grammar(grammar)


@dataclass(frozen=True, slots=True)
class _Printer:
    sign: str
    name: Callable[[str], str]
    chars: str = "{}"
    tokens: frozenset[str] | None = None

    def grammar(self, grammar: Grammar) -> str:
        order = [grammar.root, *(rule for rule in grammar.rules if rule != grammar.root)]
        return "".join(self._rule(rule, grammar.rules[rule]) for rule in order)

    def _rule(self, rule: str, node: Node) -> str:
        cut = self.tokens is not None and rule not in self.tokens
        return f"{self.name(rule)}{self.sign}{self.text(_cut(node) if cut else node, _LOOSE)}\n"

    def text(self, node: Node, within: int) -> str:
        match node:
            case Literal(text):
                return '"' + "".join(map(_escaped, text)) + '"'
            case Chars():
                return self.chars.format(_class(node))
            case Rule(rule):
                return self.name(rule)
            case Sequence(parts):
                text = " ".join(self.text(part, _SEQUENCE) for part in parts) or '""'
                return f"({text})" if within == _TIGHT and len(parts) != 1 else text
            case Choice(options):
                text = " | ".join(self.text(option, _SEQUENCE) for option in options)
                return text if within == _LOOSE else f"({text})"
            case Repeat(part, least, most):
                return self.text(part, _TIGHT) + _times(least, most)
        assert_never(node)


_PIECES = re.compile(r'"[^"]*"|`[^`]*`|\w+|.', re.DOTALL)


def _cut(node: Node) -> Node:
    """Return a node with every literal cut into words, quoted texts and single marks."""
    match node:
        case Literal(text):
            return Sequence(tuple(map(Literal, _PIECES.findall(text))))
        case Sequence(parts):
            return Sequence(tuple(map(_cut, parts)))
        case Choice(options):
            return Choice(tuple(map(_cut, options)))
        case Repeat(part, least, most):
            return Repeat(_cut(part), least, most)
    return node


def _times(least: int, most: int | None) -> str:
    short = {(0, 1): "?", (0, None): "*", (1, None): "+"}.get((least, most))
    return short or (f"{{{least},{most}}}" if most is not None else f"{{{least},}}")


def _class(chars: Chars) -> str:
    inside = "".join(_one(low) if low == high else f"{_one(low)}-{_one(high)}" for low, high in chars.ranges)
    return f"[{'^' if chars.negated else ''}{inside}]"


def _one(char: str) -> str:
    # By number, since the notations do not agree on which marks may have a backslash in a class.
    return f"\\x{ord(char):02x}" if char in '-^[]/"' else _escaped(char)


def _escaped(char: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}.get(char)
    return named or (char if char.isprintable() else f"\\x{ord(char):02x}")
