"""Grammars in the notations that model servers read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from falconql.decoding import charset
from falconql.decoding.charset import Ranges
from falconql.decoding.model import Chars, Choice, Grammar, Literal, Node, Ref, Repeat, Seq
from falconql.decoding.reading import is_terminal

_CHOICE, _SEQUENCE, _ONE = range(3)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def gbnf(grammar: Grammar) -> str:
    """Return a grammar in llama.cpp's notation."""
    return _printed(grammar, _Gbnf(_dashed(grammar.rules)), " ::=")


def ebnf(grammar: Grammar) -> str:
    """Return a grammar in XGrammar's notation, which vLLM and SGLang read."""
    return _printed(grammar, _Ebnf(_dashed(grammar.rules)), " ::=")


def lark(grammar: Grammar) -> str:
    """Return a grammar as one Lark file, as OpenAI's custom tools and llguidance read it.

    Rules are over whole tokens and over texts in quotes; white space is written out, nothing is ignored.
    """
    names = {name: name.replace("-", "_") for name in grammar.rules}
    return _printed(grammar, _Lark({**names, grammar.start: "start"}), ":")


def _printed(grammar: Grammar, notation: _Notation, sign: str) -> str:
    return "".join(
        f"{notation.names[name]}{sign} {notation.text(node, _CHOICE)}\n" for name, node in grammar.rules.items()
    )


def _dashed(names: Iterable[str]) -> dict[str, str]:
    """Return names in lower case without underscores: llama.cpp takes no underscores, others tell no cases apart."""
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (is_terminal(name), name.startswith("_"))):
        plain = name.strip("_").lower().replace("_", "-")
        found[name] = plain if plain not in found.values() else f"{plain}-{'token' if is_terminal(name) else 'etc'}"
    return found


class _Notation:
    """What the notations have in common: alternatives, sequences, repetitions."""

    nothing = '""'

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def text(self, node: Node, within: int) -> str:
        """Return a node; ``within`` is the loosest binding that needs no parentheses here."""
        match node:
            case Literal(text):
                return self.literal(text)
            case Chars(ranges):
                return self.chars(ranges)
            case Ref(name):
                return self.names[name]
            case Seq(()):
                return self.nothing
            case Seq(parts):
                text = " ".join(self.text(part, _ONE) for part in parts)
                return f"({text})" if within > _SEQUENCE else text
            case Choice(options):
                text = " | ".join(self.text(option, _SEQUENCE) for option in options)
                return f"({text})" if within > _CHOICE else text
            case Repeat(body, least, most):
                return self.text(body, _ONE) + _times(least, most)
        assert_never(node)

    def literal(self, text: str) -> str:
        return '"' + "".join(self.escaped(char, '"') for char in text) + '"'

    def chars(self, ranges: Ranges) -> str:
        """Return a set of characters, or the set of all others where that is shorter."""
        others = charset.outside(ranges)
        if len(others) < len(ranges):
            return self.bracketed("^", others)
        return self.bracketed("", ranges)

    def bracketed(self, sign: str, ranges: Ranges) -> str:
        shown = (
            self.in_class(low) if low == high else f"{self.in_class(low)}{'-' * (high > low + 1)}{self.in_class(high)}"
            for low, high in ranges
        )
        return f"[{sign}{''.join(shown)}]"

    def in_class(self, code: int) -> str:
        return self.escaped(chr(code), "^]-[")

    def escaped(self, char: str, special: str) -> str:
        if char in _SHORT:
            return _SHORT[char]
        if char == '"' and char in special:
            return '\\"'
        return self.code(ord(char)) if char in special or not char.isprintable() else char

    def code(self, code: int) -> str:
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _Gbnf(_Notation):
    pass


class _Ebnf(_Notation):
    pass


class _Lark(_Notation):
    def bracketed(self, sign: str, ranges: Ranges) -> str:
        return f"/{super().bracketed(sign, ranges)}/"

    def escaped(self, char: str, special: str) -> str:
        return "\\/" if char == "/" and special != '"' else super().escaped(char, special)


def _times(least: int, most: int | None) -> str:
    short: dict[tuple[int, int | None], str] = {(0, 1): "?", (0, None): "*", (1, None): "+"}
    if (least, most) in short:
        return short[least, most]
    return f"{{{least},{'' if most is None else most}}}" if least != most else f"{{{least}}}"
